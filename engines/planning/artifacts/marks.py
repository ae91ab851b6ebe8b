"""What a picture or a table says of a plan beside its times."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from engines.planning.team import TeamPlan
from engines.planning.types import Person, Placed, Plan, Problem


@dataclass(frozen=True)
class Marks:
    """What is known of single tasks beyond the plan."""

    critical: frozenset[str] | None = None
    """Ids of the tasks on which the end hangs; None for those that `critical_in` finds."""
    on_time: Mapping[str, float] = field(default_factory=dict[str, float])
    """By id of a task with a deadline, how likely it is kept; 0 to 1."""


def critical_in(problem: Problem, plan: Plan) -> frozenset[str]:
    """The tasks that cannot end later in this plan without its end moving.

    They are found backwards from those that end last: a task is critical if another critical one
    follows it, by precedence or in the same hands, as soon as its person can go on.
    """
    placed = {one.task: one for one in plan.placed}
    people = {person.id: person for person in problem.people}
    before: dict[str, list[str]] = {task.id: list(task.after) for task in problem.tasks}
    for earlier, later in _handed_on(problem, plan):
        before[later].append(earlier)
    last = max((one.end for one in plan.placed), default=0)
    critical = [one.task for one in plan.placed if one.end == last]
    for later in critical:
        start = placed[later].start
        person = people.get(placed[later].person or "")
        for earlier in before[later]:
            if earlier not in critical and _at_once(placed[earlier].end, start, person):
                critical.append(earlier)
    return frozenset(critical)


def lateness(problem: Problem, plan: Plan) -> dict[str, int]:
    """Ticks past its deadline, for each task that misses it in the plan."""
    deadlines = {task.id: task.deadline for task in problem.tasks}
    late: dict[str, int] = {}
    for one in plan.placed:
        deadline = deadlines[one.task]
        if deadline is not None and one.end > deadline:
            late[one.task] = one.end - deadline
    return late


def days_off(team: TeamPlan, person: str | None) -> tuple[tuple[int, int], ...]:
    """The absences of a person that take a day or more, where ticks are in days.

    Those who begin later or end earlier than others are away for a while each day. That is no news.
    """
    absent = next((one.absent for one in team.problem.people if one.id == person), ())
    return tuple((a, b) for a, b in absent if b - a >= (team.day or 0))


def stretches(start: int, end: int, absent: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans of ticks between start and end in which somebody is there."""
    spans: list[tuple[int, int]] = []
    at = start
    for begin, until in absent:
        if until <= at:
            continue
        if begin >= end:
            break
        if begin > at:
            spans.append((at, begin))
        at = until
    if at < end:
        spans.append((at, end))
    return spans


def _handed_on(problem: Problem, plan: Plan) -> Iterator[tuple[str, str]]:
    """Pairs of tasks of which the later one waits for what the earlier one occupies."""
    if problem.is_staffed:
        at: dict[str, Placed] = {}
        for one in sorted(plan.placed, key=lambda one: (one.start, one.end)):
            if one.person is not None:
                if one.person in at:
                    yield at[one.person].task, one.task
                at[one.person] = one
        return
    demands = {task.id: task.demand for task in problem.tasks}
    ends: dict[int, list[Placed]] = {}
    for one in plan.placed:
        ends.setdefault(one.end, []).append(one)
    for one in plan.placed:
        for earlier in ends.get(one.start, []):
            shared = zip(demands[earlier.task], demands[one.task], strict=False)
            if earlier.task != one.task and any(a and b for a, b in shared):
                yield earlier.task, one.task


def _at_once(end: int, start: int, person: Person | None) -> bool:
    """Whether nothing but absence lies between an end and the start that follows it."""
    if end >= start:
        return True
    if person is None:
        return False
    away = sum(max(0, min(start, b) - max(end, a)) for a, b in person.absent)
    return away == start - end
