"""How things stand when a plan is made anew: what is done, and what is under way."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from engines.planning.arrays import presence_ticks
from engines.planning.calendars import ended_after
from engines.planning.types import Fixed, Person, Placed, Plan, Problem, Task


@dataclass(frozen=True)
class Standing:
    """A problem in which what has begun lies where it lies."""

    problem: Problem
    assumed: int
    """Tasks that are taken for done as planned, because nobody said otherwise."""
    under_way: int


def as_it_stands(problem: Problem, held: Plan, changed: frozenset[str]) -> Standing:
    """The problem with what the held plan has begun by now fixed.

    What was to end by now counts as done as planned, what was to start as under way; unless it
    waits for something that has not ended, its person is busy or may not do it any more. Tasks
    that are `changed` end when their new estimates say.
    """
    were = {one.task: one for one in held.placed}
    tasks = {task.id: task for task in problem.tasks}
    people = {person.id: person for person in problem.people}
    ends = {task.id: task.fixed.end for task in problem.tasks if task.fixed}
    busy = _busy(problem)
    assumed = under_way = 0
    for one in sorted(were.values(), key=lambda placed: (placed.start, placed.end)):
        task = tasks.get(one.task)
        if task is None or task.fixed is not None or one.start >= problem.now:
            continue
        if not _may_have_begun(task, one, ends, busy, people):
            continue
        end = _end(task, one, people, is_changed=task.id in changed)
        tasks[task.id] = replace(task, fixed=Fixed(one.start, end, one.person))
        ends[task.id] = end
        if one.person is not None:
            busy[one.person] = max(busy.get(one.person, 0), end)
        assumed, under_way = assumed + (end <= problem.now), under_way + (end > problem.now)
    fixed = tuple(tasks[task.id] for task in problem.tasks)
    return Standing(replace(problem, tasks=fixed), assumed, under_way)


def _busy(problem: Problem) -> dict[str, int]:
    """Until when each person is, by what is known of work that is done or under way."""
    busy: dict[str, int] = {}
    for task in problem.tasks:
        if task.fixed is not None and task.fixed.person is not None:
            person = task.fixed.person
            busy[person] = max(busy.get(person, 0), task.fixed.end)
    return busy


def _may_have_begun(
    task: Task,
    one: Placed,
    ends: Mapping[str, int],
    busy: Mapping[str, int],
    people: Mapping[str, Person],
) -> bool:
    waits = any(ends.get(name, one.start + 1) > one.start for name in task.after)
    if one.person is None:
        return not waits
    person = people.get(one.person)
    if waits or person is None or not person.able(task) or busy.get(one.person, 0) > one.start:
        return False
    return not any(away <= one.start < back for away, back in person.absent)


def _end(task: Task, one: Placed, people: Mapping[str, Person], *, is_changed: bool) -> int:
    if one.person is None:
        return one.start + task.duration if is_changed else one.end
    person = people[one.person]
    return ended_after(person.absent, one.start, presence_ticks(task, person))
