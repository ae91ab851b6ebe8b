"""An independent look at a plan: every rule of its problem, counted from scratch.

It shares nothing with the searches but the problem's own words: what it says is worth something
because it was not written to agree with them.
"""

from collections.abc import Iterator, Sequence

from engines.planning.types import Person, Placed, Problem, Task


def violations(problem: Problem, placed: Sequence[Placed]) -> list[str]:
    """What the plan breaks, a line each; empty for a plan that keeps every rule."""
    by_task = {one.task: one for one in placed}
    missing = [task.id for task in problem.tasks if task.id not in by_task]
    if missing or len(placed) != len(problem.tasks):
        return [f"{len(placed)} placed of {len(problem.tasks)}; missing: {', '.join(missing[:5])}"]
    found = list(_of_tasks(problem, by_task))
    found += _doubled(problem, by_task) if problem.is_staffed else _overdrawn(problem, by_task)
    return found


def _of_tasks(problem: Problem, by_task: dict[str, Placed]) -> Iterator[str]:
    people = {person.id: person for person in problem.people}
    for task in problem.tasks:
        one = by_task[task.id]
        if task.fixed is not None:
            if (one.start, one.end) != (task.fixed.start, task.fixed.end):
                yield f"{task.id} was moved though it is fixed"
            if one.person != task.fixed.person:
                yield f"{task.id} changed hands though it is fixed"
            continue
        if one.start < max(task.release, problem.now):
            yield f"{task.id} starts at {one.start}, before it may"
        for name in task.after:
            if by_task[name].end > one.start:
                yield f"{task.id} starts at {one.start}, before {name} ends"
        yield from _of_hands(problem, task, one, people)


def _of_hands(
    problem: Problem, task: Task, one: Placed, people: dict[str, Person]
) -> Iterator[str]:
    if not problem.is_staffed or task.duration == 0:
        if one.person is not None:
            yield f"{task.id} needs nobody and has {one.person}"
        if one.end - one.start != task.duration:
            yield f"{task.id} takes {one.end - one.start} ticks in the place of {task.duration}"
        return
    person = people.get(one.person or "")
    if person is None:
        yield f"{task.id} has nobody"
        return
    if not person.able(task):
        yield f"{task.id} is done by {person.id}, who is not able to"
    if _is_absent(person, one.start) or _is_absent(person, one.end - 1):
        yield f"{task.id} starts or ends while {person.id} is absent"
    present = _present(person, one.start, one.end)
    done = present * person.pace
    if done < task.duration - 1e-6 or (present - 1) * person.pace > task.duration - 1e-6:
        yield f"{task.id} gets {done:g} ticks of work in the place of {task.duration}"


def _is_absent(person: Person, tick: int) -> bool:
    return any(start <= tick < end for start, end in person.absent)


def _present(person: Person, start: int, end: int) -> int:
    """How many ticks of a span the person is there."""
    away = sum(max(0, min(end, b) - max(start, a)) for a, b in person.absent)
    return end - start - away


def _doubled(problem: Problem, by_task: dict[str, Placed]) -> Iterator[str]:
    """Two tasks of one person at a time; what is fixed may overlap what is fixed."""
    fixed = {task.id for task in problem.tasks if task.fixed is not None}
    for person in problem.people:
        theirs = sorted(
            (one.start, one.end, one.task)
            for one in by_task.values()
            if one.person == person.id and one.end > one.start
        )
        until, holder = 0, ""
        for start, end, task in theirs:
            if start < until and not {task, holder} <= fixed:
                yield f"{person.id} does {holder} and {task} at once, at {start}"
            if end > until:
                until, holder = end, task


def _overdrawn(problem: Problem, by_task: dict[str, Placed]) -> Iterator[str]:
    """Capacities of which more is taken than there is, at the first tick where that is so."""
    for number, units in enumerate(problem.capacities):
        changes: dict[int, int] = {}
        for task in problem.tasks:
            wanted = task.demand[number] if task.demand else 0
            one = by_task[task.id]
            changes[one.start] = changes.get(one.start, 0) + wanted
            changes[one.end] = changes.get(one.end, 0) - wanted
        taken = 0
        for tick in sorted(changes):
            taken += changes[tick]
            if taken > units:
                yield f"{taken} of {units} units of capacity {number + 1} are taken at {tick}"
                break
