"""What the readers of team plans find, before it is checked: each thing with its place."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo

from engines.planning.calendars import Dates, Hours, Windows

Moment = int | date | datetime
"""A tick where times are bare numbers; a date, a wall-clock time or an aware one elsewhere."""


@dataclass(frozen=True)
class DraftPerson:
    """A person as written."""

    where: str
    """For messages: "line 12: person ana"."""
    id: str
    name: str = ""
    skills: dict[str, int] = field(default_factory=dict[str, int])
    load: float = 1.0
    days: frozenset[int] | None = None
    windows: Windows | None = None
    off: Dates = ()


@dataclass(frozen=True)
class DraftTask:
    """A task as written; names of others are not looked up yet."""

    where: str
    """For messages: "line 30: task API"."""
    id: str
    title: str = ""
    estimate: tuple[str | int, ...] = ()
    """One amount or three; empty where none is needed, as for work that is done."""
    uncertainty: float | None = None
    needs: dict[str, int] = field(default_factory=dict[str, int])
    after: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    not_before: Moment | None = None
    deadline: Moment | None = None
    weight: float = 1.0
    done: bool = False
    started: Moment | None = None
    ended: Moment | None = None
    by: str = ""


@dataclass(frozen=True)
class DraftPlan:
    """A whole plan as written."""

    tasks: tuple[DraftTask, ...]
    people: tuple[DraftPerson, ...]
    title: str = ""
    start: date | datetime | None = None
    zone: tzinfo | None = None
    team: Hours | None = None
    """The team's hours and holidays; None where the text has no calendar."""
    now: Moment | None = None
    uncertainty: float | None = None
    warnings: tuple[str, ...] = ()


def mentioned_in(tasks: Iterable[DraftTask]) -> tuple[DraftPerson, ...]:
    """The people whom tasks name, where no others are told of, in the order of their mention."""
    where: dict[str, str] = {}
    for task in tasks:
        for name in (*task.only, *([task.by] if task.by else [])):
            where.setdefault(name, task.where)
    return tuple(DraftPerson(place, name) for name, place in where.items())
