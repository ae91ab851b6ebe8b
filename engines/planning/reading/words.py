"""The small words of team plans: days, hours, dates, ranges, skills, shares, and near misses."""

import math
import re
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from datetime import date, datetime
from difflib import get_close_matches
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from engines.planning.calendars import Dates, Windows
from engines.planning.reading.drafts import Moment
from engines.planning.types import CannotPlan

HIGHEST_LEVEL = 1_000
LARGEST_WEIGHT = 1_000_000.0
LEAST_LOAD = 0.05
LARGEST_UNCERTAINTY = 2.0
FIRST_YEAR, LAST_YEAR = 2000, 2100
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"(\d{1,2})(?::(\d\d))?\s*[-\u2013]\s*(\d{1,2})(?::(\d\d))?")
_SKILL = re.compile(r"([^\W\d][\w+#./-]*)(?:\s*[:=]\s*(\d{1,6}))?")
_MIDNIGHT = 24 * 60
_SHOWN = 60
_FEW = 6


@contextmanager
def naming(where: str) -> Generator[None]:
    """Errors inside are told with their place in front."""
    try:
        yield
    except CannotPlan as problem:
        raise CannotPlan(f"{where}: {problem}") from problem


def shown(text: str) -> str:
    """What somebody wrote, on one line and not too long, in backticks."""
    flat = " ".join(text.replace("`", "'").split())
    return f"`{flat if len(flat) <= _SHOWN else flat[: _SHOWN - 1] + '…'}`"


def called(kind: str, name: str) -> str:
    """A task or a person as messages name it, not too long."""
    return f"{kind} {shortened(name)}"


def shortened(name: str) -> str:
    """A name, its end cut off where it is long."""
    return name if len(name) <= _SHOWN else name[: _SHOWN - 1] + "…"


def nearest(word: str, known: Iterable[str]) -> str:
    """A question that names what may have been meant, or what there is, if that is little."""
    by_folded = {one.casefold(): one for one in known}
    close = get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.5)
    if close:
        return f"; is {shown(by_folded[close[0]])} meant?"
    few = 0 < len(by_folded) <= _FEW
    return f"; known: {', '.join(shown(one) for one in by_folded.values())}" if few else ""


def day_of_week(word: str) -> int:
    """0 for `Mon` or `monday`. Raises CannotPlan."""
    name = word.strip().lower()
    for number, short in enumerate(_DAYS):
        if name.startswith(short):
            return number
    raise CannotPlan(f"{shown(word)} is no day of the week; write Mon, Tue, Wed, …")


def days_of_week(words: Iterable[str]) -> frozenset[int]:
    """Days from `Mon` and ranges as `Mon-Fri`. Raises CannotPlan."""
    days: set[int] = set()
    for word in words:
        first, _, last = word.replace("\u2013", "-").partition("-")
        begin = day_of_week(first)
        until = day_of_week(last) if last else begin
        days.update(day % 7 for day in range(begin, until + (7 if until < begin else 0) + 1))
    if not days:
        raise CannotPlan("no day of the week is left to work on")
    return frozenset(days)


def windows(words: Iterable[str]) -> Windows:
    """Hours of a day from `09:00-12:00` or `9-17`. Raises CannotPlan."""
    spans: list[tuple[int, int]] = []
    for word in words:
        matched = _HOURS.fullmatch(word.strip())
        if matched is None:
            raise CannotPlan(f"{shown(word)} are no hours; write 09:00-12:00")
        begin = int(matched[1]) * 60 + int(matched[2] or 0)
        until = int(matched[3]) * 60 + int(matched[4] or 0)
        if not begin < until <= _MIDNIGHT:
            raise CannotPlan(f"{shown(word)} do not end after they begin, on the same day")
        spans.append((begin, until))
    spans.sort()
    if not spans:
        raise CannotPlan("no hours are left to work in")
    if any(late < until for (_, until), (late, _) in pairwise(spans)):
        raise CannotPlan("the hours overlap")
    return tuple(spans)


def a_date(word: str) -> date:
    """A date as `2026-12-24`. Raises CannotPlan."""
    try:
        found = date.fromisoformat(word.strip())
    except ValueError:
        raise CannotPlan(f"{shown(word)} is no date; write 2026-12-24") from None
    return in_this_century(found)


def moment(word: str) -> Moment:
    """A bare tick, a date, or a date with a time (`2026-12-24T12:00`). Raises CannotPlan."""
    text = word.strip()
    if text.isascii() and text.isdecimal() and len(text) <= len("1000000000"):
        return int(text)
    try:
        return a_date(text) if len(text) <= len("2026-12-24") else _a_time(text)
    except ValueError:
        what = f"{shown(word)} is no date; write 2026-12-24 or 2026-12-24T12:00"
        raise CannotPlan(what) from None


def _a_time(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    in_this_century(found)
    return found


def in_this_century(day: date) -> date:
    """The date itself, unless its year is a slip of the pen. Raises CannotPlan."""
    if not FIRST_YEAR <= day.year < LAST_YEAR:
        raise CannotPlan(f"{day.isoformat()[:10]} is not between {FIRST_YEAR} and {LAST_YEAR}")
    return day


def dates(words: Iterable[str]) -> Dates:
    """Dates and ranges as `2026-12-24..2026-12-31`, the last day included. Raises CannotPlan."""
    found: list[tuple[date, date]] = []
    for word in words:
        first, _, last = word.partition("..")
        begin = a_date(first)
        until = a_date(last) if last else begin
        if until < begin:
            raise CannotPlan(f"{shown(word)} ends before it begins")
        found.append((begin, until))
    return tuple(found)


def skill(word: str) -> tuple[str, int]:
    """A skill and its level from `backend:2`; 1 where none is written. Raises CannotPlan."""
    matched = _SKILL.fullmatch(word.strip())
    if matched is None:
        raise CannotPlan(f"{shown(word)} is no skill; write backend:2")
    return matched[1], a_level(int(matched[2] or 1))


def a_level(level: int) -> int:
    """The level itself, if it is one. Raises CannotPlan."""
    if not 0 <= level <= HIGHEST_LEVEL:
        raise CannotPlan(f"a skill's level is from 0 to {HIGHEST_LEVEL:,}, not {level}")
    return level


def number(word: str) -> float:
    """A decimal number, or a share as `80%`. Raises CannotPlan."""
    text = word.strip()
    share = text.endswith("%")
    try:
        value = float(text.removesuffix("%").strip().replace(",", "."))
    except ValueError:
        raise CannotPlan(f"{shown(word)} is no number") from None
    return value / 100 if share else value


def a_load(value: float) -> float:
    """The share of the time that somebody works, if it is one. Raises CannotPlan."""
    if not LEAST_LOAD <= value <= 1:
        raise CannotPlan(f"a load is a share of the time from {LEAST_LOAD} to 1, not {value:g}")
    return value


def a_weight(value: float) -> float:
    """What lateness costs, if it is such a number. Raises CannotPlan."""
    if not 0 <= value <= LARGEST_WEIGHT:
        raise CannotPlan(f"a weight is a number from 0 to {LARGEST_WEIGHT:,.0f}, not {value:g}")
    return value


def an_uncertainty(value: float) -> float:
    """A coefficient of variation, if it is one. Raises CannotPlan."""
    if not (math.isfinite(value) and 0 <= value <= LARGEST_UNCERTAINTY):
        raise CannotPlan(
            f"an uncertainty is a share of the estimate from 0 to {LARGEST_UNCERTAINTY:g}, "
            f"not {value:g}"
        )
    return value


def a_zone(name: str) -> ZoneInfo:
    """A time zone by its name, as `Europe/Berlin`. Raises CannotPlan."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = nearest(name, available_timezones()) or "; write Europe/Berlin"
        raise CannotPlan(f"{shown(name)} is no time zone{near}") from None


def split(text: str, separators: str) -> list[str]:
    """What stands between any of the separators, without empty parts."""
    parts = re.split(f"[{re.escape(separators)}]", text)
    return [part.strip() for part in parts if part.strip()]


def amounts(cell: str) -> tuple[str | int, ...]:
    """The one or three amounts of `3d`, `5` or `1d..2d..5d`."""
    return tuple(
        int(one) if one.isascii() and one.isdecimal() and len(one) <= len("1000000000") else one
        for one in (part.strip() for part in cell.split(".."))
        if one
    )
