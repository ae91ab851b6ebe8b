"""The shortest schedule under renewable capacities that a budget finds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from engines.planning.arrays import Floats, Ints, Network
from engines.planning.budget import Budget
from engines.planning.capacity.chance import seeded
from engines.planning.capacity.packed import pack
from engines.planning.capacity.population import (
    bench_of,
    evolve,
    population_of,
    sample,
    settle,
)
from engines.planning.capacity.priorities import Rule, priorities
from engines.planning.capacity.schedules import room_of, unpacked

_PLACEMENTS_A_CHUNK = 400_000
"""Tasks placed between two looks at the budget: some 20 ms."""
_SIZE = 200
"""Schedules in the population."""
_NOISE = 0.5
"""How far sampled priorities are off, as a share of their range."""
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
    hunt = _Hunt(network, seed, hints, priors)
    for _ in hunt.chunks():
        if hunt.makespan <= lower_bound or budget.is_over:
            break
    return Found(hunt.starts(), hunt.makespan, hunt.schedules)


class _Hunt:
    """A search under way."""

    def __init__(
        self, network: Network, seed: int, hints: Sequence[Ints], priors: Sequence[Floats]
    ) -> None:
        self.network = network
        self.packed, self.numbering = pack(network)
        m = len(self.packed.durations)
        self.room = room_of(self.packed)
        self.bench = bench_of(m, seeded(seed))
        self.pool = population_of(_SIZE, m)
        self.schedules = 0
        rules = [priorities(network, rule) for rule in _RULES]
        self.first = [np.asarray(one, np.float64) for one in (*hints, *priors, *rules)]
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
        if m == 0:
            return
        for place, values in enumerate(self.first[:_SIZE]):
            self._settle(place, values, 0.0)
            yield
        if m < 2:  # noqa: PLR2004 - one task has one best place
            return
        for place in range(len(self.first), _SIZE):
            self._settle(place, self.sampled[place % len(self.sampled)], _NOISE)
            yield
        children = 1 + _PLACEMENTS_A_CHUNK // (3 * m)
        while True:
            evolve(self.packed, self.room, self.bench, self.pool, children)
            self.schedules += 3 * children
            yield

    def _settle(self, place: int, values: Floats, noise: float) -> None:
        sample(self.packed, self.bench, values[self.numbering.tasks], noise)
        settle(self.packed, self.room, self.bench, self.pool, place)
        self.schedules += 3
