"""What people can take now, and why somebody cannot."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from engines.matching.types import Person

CAPACITY = 4
"""Items at a time of who has set nothing."""
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Standing:
    """A person's own settings, and what is asked of them already."""

    capacity: float = CAPACITY
    """Ordinary items at a time; 0 takes nothing."""
    open_load: float = 0.0
    """Items that are open, each weighted by its size: 1 is an ordinary one."""
    away_until_s: int | None = None
    """Unix time at which they are back."""
    opted_out: bool = False
    has_access: bool = True
    is_asked: bool = False
    """They have been asked for this item already."""
    has_declined: bool = False
    """They have declined this item."""


Standings = Mapping[str, Standing]
"""By the person's key; who is missing has set nothing and has nothing open."""


class Skipped(NamedTuple):
    """Somebody who could not be named."""

    person: Person
    why: str
    """Without a subject: "away until 3 May"."""


def standing_of(standings: Standings, person: Person) -> Standing:
    """What is known of a person."""
    return standings.get(person.key, _ORDINARY)


def why_not(standing: Standing, size: float, at_s: int) -> str | None:
    """Why a person cannot take an item of some size at a time; None if they can."""
    if standing.opted_out:
        return "opted out"
    if not standing.has_access:
        return "no access"
    if standing.has_declined:
        return "has declined"
    if standing.is_asked:
        return "already asked"
    if standing.away_until_s is not None and standing.away_until_s > at_s:
        return f"away until {_day(standing.away_until_s - 1, at_s)}"
    if standing.open_load + size > standing.capacity + _ROUNDING:
        return _full(standing)
    return None


_ORDINARY = Standing()


def _full(standing: Standing) -> str:
    if not standing.capacity:
        return "takes nothing now"
    of = f"{standing.open_load:g} of {standing.capacity:g}"
    return f"at the limit: {of}" if standing.open_load >= standing.capacity else f"no room: {of}"


def _day(day_s: int, now_s: int) -> str:
    day, now = datetime.fromtimestamp(day_s, UTC), datetime.fromtimestamp(now_s, UTC)
    return f"{day.day} {day:%B}" if day.year == now.year else f"{day.day} {day:%B %Y}"
