"""When somebody is away, read from their words: `2026-12-01..2026-12-12`, `until friday`, `2d`."""

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from handlers import UserError
from storage.availability import Absence

FORMS = (
    "`2026-12-24`, `2026-12-01..2026-12-12`, `until friday`, `until 2026-12-12`, `today`, "
    "`tomorrow`, `2d` or `1w`; several with commas between them; `none` for never"
)
NO_DAY = "no"
"""What is told where nobody is away."""
MOST = 20
"""Absences of one command."""
LONGEST_DAYS = 366
FARTHEST_DAYS = 800
"""From today; whoever is away later says so later."""
_NONE = frozenset({"none", "no", "never", "back", "off", "-"})
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SHORT = 3
"""Letters of a weekday that are enough."""
_RANGE = re.compile(r"\s*(?:\.{2,3}|…|\u2013|\bto\b|\buntil\b|\btill\b|\bthrough\b)\s*")
_AMOUNT = re.compile(r"(\d{1,3})\s*([dw])(?:ays?|eeks?)?")
_LEADING = re.compile(r"(?:until|till|to|through)\s+|\.{2,3}\s*|(?:from|on|for|since)\s+")


def absences_of(said: str, now: datetime, zone: str) -> tuple[Absence, ...]:
    """The days that the words name, as seen from `now` in `zone`; none for "none".

    Raises:
        UserError: They name none, or days that are over or too far.
    """
    text = " ".join(said.casefold().split())
    if text in _NONE:
        return ()
    today = now.astimezone(ZoneInfo(zone)).date()
    parts = [part.strip() for part in re.split(r"[,;]|\band\b", text) if part.strip()]
    if not parts:
        raise UserError(f"When are you away? Say it like {FORMS}.")
    if len(parts) > MOST:
        raise UserError(f"One command tells of at most {MOST} absences; these are {len(parts)}.")
    return tuple(Absence(*_checked(_days(part, today), part, today), zone) for part in parts)


def told(absences: Sequence[Absence], now: datetime) -> str:
    """Those that are not over, for people."""
    left = [each for each in absences if each.last >= now.astimezone(ZoneInfo(each.zone)).date()]
    return ", ".join(_told(left)) or NO_DAY


def _told(absences: Sequence[Absence]) -> Iterator[str]:
    for each in absences:
        days = f"{each.first}" if each.first == each.last else f"{each.first} to {each.last}"
        yield days if each.zone == "UTC" else f"{days} ({each.zone})"


def _days(part: str, today: date) -> tuple[date, date]:
    amount = _AMOUNT.fullmatch(part.removeprefix("for "))
    if amount is not None:
        days = int(amount[1]) * (7 if amount[2] == "w" else 1)
        return today, today + timedelta(days=max(days, 1) - 1)
    leading = _LEADING.match(part)
    rest = part[leading.end() :] if leading else part
    if leading and leading[0].split()[0] in ("until", "till", "to", "through", "..", "..."):
        return today, _day(rest, today)
    first, *last = _RANGE.split(rest, maxsplit=1)
    begins = _day(first, today)
    return begins, _day(last[0], begins) if last else begins


def _day(word: str, today: date) -> date:
    """A date, or the next day of a name; today's own name is today."""
    word = word.strip().removeprefix("next ").removeprefix("the ")
    if word in ("today", "now"):
        return today
    if word == "tomorrow":
        return today + timedelta(days=1)
    weekday = [at for at, name in enumerate(_DAYS) if len(word) >= _SHORT and name.startswith(word)]
    if weekday:
        return today + timedelta(days=(weekday[0] - today.weekday()) % 7)
    try:
        return date.fromisoformat(word)
    except ValueError as error:
        shown = word.replace("`", "'")[:60]
        raise UserError(f"`{shown}` is no day that I know. Say it like {FORMS}.") from error


def _checked(days: tuple[date, date], part: str, today: date) -> tuple[date, date]:
    first, last = days
    shown = part.replace("`", "'")[:60]
    if last < first:
        raise UserError(f"`{shown}`: the last day, {last}, is before the first, {first}.")
    if last < today:
        raise UserError(f"`{shown}`: {last} is over already.")
    if (last - first).days >= LONGEST_DAYS or (last - today).days > FARTHEST_DAYS:
        raise UserError(
            f"`{shown}` is too long or too far away: at most a year, from today at most two. "
            "With `matching=off` you are never named."
        )
    return first, last
