"""A team's plan written down as a plan.toml, which reads as the same plan again."""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from zoneinfo import ZoneInfo

from engines.planning.calendars import Dates, Hours, Windows
from engines.planning.reading.drafts import DraftPerson, DraftPlan, DraftTask

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_Scalar = str | bool | int | float | date
_Written = _Scalar | tuple[_Scalar, ...] | Mapping[str, int] | None


def plan_toml(draft: DraftPlan) -> str:
    """The text; defaults are left out."""
    parts = [
        _lines(_plan(draft)),
        *(["[calendar]\n" + _lines(_calendar(draft.team))] if draft.team else []),
        *("[[people]]\n" + _lines(_person(one)) for one in draft.people),
        *("[[tasks]]\n" + _lines(_task(one)) for one in draft.tasks),
    ]
    return "\n".join(part for part in parts if part)


def _lines(pairs: Iterator[tuple[str, _Written]]) -> str:
    written = ((key, value) for key, value in pairs if value not in (None, "", (), {}))
    return "".join(f"{key} = {_value(value)}\n" for key, value in written)


def _value(value: _Written) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return _text(value)
        case date():  # a datetime is one, too
            return value.isoformat()
        case tuple():
            return f"[{', '.join(_value(one) for one in value)}]"
        case Mapping():
            inside = (f"{_text(key)} = {level}" for key, level in value.items())
            return f"{{ {', '.join(inside)} }}"
        case _:
            return repr(value)


def _text(text: str) -> str:
    """JSON's escapes are TOML's; DEL is the one character more that has to be escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _plan(draft: DraftPlan) -> Iterator[tuple[str, _Written]]:
    yield "title", draft.title
    yield "start", draft.start
    yield "timezone", draft.zone.key if isinstance(draft.zone, ZoneInfo) else None
    yield "now", draft.now
    yield "uncertainty", draft.uncertainty


def _calendar(team: Hours) -> Iterator[tuple[str, _Written]]:
    yield "days", _day_names(team.days)
    yield "hours", _hours(team.windows)
    yield "holidays", _ranges(team.off)


def _person(person: DraftPerson) -> Iterator[tuple[str, _Written]]:
    yield "id", person.id
    yield "name", person.name
    yield "skills", person.skills
    yield "load", None if person.load == 1.0 else person.load
    yield "days", None if person.days is None else _day_names(person.days)
    yield "hours", None if person.windows is None else _hours(person.windows)
    yield "off", _ranges(person.off)


def _task(task: DraftTask) -> Iterator[tuple[str, _Written]]:
    yield "id", task.id
    yield "title", task.title
    yield "estimate", task.estimate[0] if len(task.estimate) == 1 else task.estimate
    yield "uncertainty", task.uncertainty
    yield "needs", task.needs
    yield "after", task.after
    yield "person", task.only
    yield "not_before", task.not_before
    yield "deadline", task.deadline
    yield "weight", None if task.weight == 1.0 else task.weight
    yield "done", True if task.done else None
    yield "started", task.started
    yield "ended", task.ended
    yield "by", task.by


def _day_names(days: frozenset[int]) -> tuple[str, ...]:
    return tuple(_DAYS[day] for day in sorted(days))


def _hours(windows: Windows) -> tuple[str, ...]:
    return tuple(f"{_clock(begin)}-{_clock(until)}" for begin, until in windows)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _ranges(off: Dates) -> tuple[str, ...]:
    return tuple(f"{a}" if a == b else f"{a}..{b}" for a, b in off)
