"""Re-planning after an event: how quick, how good, and how much it moves.

    python -m tests.benchmarks.planning.replanning --events 60 --seed 1

Projects of 120 tasks and 20 people, generated, in working minutes. In the middle of a plan a task
takes 1.5 to 3 times as long, somebody is away for five days, or an urgent task arrives. Beside the
list policy and the polished plans stands a full search that holds nothing.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, replace
from time import perf_counter, thread_time

import numpy as np

from engines.planning.arrays import Floats, Network, network_of
from engines.planning.budget import Budget
from engines.planning.checking import violations
from engines.planning.engine import moving_little
from engines.planning.staffing.goals import Goals, Held
from engines.planning.staffing.search import Found, Hint, Start, found_of, replan, search
from engines.planning.types import Fixed, Person, Placed, Problem, Task
from tests.benchmarks.machine import machine
from tests.benchmarks.planning.teams import Shape, team_project

SHAPE = Shape(tasks=120, people=20, arcs=90, skills=12)
HOUR, DAY = 60, 480
PLAN_S, POLISH_S, LEISURE_S, FULL_S = 0.5, 0.07, 2.0, 2.0
KINDS = ("overrun", "away", "urgent")
ALONE = Goals()
"""What plans are compared by: makespan and tardiness, whatever moved."""


@dataclass(frozen=True)
class Event:
    """Things as they stand after it, and the plan that people held."""

    kind: str
    problem: Problem
    network: Network
    held: Held


@dataclass(frozen=True)
class Answer:
    """A new plan."""

    wall_ms: float
    cpu_ms: float
    gap_percent: float
    """Of makespan and tardiness, over what another long search finds."""
    changed_percent: float
    """Of all tasks of the plan: those that change hands."""
    changed_left_percent: float
    """Of those that are still to start."""


@dataclass(frozen=True)
class Row:
    """One event and the four answers to it."""

    kind: str
    listed: Answer
    polished: Answer
    at_leisure: Answer
    """Polished as long as `plan replan` does."""
    full: Answer


def measure(seed: int, events: int) -> list[Row]:
    """Answer that many random events, each kind in turn, in a process that is warm."""
    random = np.random.default_rng(seed)
    _answered(_event("overrun", 0, random))
    return [_answered(_event(KINDS[i % len(KINDS)], seed + i, random)) for i in range(events)]


def _event(kind: str, seed: int, random: np.random.Generator) -> Event:
    project = team_project(SHAPE, seed)
    tasks = tuple(replace(task, duration=task.duration * HOUR) for task in project.tasks)
    project = replace(project, tasks=tasks)
    plan = search(network_of(project), Budget(PLAN_S), seed, ALONE)
    now = int(plan.makespan * random.uniform(0.3, 0.7))
    problem = _as_it_stands(project, plan, now)
    if kind == "overrun":
        problem = _overrun(problem, random)
    elif kind == "away":
        problem = _away(problem, random)
    else:
        problem = _urgent(problem, random)
    new = len(problem.tasks) - len(project.tasks)
    none = np.full(new, -1, np.int64)
    held = Held(np.append(plan.people, none), np.append(plan.starts, none))
    return Event(kind, problem, network_of(problem), held)


def _as_it_stands(project: Problem, plan: Found, now: int) -> Problem:
    """What has started is fixed."""
    tasks = list(project.tasks)
    for i in np.flatnonzero(plan.starts < now):
        who = project.people[int(plan.people[i])].id
        tasks[i] = replace(tasks[i], fixed=Fixed(int(plan.starts[i]), int(plan.ends[i]), who))
    return replace(project, tasks=tuple(tasks), now=now)


def _running(problem: Problem) -> list[tuple[int, Fixed]]:
    return [
        (i, task.fixed)
        for i, task in enumerate(problem.tasks)
        if task.fixed is not None and task.fixed.end > problem.now
    ]


def _ending(problem: Problem, i: int, end: int) -> Problem:
    """With a running task that is expected to end at another time."""
    tasks = list(problem.tasks)
    fixed = tasks[i].fixed
    assert fixed is not None
    tasks[i] = replace(tasks[i], fixed=replace(fixed, end=end))
    return replace(problem, tasks=tuple(tasks))


def _overrun(problem: Problem, random: np.random.Generator) -> Problem:
    running = _running(problem)
    i, fixed = running[random.integers(len(running))]
    longer = fixed.start + int((fixed.end - fixed.start) * random.uniform(1.5, 3.0))
    return _ending(problem, i, max(longer, problem.now + 1))


def _away(problem: Problem, random: np.random.Generator) -> Problem:
    """For five days from now on; what the person is at waits for them."""
    who = int(random.integers(len(problem.people)))
    people = list(problem.people)
    people[who] = replace(people[who], absent=((problem.now, problem.now + 5 * DAY),))
    for i, fixed in _running(problem):
        if fixed.person == people[who].id:
            problem = _ending(problem, i, fixed.end + 5 * DAY)
    return replace(problem, people=tuple(people))


def _urgent(problem: Problem, random: np.random.Generator) -> Problem:
    """Work of one to three days, due a day after it could be done at the earliest."""
    person: Person = problem.people[random.integers(len(problem.people))]
    skill = str(random.choice(list(person.skills)))
    ticks = int(random.integers(1, 4)) * DAY
    deadline = problem.now + ticks + DAY
    task = Task("urgent", ticks, needs={skill: 0}, deadline=deadline, weight=3.0)
    return replace(problem, tasks=(*problem.tasks, task))


def _answered(event: Event) -> Row:
    held, known = event.held, _known(event)
    little = moving_little(event.problem)

    def listed(network: Network) -> Found:
        return replan(network, held, Budget(0.0), 1, little)

    def polished(network: Network) -> Found:
        return replan(network, held, Budget(POLISH_S), 1, little)

    def at_leisure(network: Network) -> Found:
        return replan(network, held, Budget(LEISURE_S), 1, little)

    def full(network: Network) -> Found:
        return search(network, Budget(FULL_S), 1, ALONE)

    return Row(
        event.kind, *(_timed(event, plan, known) for plan in (listed, polished, at_leisure, full))
    )


def _known(event: Event) -> float:
    """What the best plan costs that another long search finds, from the previous one on."""
    hint = Hint(event.held.people, event.held.starts)
    return search(event.network, Budget(FULL_S), 2, ALONE, start=Start(hints=(hint,))).cost


def _timed(event: Event, plan: Callable[[Network], Found], known: float) -> Answer:
    """A plan, timed from the problem on, as a person waits for it."""
    wall, cpu = perf_counter(), thread_time()
    found = plan(network_of(event.problem))
    wall, cpu = perf_counter() - wall, thread_time() - cpu
    broken = violations(event.problem, _placed(event.problem, found))
    assert not broken, broken
    cost = found_of(event.network, found.starts, found.people, ALONE).cost
    left = (event.held.people >= 0) & (event.network.fixed_starts < 0)
    changed = int((found.people != event.held.people)[left].sum())
    return Answer(
        1000 * wall,
        1000 * cpu,
        100 * (cost / known - 1),
        100 * changed / event.network.n,
        100 * changed / max(1, int(left.sum())),
    )


def _placed(problem: Problem, found: Found) -> list[Placed]:
    people = [*(person.id for person in problem.people), None]
    return [
        Placed(task.id, int(start), int(end), people[int(person)])
        for task, start, end, person in zip(
            problem.tasks, found.starts, found.ends, found.people, strict=True
        )
    ]


def table(rows: Sequence[Row]) -> str:
    """Markdown: latency, gap and changed hands by kind of event and answer."""
    head = ("wall ms p95", "CPU ms p95", "gap % mean", "p95", "hands % mean", "p95", "of left %")
    lines = [f"| event | answer | {' | '.join(head)} |", "|---" * (len(head) + 2) + "|"]
    for kind in (*KINDS, "all"):
        of_kind = [row for row in rows if kind in (row.kind, "all")]
        if of_kind:
            lines += [
                f"| {kind} | list policy | {_figures([row.listed for row in of_kind])} |",
                f"| {kind} | polished | {_figures([row.polished for row in of_kind])} |",
                f"| {kind} | {LEISURE_S:g} CPU s | {_figures([row.at_leisure for row in of_kind])} |",
                f"| {kind} | full search | {_figures([row.full for row in of_kind])} |",
            ]
    return "\n".join(lines)


def _figures(answers: Sequence[Answer]) -> str:
    wall, cpu, gap, changed, of_left = np.array([astuple(one) for one in answers]).T
    figures = (
        _p95(wall),
        _p95(cpu),
        float(gap.mean()),
        _p95(gap),
        float(changed.mean()),
        _p95(changed),
        float(of_left.mean()),
    )
    return " | ".join(f"{figure:.1f}" for figure in figures)


def _p95(values: Floats) -> float:
    return float(np.quantile(values, 0.95))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.planning.replanning",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--events", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    print(machine("numpy", "numba"), f"seed {given.seed}", f"{given.events} events", sep="; ")
    print(table(measure(given.seed, given.events)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
