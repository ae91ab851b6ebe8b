"""The shortest schedule under renewable capacities that a budget finds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, log2

import numpy as np

from engines.planning.arrays import Floats, Ints, Network
from engines.planning.budget import Budget
from engines.planning.capacity.packed import pack
from engines.planning.capacity.population import (
    bench_of,
    enter,
    evolve,
    fill,
    population_of,
)
from engines.planning.capacity.priorities import Rule, priorities
from engines.planning.capacity.schedules import room_of, unpacked
from engines.planning.chance import seeded

_PLACEMENTS_A_CHUNK = 400_000
"""Tasks placed between two looks at the budget: some 20 ms."""
_PLACEMENT_S = 42e-9
"""CPU seconds of one, roughly."""
_GENERATIONS = 560
"""Children for each place in the population within the budget. A small population is done before
the budget is, a large one is not done by then."""
_SIZES = (16, 2048)
"""The least and the most places."""
_PATIENCE = 40
"""After as many fruitless children for each place the population is sampled anew."""
_RULES = (Rule.LFT, Rule.LST, Rule.MTS, Rule.GRPW)
"""The rules whose schedules are among the first."""


@dataclass(frozen=True)
class Found:
    """The best schedule."""

    starts: Ints  # [n]
    makespan: int
    schedules: int
    """How many were made."""


def search(
    network: Network,
    budget: Budget,
    seed: int,
    *,
    lower_bound: int = 0,
    hints: Sequence[Ints] = (),
    priors: Sequence[Floats] = (),
) -> Found:
    """Look for a short schedule until the budget is over or the lower bound is met.

    Args:
        network: A problem without people.
        budget: When to stop.
        seed: The same one gives the same schedules in the same order.
        lower_bound: No schedule is shorter.
        hints: Starts [n] of schedules to begin from.
        priors: Priorities [n], lowest first, to sample from.
    """
    hunt = _Hunt(network, budget.cpu_s, seed, [*hints, *priors], priors)
    for _ in hunt.chunks():
        if hunt.makespan <= lower_bound or budget.is_over:
            break
    return Found(hunt.starts(), hunt.makespan, hunt.schedules)


class _Hunt:
    """A search under way."""

    def __init__(
        self,
        network: Network,
        cpu_s: float,
        seed: int,
        given: Sequence[Ints | Floats],
        priors: Sequence[Floats],
    ) -> None:
        self.network = network
        self.packed, self.numbering = pack(network)
        m = len(self.packed.durations)
        self.room = room_of(self.packed)
        self.bench = bench_of(m, seeded(seed))
        self.pool = population_of(_size(cpu_s, m), m)
        self.schedules = 0
        rules = [priorities(network, rule) for rule in _RULES]
        self.first = [np.asarray(one, np.float64) for one in (*given, *rules)]
        """Values [n] whose sequences are the first of the population."""
        self.sampled = [np.asarray(one, np.float64) for one in priors] or rules[:1]
        """Values [n] around which the others are sampled."""

    @property
    def makespan(self) -> int:
        """Of the best schedule yet, in the network's ticks."""
        best = int(self.pool.best_makespan[0]) if self.schedules else self.packed.floor
        return best * self.numbering.unit

    def starts(self) -> Ints:
        """Of the best schedule yet, [n]."""
        return unpacked(self.network, self.numbering, self.pool.best)

    def chunks(self) -> Iterator[None]:
        """Yields after each chunk of work; without end, where there is anything to search."""
        m = len(self.packed.durations)
        children = 1 + _PLACEMENTS_A_CHUNK // (3 * max(m, 1))
        if m > 0:
            yield from self._begin(self.first, children)
        while m > 1:
            yield from self._until_stalled(children)
            yield from self._begin([self.starts().astype(np.float64)], children)

    def _begin(self, first: Sequence[Floats], children: int) -> Iterator[None]:
        """Fill the population: what is given first, samples behind, so many between two looks."""
        kernel = (self.packed, self.room, self.bench, self.pool)
        size = len(self.pool.makespans)
        for place, values in enumerate(first[:size]):
            enter(*kernel, place, values[self.numbering.tasks])
            self.schedules += 3
            yield
        step = min(children, ceil(size / len(self.sampled)))
        for turn, begin in enumerate(range(len(first), size, step)):
            end = min(size, begin + step)
            values = self.sampled[turn % len(self.sampled)]
            fill(*kernel, (begin, end), values[self.numbering.tasks])
            self.schedules += 3 * (end - begin)
            yield

    def _until_stalled(self, children: int) -> Iterator[None]:
        """Evolve, so many children at a time, until none has been shorter for long."""
        fruitless = 0
        while fruitless < _PATIENCE * len(self.pool.makespans):
            before = self.pool.makespans.sum()
            evolve(self.packed, self.room, self.bench, self.pool, children)
            self.schedules += 3 * children
            fruitless = fruitless + children if self.pool.makespans.sum() == before else 0
            yield


def _size(cpu_s: float, m: int) -> int:
    """Places in the population, in steps of half an octave, so that no noise in a budget shows."""
    children = cpu_s / (3 * max(m, 1) * _PLACEMENT_S)
    octaves = log2(max(children / _GENERATIONS, 1.0))
    return int(np.clip(round(2 ** (round(2 * octaves) / 2)), *_SIZES))
