"""Random projects, and the plain way to schedule and to check them."""

from dataclasses import dataclass
from itertools import permutations

import numpy as np

from engines.planning.arrays import Ints
from engines.planning.types import Fixed, Problem, Task


@dataclass(frozen=True)
class Shape:
    """What a random project looks like."""

    tasks: int = 8
    capacities: int = 2
    units: int = 6
    releases: bool = False
    fixed: int = 0


def project(seed: int, shape: Shape) -> Problem:
    """A random project; the first `fixed` tasks are fixed, where there is room for them."""
    rng = np.random.default_rng(seed)
    tasks: list[Task] = []
    for i in range(shape.tasks):
        before = [str(k) for k in range(i) if rng.random() < 2 / shape.tasks]
        duration = int(rng.integers(0, 6))
        tasks.append(
            Task(
                id=str(i),
                duration=duration,
                after=() if i < shape.fixed else tuple(before),
                demand=tuple(int(x) for x in rng.integers(0, shape.units + 1, shape.capacities)),
                release=int(rng.integers(0, 9)) if shape.releases else 0,
                fixed=Fixed(7 * i, 7 * i + duration) if i < shape.fixed else None,
            )
        )
    return Problem(
        tasks=tuple(tasks),
        capacities=(shape.units,) * shape.capacities,
        now=3 if shape.fixed else 0,
    )


def violations(problem: Problem, starts: Ints) -> list[str]:
    """What is wrong with a schedule."""
    ends = {t.id: int(s) + t.duration for t, s in zip(problem.tasks, starts, strict=True)}
    wrong: list[str] = []
    for task, start in zip(problem.tasks, starts.tolist(), strict=True):
        if task.fixed is not None:
            wrong += [] if start == task.fixed.start else [f"{task.id} moved"]
            continue
        earliest = max([task.release, problem.now, *(ends[one] for one in task.after)])
        wrong += [] if start >= earliest else [f"{task.id} is early"]
    for at in range(max(ends.values(), default=0)):
        running = [
            t for t, s in zip(problem.tasks, starts.tolist(), strict=True) if s <= at < ends[t.id]
        ]
        for k, units in enumerate(problem.capacities):
            if sum(t.demand[k] for t in running) > units:
                wrong.append(f"capacity {k} at {at}")
    return wrong


def placed_in_turn(problem: Problem, sequence: list[int]) -> Ints:
    """The serial scheme, slot by slot; fixed tasks first."""
    starts = np.full(len(problem.tasks), -1, np.int64)
    index = {task.id: i for i, task in enumerate(problem.tasks)}
    used: dict[tuple[int, int], int] = {}
    fixed = [i for i, task in enumerate(problem.tasks) if task.fixed is not None]
    for i in [*fixed, *(i for i in sequence if i not in fixed)]:
        task = problem.tasks[i]
        ends = [int(starts[index[b]]) + problem.tasks[index[b]].duration for b in task.after]
        start = task.fixed.start if task.fixed else max([task.release, problem.now, *ends])
        while task.fixed is None and not _fits(problem, task, start, used):
            start += 1
        starts[i] = start
        for at in range(start, start + task.duration):
            for k, units in enumerate(task.demand):
                used[at, k] = used.get((at, k), 0) + units
    return starts


def sequences(problem: Problem) -> list[list[int]]:
    """All orders that respect precedence."""
    index = {task.id: i for i, task in enumerate(problem.tasks)}
    after = [{index[one] for one in task.after} for task in problem.tasks]
    return [
        list(one)
        for one in permutations(range(len(problem.tasks)))
        if all(after[task] <= set(one[:at]) for at, task in enumerate(one))
    ]


def makespan(problem: Problem, starts: Ints) -> int:
    """When the last task ends."""
    ends = [s + t.duration for s, t in zip(starts.tolist(), problem.tasks, strict=True)]
    return max(ends, default=0)


def shortest(problem: Problem) -> int:
    """The optimum, from every order: one of the active schedules is optimal."""
    return min(makespan(problem, placed_in_turn(problem, one)) for one in sequences(problem))


def _fits(problem: Problem, task: Task, start: int, used: dict[tuple[int, int], int]) -> bool:
    return all(
        used.get((at, k), 0) + units <= problem.capacities[k]
        for at in range(start, start + task.duration)
        for k, units in enumerate(task.demand)
    )
