"""A problem as arrays, as the compiled kernels read it.

Tasks and people are numbered in the problem's order. Lists of lists are flat: those of item `i`
are `values[first[i] : first[i + 1]]`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from engines.planning.types import CannotPlan, Person, Problem, Task

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

NEVER = 1 << 40
"""A deadline that is none."""
SHOWN_IN_CIRCLE = 8
"""Tasks of a circle that its message names."""


@dataclass(frozen=True)
class Network:
    """A problem of n tasks, p people, r capacities and e precedence relations."""

    durations: Ints  # [n]
    cv: Floats  # [n]
    predecessors_first: Ints  # [n + 1]
    predecessors: Ints  # [e]
    successors_first: Ints  # [n + 1]
    successors: Ints  # [e]
    order: Ints  # [n], every task after its predecessors
    releases: Ints  # [n], `now` already in it
    deadlines: Ints  # [n], NEVER where there is none
    weights: Floats  # [n]
    fixed_starts: Ints  # [n], -1 where free
    fixed_ends: Ints  # [n], -1 where free
    fixed_people: Ints  # [n], -1 where free or nobody's
    demands: Ints  # [n, r]
    capacities: Ints  # [r]
    able_first: Ints  # [n + 1]
    able: Ints  # [sum], people who may do the task; none for a milestone
    able_durations: Ints  # [sum], ticks of presence it takes that person
    absent_first: Ints  # [p + 1]
    absent_from: Ints  # [sum]
    absent_until: Ints  # [sum]

    @property
    def n(self) -> int:
        """How many tasks there are."""
        return len(self.durations)

    @property
    def people(self) -> int:
        """How many people there are."""
        return len(self.absent_first) - 1


def network_of(problem: Problem) -> Network:
    """The arrays of a problem.

    Raises:
        CannotPlan: Tasks wait for each other in a circle, or nobody is able to do one.
    """
    index = {task.id: i for i, task in enumerate(problem.tasks)}
    people = {person.id: i for i, person in enumerate(problem.people)}
    after = [[index[name] for name in task.after] for task in problem.tasks]
    before = _turned(after)
    able, able_durations = _able(problem)
    fixed = [task.fixed for task in problem.tasks]
    predecessors_first, predecessors = flat(after)
    successors_first, successors = flat(before)
    able_first, able_flat = flat(able)
    absent_first, absent_from = flat([[a for a, _ in p.absent] for p in problem.people])
    return Network(
        durations=_ints([task.duration for task in problem.tasks]),
        cv=np.array([task.cv for task in problem.tasks], np.float64),
        predecessors_first=predecessors_first,
        predecessors=predecessors,
        successors_first=successors_first,
        successors=successors,
        order=_ints(_in_order(problem.tasks, after, before)),
        releases=_ints([max(task.release, problem.now) for task in problem.tasks]),
        deadlines=_ints([NEVER if t.deadline is None else t.deadline for t in problem.tasks]),
        weights=np.array([task.weight for task in problem.tasks], np.float64),
        fixed_starts=_ints([f.start if f else -1 for f in fixed]),
        fixed_ends=_ints([f.end if f else -1 for f in fixed]),
        fixed_people=_ints([people[f.person] if f and f.person else -1 for f in fixed]),
        demands=_demands(problem),
        capacities=_ints(problem.capacities),
        able_first=able_first,
        able=able_flat,
        able_durations=flat(able_durations)[1],
        absent_first=absent_first,
        absent_from=absent_from,
        absent_until=flat([[b for _, b in p.absent] for p in problem.people])[1],
    )


def flat(lists: Sequence[Sequence[int]]) -> tuple[Ints, Ints]:
    """Lists of lists as (first [n + 1], values)."""
    first = np.zeros(len(lists) + 1, np.int64)
    np.cumsum([len(one) for one in lists], out=first[1:])
    return first, _ints([value for one in lists for value in one])


def presence_ticks(task: Task, person: Person) -> int:
    """How many ticks of presence a task takes a person, rounded up."""
    return ceil(task.duration / person.pace - 1e-9)


def _ints(values: Sequence[int]) -> Ints:
    return np.array(values, np.int64)


def _turned(after: Sequence[Sequence[int]]) -> list[list[int]]:
    """Successors, from predecessors."""
    before: list[list[int]] = [[] for _ in after]
    for task, earlier in enumerate(after):
        for one in earlier:
            before[one].append(task)
    return before


def _in_order(
    tasks: Sequence[Task], after: Sequence[Sequence[int]], before: Sequence[Sequence[int]]
) -> list[int]:
    waits_for = [len(earlier) for earlier in after]
    order = [task for task, count in enumerate(waits_for) if count == 0]
    for task in order:
        for later in before[task]:
            waits_for[later] -= 1
            if waits_for[later] == 0:
                order.append(later)
    if len(order) < len(tasks):
        raise CannotPlan(f"tasks wait for each other in a circle: {_circle(tasks, after, order)}")
    return order


def _circle(tasks: Sequence[Task], after: Sequence[Sequence[int]], free: Sequence[int]) -> str:
    """One circle, as "a → b → a", each waiting for the next."""
    placed = set(free)
    at = next(i for i in range(len(tasks)) if i not in placed)
    walked: list[int] = []
    while at not in walked:
        walked.append(at)
        at = next(one for one in after[at] if one not in placed)
    circle = [*walked[walked.index(at) :], at]
    told = [tasks[i].id for i in circle]
    if len(told) > SHOWN_IN_CIRCLE:
        told = [*told[: SHOWN_IN_CIRCLE - 2], "…", told[-1]]
    return " → ".join(told)


def _able(problem: Problem) -> tuple[list[list[int]], list[list[int]]]:
    """For each task the people who may do it, and how many ticks of presence it takes them."""
    able: list[list[int]] = []
    durations: list[list[int]] = []
    for task in problem.tasks:
        wanted = problem.is_staffed and task.duration > 0
        who = [i for i, p in enumerate(problem.people) if p.able(task)] if wanted else []
        if wanted and not who and task.fixed is None:
            raise CannotPlan(f"nobody is able to do task {task.id}")
        able.append(who)
        durations.append([presence_ticks(task, problem.people[i]) for i in who])
    return able, durations


def _demands(problem: Problem) -> Ints:
    width = len(problem.capacities)
    rows = np.zeros((len(problem.tasks), width), np.int64)
    for i, task in enumerate(problem.tasks):
        if task.demand:
            rows[i] = task.demand
    return rows
