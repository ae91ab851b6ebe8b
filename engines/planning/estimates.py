"""Amounts of work as people write them: `3d`, `1d4h`, `2.5h`, or low, likely and high."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from engines.planning.types import CannotPlan

DAY = 8 * 60
"""Working minutes in a day, where no calendar says otherwise."""
DAYS_A_WEEK = 5
LONGEST_DAYS = 52 * DAYS_A_WEEK
"""A year of work: a longer task is a slip of the pen, or a project."""
UNCERTAINTY = 0.4
"""Coefficient of variation of a task's duration where only one number is given. Estimates of
software tasks are about log-normal and miss by tens of per cent; the figure is a convention,
and a plan may set its own."""
MILESTONE = "milestone"
"""In place of an estimate: no work, and nobody to do it."""

_PART = re.compile(r"(\d{1,9}(?:[.,]\d{1,6})?)\s*([a-z]+)\s*")
_UNITS = {
    name: unit
    for unit, names in {
        "m": ("m", "min", "mins", "minute", "minutes"),
        "h": ("h", "hr", "hrs", "hour", "hours"),
        "d": ("d", "day", "days"),
        "w": ("w", "wk", "week", "weeks"),
    }.items()
    for name in names
}


@dataclass(frozen=True)
class Estimate:
    """How long a task takes at pace 1."""

    mean: int
    """Ticks."""
    cv: float


def parse_work(text: str, day: int = DAY) -> int:
    """Working minutes in `30m`, `4h`, `3d`, `1d4h` or `2w`; a day has `day` of them, a week 5 days.

    Raises:
        CannotPlan: It is no such amount, not above 0, or more than a year of work.
    """
    minutes = {"m": 1, "h": 60, "d": day, "w": DAYS_A_WEEK * day}
    words = text.strip().lower()
    total, at = 0.0, 0
    while matched := _PART.match(words, at):
        if matched[2] not in _UNITS:
            break
        total += float(matched[1].replace(",", ".")) * minutes[_UNITS[matched[2]]]
        at = matched.end()
    if words.startswith("-"):
        raise CannotPlan(f"`{text.strip()[:40]}` is negative")
    if not words or at < len(words):
        raise CannotPlan(
            f"`{text.strip()[:40]}` is no amount of work; write 30m, 4h, 3d, 1d4h or 2w"
        )
    if total > LONGEST_DAYS * day:
        raise CannotPlan(f"`{text.strip()[:40]}` is more than a year of work")
    if round(total) == 0:
        raise CannotPlan(f"`{text.strip()[:40]}` is no work at all; a milestone is `{MILESTONE}`")
    return round(total)


def say_work(ticks: int, day: int = DAY) -> str:
    """Working minutes as `1d 4h 30m`, which `parse_work` reads."""
    days, rest = divmod(ticks, day)
    hours, minutes = divmod(rest, 60)
    parts = [f"{n}{unit}" for n, unit in ((days, "d"), (hours, "h"), (minutes, "m")) if n]
    return " ".join(parts) or "0m"


def three_point(low: int, likely: int, high: int) -> Estimate:
    """Mean and coefficient of variation from three estimates, in ticks.

    PERT's (a + 4m + b) / 6 and standard deviation (b - a) / 6: Malcolm, Roseboom, Clark and Fazar,
    "Application of a technique for research and development program evaluation", Operations
    Research 7(5), 1959.

    Raises:
        CannotPlan: They are not in ascending order.
    """
    if not low <= likely <= high:
        raise CannotPlan("the three estimates are not in ascending order: low, likely, high")
    mean = (low + 4 * likely + high) / 6
    return Estimate(max(1, round(mean)), (high - low) / 6 / mean)


def estimate_of(amounts: Sequence[int], uncertainty: float) -> Estimate:
    """The estimate in one amount of ticks, or in three.

    Raises:
        CannotPlan: There are neither one nor three, or they are not in ascending order.
    """
    match amounts:
        case [only]:
            return Estimate(only, uncertainty)
        case [low, likely, high]:
            return three_point(low, likely, high)
        case _:
            raise CannotPlan(f"an estimate is one amount or three, not {len(amounts)}")
