"""The search for who does what and when, where one person is accountable for each task.

Multi-skill resource-constrained project scheduling as iMOPSE has it (Myszkowski et al. 2015), with
calendars, deadlines, fixed work and a previous plan on top.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np

from engines.planning.arrays import Floats, Ints, Network
from engines.planning.budget import Budget
from engines.planning.chance import seeded
from engines.planning.staffing.annealing import Heat, anneal, note, nothing_yet, resume
from engines.planning.staffing.costs import total
from engines.planning.staffing.crew import Crew, crew_of
from engines.planning.staffing.draft import empty_draft
from engines.planning.staffing.goals import Goals, Held
from engines.planning.staffing.greedy import Taste, give_all
from engines.planning.timing import timing_of

CHUNK = 200_000
"""Placements of a task between two looks at the budget, about; a millisecond's worth."""
LEAST_TRIES, MOST_TRIES = 50, 2000
"""Moves between two looks at the budget."""
CYCLE = 150_000
"""Moves from hot to cold."""
HOT, COLD = 0.05, 0.003
"""Temperatures at the ends of a cycle, as parts of the mean duration."""
HOTTER = (1.0, 3.0)
"""Of cycles in turn: a small team's plans are deep holes, a large one's are not."""
GUIDE = 2.0
"""What a tick costs, beside the goals, by which one person ends after the best makespan."""
POLISH_CYCLE = 10_000
POLISH_HOT = 0.01
POLISH_GUIDE = 0.05
"""A re-plan has a tenth of a second, and begins near where it will end."""
TEMPERS = (0.0, 1.0, 1.01, 1.02, 1.04, 1.08, 1.15)
"""Parts of the previous makespan by which all is to end: tasks move for nothing less."""
LOYAL = 0.01
"""Ticks that a task may end later with who held it, where the goals say nothing."""
NOBODY_ELSE = 1e15
"""Loyalty, in ticks, that nothing outweighs."""


@dataclass(frozen=True)
class Hint:
    """A plan that the search may begin with. It need not keep the rules; its order counts."""

    people: Ints  # [n], -1 for anybody
    starts: Ints  # [n]


@dataclass(frozen=True)
class Start:
    """What a search begins with, besides a plan of its own."""

    held: Held | None = None
    """The previous plan, which `Goals.moves` and `Goals.shift` are about."""
    hints: Sequence[Hint] = ()
    priors: Sequence[Floats] = ()
    """Priorities [n], the highest first, for a pass of the list policy each."""


@dataclass(frozen=True)
class Cooling:
    """How temperatures fall, again and again."""

    moves: int = CYCLE
    hot: float = HOT
    guide: float = GUIDE
    hotter: tuple[float, ...] = HOTTER

    def stretches(self, tries: int, scale: float) -> Iterator[tuple[float, float]]:
        """Temperatures at both ends of every `tries` moves, without end; `scale` is in ticks."""
        steps = max(1, self.moves // tries)
        for step in count():
            cycle, done = divmod(step, steps)
            start = self.hot * self.hotter[cycle % len(self.hotter)]
            hot, cold = (start * (COLD / start) ** ((done + i) / steps) for i in range(2))
            yield scale * hot, scale * cold


@dataclass(frozen=True)
class Found:
    """A plan of n tasks that keeps the rules, in the network's order."""

    starts: Ints
    ends: Ints  # exclusive
    people: Ints  # -1 for nobody: a milestone
    makespan: int
    cost: float
    """By the goals, in ticks."""
    decodes: int
    """How many plans were looked at."""


def search(
    network: Network,
    budget: Budget,
    seed: int,
    goals: Goals,
    *,
    lower_bound: int = 0,
    start: Start | None = None,
) -> Found:
    """The best plan found within a budget.

    Args:
        network: What to plan.
        budget: Looked at every few milliseconds; a greedy plan comes back at the least.
        seed: Of the moves. What is found depends on it and on how far the budget reached.
        goals: What counts.
        lower_bound: Of the makespan; a plan that has it and no other fault ends the search.
        start: What is known beforehand.
    """
    start = start or Start()
    search = _Search(network, goals, start.held)
    anybody = np.full(network.n, -1, np.int64)
    for priority in (search.crew.links.tails + network.durations, *start.priors):
        search.give(priority, anybody, Taste(0.0, 0.0))
    held = () if start.held is None else (Hint(start.held.people, start.held.starts),)
    for hint in (*held, *start.hints):
        search.give(-hint.starts, hint.people, Taste(0.0, NOBODY_ELSE))
    search.anneal(budget, seed, Cooling(), lower_bound)
    return search.found()


def found_of(network: Network, starts: Ints, people: Ints, goals: Goals) -> Found:
    """A plan that was made elsewhere: its order and its people, each task as soon as it can be."""
    search = _Search(network, goals, None)
    search.give(-starts, people, Taste(0.0, NOBODY_ELSE))
    return search.found()


def list_plan(
    network: Network, priority: Floats, goals: Goals | None = None, held: Held | None = None
) -> Found:
    """One pass of the list policy.

    Tasks go in order of priority, the highest first as far as precedence allows, each to whoever
    lets all end first: it, what has to follow it, and what else they held. To who held it, if that
    is at most `goals.moves` ticks later.
    """
    search = _Search(network, goals or Goals(), held)
    search.give(priority, search.crew.prices.people, Taste(0.0, search.crew.prices.moves))
    return search.found()


def replan(network: Network, held: Held, budget: Budget, seed: int, goals: Goals) -> Found:
    """A new plan after an event, near the previous one.

    The list policy goes through the previous plan's order, in a few tempers: each task stays with
    who held it as long as the project still ends in time. The best of that is polished for as
    long as the budget lasts; one of 0 leaves it at the list policy.
    """
    search = _Search(network, goals, held)
    end = _held_end(held, search.crew)
    for priority in _held_orders(network, held, search.crew):
        for later in TEMPERS:
            taste = Taste(later * end, max(search.crew.prices.moves, LOYAL))
            search.give(priority, search.crew.prices.people, taste)
    search.anneal(budget, seed, Cooling(POLISH_CYCLE, POLISH_HOT, POLISH_GUIDE, (1.0,)), 0)
    return search.found()


def _held_end(held: Held, crew: Crew) -> float:
    """When the previous plan was to end, by what its tasks take now."""
    mine = np.flatnonzero((crew.prices.people >= 0) & (held.starts >= 0))
    takes = crew.hands.takes[mine, crew.prices.people[mine]]
    return float((held.starts[mine] + takes).max(initial=crew.fixed.end))


def _held_orders(network: Network, held: Held, crew: Crew) -> Iterator[Floats]:
    """Priorities: the previous order with what is new as early, or as late, as it can be."""
    timing = timing_of(network)
    is_new = held.starts < 0
    latest = _held_end(held, crew) - timing.tails - timing.least
    for key in (timing.heads, latest):
        yield -np.where(is_new, key, held.starts).astype(np.float64)
        if not is_new.any():
            break
    yield (timing.tails + timing.least).astype(np.float64)


class _Search:
    """A problem, a draft of its plan, and the best plan so far."""

    def __init__(self, network: Network, goals: Goals, held: Held | None) -> None:
        self.crew = crew_of(network, goals, held)
        self._network = network
        self._draft = empty_draft(self.crew)
        self._best = nothing_yet(self.crew)
        self._decodes = 0

    def give(self, priority: Ints | Floats, wished: Ints, taste: Taste) -> None:
        """One pass of the list policy."""
        crew, draft = self.crew, self._draft
        give_all(crew, draft, priority.astype(np.float64), wished.astype(np.int64), taste)
        note(crew, draft, self._best, total(crew, draft))
        self._decodes += 1

    def anneal(self, budget: Budget, seed: int, cooling: Cooling, lower_bound: int) -> None:
        """Search on from the best plan."""
        floor = self._floor(lower_bound)
        chance = seeded(seed)
        resume(self.crew, self._draft, self._best)
        for hot, cold in cooling.stretches(self._tries, self._scale):
            if budget.is_over or self._best.figures[0] <= floor or not len(self.crew.links.free):
                return
            heat = Heat(self._tries, hot, cold, cooling.guide, floor, lower_bound)
            self._decodes += anneal(self.crew, self._draft, self._best, chance, heat)

    def found(self) -> Found:
        """The best plan."""
        cost, makespan = self._best.figures
        best = self._best
        return Found(best.starts, best.ends, best.people, int(makespan), float(cost), self._decodes)

    @property
    def _tries(self) -> int:
        tries = CHUNK // max(1, len(self.crew.links.free))
        return min(max(LEAST_TRIES, tries), MOST_TRIES)

    @property
    def _scale(self) -> float:
        durations = self._network.durations[self.crew.links.free]
        return float(durations.mean()) if len(durations) else 0.0

    def _floor(self, lower_bound: int) -> float:
        """What no plan costs less than: the bound, and lateness by precedence alone."""
        timing, dues = timing_of(self._network), self.crew.dues
        late = np.maximum(0, (timing.heads + timing.least)[dues.tasks] - dues.ticks)
        return lower_bound + float((late * dues.prices).sum())
