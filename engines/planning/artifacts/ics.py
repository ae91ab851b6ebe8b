"""A plan as an iCalendar file: an event a task, in parts where its person has days off."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast

from icalendar import Calendar, Event

from engines.planning.artifacts.marks import days_off, stretches
from engines.planning.calendars import WorkingTime
from engines.planning.team import TeamPlan
from engines.planning.types import CannotPlan, Placed, Plan, Task


def plan_ics(team: TeamPlan, plan: Plan) -> str:
    """The calendar. An event's UID tells plan, task and part, so that a later plan moves it.

    Events have no attendees and leave their time free. Times are UTC, which every calendar shows
    in its own zone.

    Raises:
        CannotPlan: The plan's times are bare numbers, or it ends more than ten years off.
    """
    if team.working_time is None:
        raise CannotPlan("a calendar needs dates: say when the plan starts (`start`)")
    calendar = Calendar()
    _set(calendar, "prodid", "-//gryph//plan//EN")
    _set(calendar, "version", "2.0")
    _set(calendar, "x-wr-calname", _plain(team.problem.title) or "Plan")
    tasks = {task.id: task for task in team.problem.tasks}
    for one in sorted(plan.placed, key=lambda one: (one.start, one.end)):
        task = tasks[one.task]
        if task.fixed is None or one.end > one.start:
            for event in _events(team, team.working_time, task, one):
                calendar.add_component(event)
    return calendar.to_ical().decode()


def _events(
    team: TeamPlan, working_time: WorkingTime, task: Task, placed: Placed
) -> Iterator[Event]:
    absent = days_off(team, placed.person)
    parts = stretches(placed.start, placed.end, absent) or [(placed.end, placed.end)]
    key = hashlib.sha256(f"{team.problem.title}\0{task.id}".encode()).hexdigest()[:24]
    for number, (begin, until) in enumerate(parts, 1):
        event = Event()
        _set(event, "uid", f"{key}-{number}@gryph-plan")
        _set(event, "dtstamp", _utc(working_time.start))
        _set(event, "dtstart", _utc(working_time.at(begin, end=begin == until)))
        if until > begin:
            _set(event, "dtend", _utc(working_time.at(until, end=True)))
        part = f" ({number}/{len(parts)})" if len(parts) > 1 else ""
        who = f" - {team.name_of(placed.person)}" if placed.person else ""
        _set(event, "summary", _plain(f"{task.name}{part}{who}"))
        _set(event, "description", "\n".join(_plain(line) for line in _about(team, task)))
        _set(event, "transp", "TRANSPARENT")
        yield event


def _about(team: TeamPlan, task: Task) -> Iterator[str]:
    yield f"Task {task.id}"
    if task.duration:
        yield f"Estimate: {team.say_length(task.duration)}"
    if task.after:
        yield f"After: {', '.join(task.after)}"
    if task.deadline is not None:
        yield f"Deadline: {team.say_when(task.deadline, end=True)}"


def _set(component: Calendar | Event, name: str, value: str | datetime) -> None:
    cast("Any", component).add(name, value)


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def _plain(text: str) -> str:
    """The text on one line, without control characters, which the format does not allow."""
    return "".join(one for one in " ".join(text.split()) if one.isprintable())
