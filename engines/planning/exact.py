"""CP-SAT: proofs that no shorter plan exists, and shorter plans where one does.

The question is always put as "is there a plan shorter than this one?": the bound prunes from the
start, and the answer that there is none is the proof.
"""

import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import clock_gettime, pthread_getcpuclockid

import numpy as np

from engines.planning.arrays import Ints, Network
from engines.planning.budget import Budget
from engines.planning.cp_sat import Model
from engines.planning.timing import Timing, timing_of

LOOK_S = 0.02
"""How often the solver's CPU time is looked at."""
OPTION_S, GAP_S = 150e-6, 250e-6
"""CPU seconds that a person who may do a task takes in the making and loading of a model, and each
of their absences."""


@dataclass(frozen=True)
class Answer:
    """What the solver found out."""

    lower_bound: int
    """No plan is shorter; the given makespan itself where that is proven to be the least."""
    starts: Ints | None = None
    """[n], of a shorter plan."""
    people: Ints | None = None
    """[n], of a shorter plan with people."""


def start_s(network: Network) -> float:
    """CPU seconds, about, before the solver begins: what it takes to make a model of people."""
    absences = np.diff(network.absent_first)
    return OPTION_S * len(network.able) + GAP_S * int(absences[network.able].sum())


def shorter(network: Network, makespan: int, known_bound: int, budget: Budget, seed: int) -> Answer:
    """Look for a plan shorter than `makespan`, until it is found to be the shortest there is.

    Plans that are found are made shorter still while the budget lasts.
    """
    timing = timing_of(network, with_absences=True)
    best = Answer(known_bound)
    while best.lower_bound < makespan and not budget.is_over:
        question = _Question(network, timing, makespan - 1)
        outcome = question.solve(budget, seed)
        if outcome.none_there:
            return Answer(makespan, best.starts, best.people)
        bound = max(best.lower_bound, outcome.bound)
        if outcome.starts is None:
            return Answer(bound, best.starts, best.people)
        best = Answer(bound, outcome.starts, outcome.people)
        makespan = outcome.makespan
    return best


@dataclass(frozen=True)
class _Outcome:
    none_there: bool
    bound: int = 0
    makespan: int = 0
    starts: Ints | None = None
    people: Ints | None = None


@dataclass
class _Question:
    """Is there a plan of at most `latest` ticks, and how short can it be?"""

    network: Network
    timing: Timing
    latest: int
    model: Model = field(default_factory=Model)

    def solve(self, budget: Budget, seed: int) -> _Outcome:
        """Put the question; stop when the budget is over."""
        network, timing = self.network, self.timing
        latest = self.latest - timing.tails - timing.least
        fixed = network.fixed_starts >= 0
        latest[fixed] = network.fixed_starts[fixed]
        if (latest < timing.heads).any():
            return _Outcome(none_there=True)
        starts = [
            self.model.number(int(low), int(high))
            for low, high in zip(timing.heads, latest, strict=True)
        ]
        if network.people:
            presences, ends = self._staff(starts)
        else:
            presences, ends = [], self._capacities(starts)
        self._precedences(starts, ends)
        least = int(timing.critical_path)
        self.model.minimize_latest(ends, least, self.latest)
        with _stopped_when_over(self.model, budget):
            self.model.solve(seed)
        if self.model.is_impossible:
            return _Outcome(none_there=True)
        if not self.model.has_values:
            return _Outcome(none_there=False, bound=self.model.bound)
        return _Outcome(
            none_there=False,
            bound=self.model.bound,
            makespan=self.model.objective,
            starts=np.array([self.model.value(one) for one in starts], np.int64),
            people=self._people(presences) if network.people else None,
        )

    def _capacities(self, starts: Sequence[int]) -> list[int]:
        network = self.network
        spans = [
            self.model.span(start, int(length))
            for start, length in zip(starts, self.timing.least, strict=True)
        ]
        for resource, units in enumerate(network.capacities):
            wanted = network.demands[:, resource]
            users = np.flatnonzero((wanted > 0) & (self.timing.least > 0))
            self.model.at_most(
                [spans[i] for i in users], [int(wanted[i]) for i in users], int(units)
            )
        return [self.model.end_of(span) for span in spans]

    def _staff(self, starts: Sequence[int]) -> tuple[list[list[tuple[int, int]]], list[int]]:
        """One of those who are able for each task; (person, presence) of each task, and its end."""
        network = self.network
        theirs: list[list[int]] = [[] for _ in range(network.people)]
        presences: list[list[tuple[int, int]]] = []
        ends: list[int] = []
        for task, start in enumerate(starts):
            options = list(self._options(task))
            if len(options) == 0:
                span = self.model.span(start, int(self.timing.least[task]))
                presences.append([])
                ends.append(self.model.end_of(span))
                continue
            lengths = [length for _, length in options]
            end = self.model.number(int(self.timing.heads[task]) + min(lengths), self.latest)
            chosen: list[tuple[int, int]] = []
            for person, length in options:
                gaps = self._gaps(task, person)
                presence, span = self.model.optional_span(start, length, end, gaps)
                theirs[person].append(span)
                chosen.append((person, presence))
            self.model.exactly_one([presence for _, presence in chosen])
            presences.append(chosen)
            ends.append(end)
        for spans in theirs:
            self.model.one_at_a_time(spans)
        return presences, ends

    def _options(self, task: int) -> Iterator[tuple[int, int]]:
        """Who may do a task, and how long it takes them."""
        network = self.network
        if network.fixed_starts[task] >= 0:
            if network.fixed_people[task] >= 0:
                length = network.fixed_ends[task] - network.fixed_starts[task]
                yield int(network.fixed_people[task]), int(length)
            return
        for at in range(network.able_first[task], network.able_first[task + 1]):
            yield int(network.able[at]), int(network.able_durations[at])

    def _gaps(self, task: int, person: int) -> list[tuple[int, int]]:
        """A person's absences that bear on a task that is still free."""
        network = self.network
        if network.fixed_starts[task] >= 0:
            return []
        head = self.timing.heads[task]
        latest = self.latest - self.timing.tails[task]
        theirs = slice(network.absent_first[person], network.absent_first[person + 1])
        spans = zip(network.absent_from[theirs], network.absent_until[theirs], strict=True)
        return [(int(a), int(b)) for a, b in spans if b > head and a < latest]

    def _precedences(self, starts: Sequence[int], ends: Sequence[int]) -> None:
        network = self.network
        for task in range(network.n):
            if network.fixed_starts[task] >= 0:
                continue
            for at in range(network.predecessors_first[task], network.predecessors_first[task + 1]):
                self.model.not_before(starts[task], ends[int(network.predecessors[at])])

    def _people(self, presences: Sequence[Sequence[tuple[int, int]]]) -> Ints:
        people = np.full(self.network.n, -1, np.int64)
        for task, options in enumerate(presences):
            for person, presence in options:
                if self.model.value(presence):
                    people[task] = person
        return people


@contextmanager
def _stopped_when_over(model: Model, budget: Budget) -> Generator[None]:
    """Tell the solver to stop when this thread, in which it works, has spent the budget."""
    clock = pthread_getcpuclockid(threading.get_ident())
    end_s = clock_gettime(clock) + budget.left_s
    over = threading.Event()

    def look() -> None:
        while not over.wait(LOOK_S):
            if clock_gettime(clock) >= end_s or budget.stopped():
                model.stop()

    watch = threading.Thread(target=look, name="planning-budget")
    watch.start()
    try:
        yield
    finally:
        over.set()
        watch.join()
