"""A staffed problem planned tick by tick, as slowly as it can be read."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import permutations, product

import numpy as np
from hypothesis import strategies as st
from typing_extensions import override

from engines.planning.arrays import Ints, Network
from engines.planning.budget import Budget
from engines.planning.staffing.search import Found
from engines.planning.types import Fixed, Placed, Problem, Task
from tests.engines.planning.problems import staffed_problems

Span = tuple[int, int]


@st.composite
def with_pins(draw: st.DrawFn) -> Problem:
    """A staffed problem of which any task may be fixed, at any time, to anybody."""
    problem = draw(staffed_problems())
    tasks = [_pinned(draw, task, problem) for task in problem.tasks]
    return replace(problem, tasks=tuple(tasks))


def _pinned(draw: st.DrawFn, task: Task, problem: Problem) -> Task:
    if task.fixed is not None or draw(st.integers(0, 3)) > 0:
        return task
    start = draw(st.integers(0, 20))
    person = draw(st.sampled_from(problem.people)).id if task.duration > 0 else None
    return replace(task, fixed=Fixed(start, start + task.duration, person))


class Looks(Budget):
    """A budget of a number of looks at it, whatever time those take."""

    def __init__(self, looks: int) -> None:
        super().__init__(1e9)
        self._left = looks

    @property
    @override
    def is_over(self) -> bool:
        self._left -= 1
        return self._left < 0


def within(rows: Ints, of: int) -> list[int]:
    """Those of one in a flat list of lists whose firsts are `rows`."""
    return list(range(int(rows[of]), int(rows[of + 1])))


def decoded(network: Network, order: Sequence[int], people: Sequence[int]) -> tuple[Ints, Ints]:
    """Starts and ends of what is not fixed: each as soon as everything before it allows."""
    starts, ends = network.fixed_starts.copy(), network.fixed_ends.copy()
    free = [0] * network.people
    for task in order:
        earlier = within(network.predecessors_first, task)
        tick = max(
            [int(network.releases[task]), 0] + [int(ends[network.predecessors[j]]) for j in earlier]
        )
        if people[task] < 0:
            starts[task] = ends[task] = tick
            continue
        tick = max(tick, free[people[task]])
        while (end := _end(network, task, people[task], tick)) is None:
            tick += 1
        starts[task], ends[task] = tick, end
        free[people[task]] = end
    return starts, ends


def _end(network: Network, task: int, person: int, start: int) -> int | None:
    """When a person who starts a task at a tick ends it; None where that is not allowed."""
    absent = [
        range(network.absent_from[j], network.absent_until[j])
        for j in within(network.absent_first, person)
    ]
    fixed = [
        range(network.fixed_starts[i], network.fixed_ends[i])
        for i in range(network.n)
        if network.fixed_people[i] == person and network.fixed_starts[i] >= 0
    ]
    left, tick = takes(network, task, person), start
    if any(start in span for span in absent):
        return None
    while left > 0:
        if any(tick in span for span in fixed):
            return None
        if not any(tick in span for span in absent):
            left -= 1
        tick += 1
    return tick


def able(network: Network, task: int) -> list[int]:
    """Who may do a task; only nobody, -1, for a milestone."""
    return [int(network.able[j]) for j in within(network.able_first, task)] or [-1]


def takes(network: Network, task: int, person: int) -> int:
    """Ticks of presence."""
    for j in within(network.able_first, task):
        if network.able[j] == person:
            return int(network.able_durations[j])
    raise AssertionError(f"{person} is not able to do {task}")


def lists(network: Network) -> Iterator[tuple[int, ...]]:
    """Every order of the free tasks that precedence allows."""
    free = [i for i in range(network.n) if network.fixed_starts[i] < 0]
    for order in permutations(free):
        place = {task: i for i, task in enumerate(order)}
        if all(
            place.get(int(network.predecessors[j]), -1) < place[task]
            for task in order
            for j in within(network.predecessors_first, task)
        ):
            yield order


def shortest(network: Network) -> int:
    """The least makespan, of every order and every choice of people."""
    choices = [able(network, i) if network.fixed_starts[i] < 0 else [-1] for i in range(network.n)]
    return min(
        int(decoded(network, order, people)[1].max())
        for order in lists(network)
        for people in product(*choices)
    )


def placed(problem: Problem, found: Found) -> list[Placed]:
    """A plan as the checker reads it."""
    ids = [person.id for person in problem.people]
    people = [int(person) for person in found.people]
    return [
        Placed(
            task.id,
            int(found.starts[i]),
            int(found.ends[i]),
            ids[people[i]] if people[i] >= 0 else None,
        )
        for i, task in enumerate(problem.tasks)
    ]


def each(network: Network, *values: int) -> Ints:
    """An array of a value for each task."""
    assert len(values) == network.n
    return np.array(values, np.int64)
