"""plan.toml: a team's plan with its calendar, people and tasks."""

import re
import tomllib
from datetime import date, datetime
from typing import cast

from engines.planning.calendars import Dates, Hours, Windows
from engines.planning.estimates import MILESTONE
from engines.planning.reading.drafts import DraftPerson, DraftPlan, DraftTask
from engines.planning.reading.tables import Lines, Table, said, tables
from engines.planning.reading.words import (
    a_level,
    a_load,
    a_weight,
    a_zone,
    an_uncertainty,
    dates,
    days_of_week,
    windows,
)
from engines.planning.types import CannotPlan

_PLAN = ("title", "start", "timezone", "now", "uncertainty", "calendar", "people", "tasks")
_CALENDAR = ("days", "hours", "holidays")
_PERSON = ("id", "name", "skills", "load", "off", "days", "hours")
_TASK = (
    "id",
    "title",
    "estimate",
    "uncertainty",
    "needs",
    "after",
    "person",
    "not_before",
    "deadline",
    "weight",
    "done",
    "started",
    "ended",
    "by",
)


def drafted_toml(text: str) -> DraftPlan:
    """The plan in a plan.toml as it is written.

    Raises:
        CannotPlan: The text is no TOML, or a value is wrong; the message names the line.
    """
    content = _parsed(text)
    lines = Lines(text)
    top = Table(content, "", lines, lines.top())
    calendar = _calendar_table(top, lines)
    people = list(tables(content, "people", "person", lines))
    tasks = list(tables(content, "tasks", "task", lines))
    warnings = [
        *top.unknown(_PLAN),
        *(calendar.unknown(_CALENDAR) if calendar else []),
        *(warning for one in people for warning in one.unknown(_PERSON)),
        *(warning for one in tasks for warning in one.unknown(_TASK)),
    ]
    zone = top.text("timezone")
    return DraftPlan(
        tuple(_task(one) for one in tasks),
        tuple(_person(one) for one in people),
        title=top.text("title"),
        start=_start(top),
        zone=top.read("timezone", lambda: a_zone(zone)) if zone else None,
        team=_hours(calendar) if calendar else None,
        now=top.moment("now"),
        uncertainty=_uncertainty(top),
        warnings=tuple(warnings),
    )


def _parsed(text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise CannotPlan("the file is nested too deeply") from None
    except ValueError as problem:  # TOMLDecodeError, and numbers of thousands of digits
        what = re.sub(r"\s+", " ", str(problem))
        place = re.search(r" \(at (line \d+), (column \d+)\)$", what)
        if place:
            raise CannotPlan(f"{place[1]}, {place[2]}: {what[: place.start()]}") from problem
        what = what if isinstance(problem, tomllib.TOMLDecodeError) else "a number is too long"
        raise CannotPlan(f"the file is no TOML: {what}") from problem


def _calendar_table(top: Table, lines: Lines) -> Table | None:
    content = top.content.get("calendar")
    if content is None:
        return None
    if not isinstance(content, dict):
        raise top.wrong("calendar", "`calendar` is a table: [calendar]")
    return Table(
        cast("dict[str, object]", content),
        "calendar",
        lines,
        lines.of("calendar", 0, 1, ""),
    )


def _start(top: Table) -> date | None:
    start = top.moment("start")
    if isinstance(start, int):
        raise top.wrong("start", f"`start` is a date, not {start}")
    return start


def _hours(calendar: Table) -> Hours:
    usual = Hours()
    return Hours(
        _days(calendar) or usual.days,
        _windows(calendar) or usual.windows,
        _dates(calendar, "holidays"),
    )


def _days(table: Table) -> frozenset[int] | None:
    if not table.has("days"):
        return None
    return table.read("days", lambda: days_of_week(table.texts("days")))


def _windows(table: Table) -> Windows | None:
    if not table.has("hours"):
        return None
    return table.read("hours", lambda: windows(table.texts("hours")))


def _dates(table: Table, key: str) -> Dates:
    """Dates and ranges of them, as TOML's dates or as texts."""
    words: list[str] = []
    for one in table.several(key):
        if isinstance(one, datetime) or not isinstance(one, str | date):
            raise table.wrong(key, f"`{key}` are dates as 2026-12-24, not {said(one)}")
        words.append(str(one))
    return table.read(key, lambda: dates(words))


def _uncertainty(table: Table) -> float | None:
    if not table.has("uncertainty"):
        return None
    return table.number("uncertainty", an_uncertainty, 0.0)


def _person(table: Table) -> DraftPerson:
    name = table.text("id") or table.text("name")
    if not name:
        raise table.lacks("id", "it has no id")
    return DraftPerson(
        table.where(),
        name,
        table.text("name"),
        table.levels("skills", a_level),
        table.number("load", a_load, 1.0),
        _days(table),
        _windows(table),
        _dates(table, "off"),
    )


def _task(table: Table) -> DraftTask:
    name = table.text("id") or table.text("title")
    if not name:
        raise table.lacks("id", "it has no id")
    done = table.flag("done")
    if not table.has("estimate") and not done:
        raise table.lacks("estimate", f"it has no estimate; write 3d, or `{MILESTONE}`")
    return DraftTask(
        table.where(),
        name,
        table.text("title"),
        _estimate(table),
        _uncertainty(table),
        table.levels("needs", a_level),
        tuple(table.texts("after")),
        tuple(table.texts("person")),
        table.moment("not_before"),
        table.moment("deadline"),
        table.number("weight", a_weight, 1.0),
        done,
        table.moment("started"),
        table.moment("ended"),
        table.text("by"),
    )


def _estimate(table: Table) -> tuple[str | int, ...]:
    amounts: list[str | int] = []
    for one in table.several("estimate"):
        if isinstance(one, bool) or not isinstance(one, str | int):
            raise table.wrong(
                "estimate", f'`estimate` is a text as "3d" or three of them, not {said(one)}'
            )
        amounts.append(one)
    return tuple(amounts)
