"""Plans for the tests of what people take away from one: each task as soon as it can be."""

from datetime import UTC, datetime

from engines.planning.arrays import network_of, presence_ticks
from engines.planning.calendars import ended_after
from engines.planning.reading.files import parse_team
from engines.planning.team import TeamPlan
from engines.planning.types import Person, Placed, Plan, Problem, Task

START = datetime(2026, 12, 1, 9, tzinfo=UTC)


def team_of(text: str, start: datetime | None = START) -> TeamPlan:
    """The plan in a list or in TOML."""
    return parse_team(text.encode(), "the message", start)


def planned(problem: Problem) -> Plan:
    """One task after the other, each with the first who is able, as early as may be."""
    placed: dict[str, Placed] = {}
    free = dict.fromkeys((person.id for person in problem.people), 0)
    order: list[int] = network_of(problem).order.tolist()
    for task in (problem.tasks[number] for number in order):
        ready = max([task.release, *(placed[name].end for name in task.after)])
        if task.fixed is not None:
            one = Placed(task.id, task.fixed.start, task.fixed.end, task.fixed.person)
        elif task.duration == 0 or not problem.people:
            one = Placed(task.id, ready, ready + task.duration)
        else:
            person = next(one for one in problem.people if one.able(task))
            one = _placed(task, person, max(ready, free[person.id]))
            free[person.id] = one.end
        placed[task.id] = one
    in_order = tuple(placed[task.id] for task in problem.tasks)
    return Plan(in_order, max(one.end for one in in_order), 0, 0.0)


def _placed(task: Task, person: Person, start: int) -> Placed:
    for begin, until in person.absent:
        if begin <= start < until:
            start = until
    end = ended_after(person.absent, start, presence_ticks(task, person))
    return Placed(task.id, start, end, person.id)
