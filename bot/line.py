"""The line as people are told of it: looked at once for many who ask at the same time."""

import asyncio
import time
from collections.abc import Collection
from dataclasses import dataclass

from storage import line
from storage.clock import utc_now
from storage.database import Database
from storage.ids import JobId
from storage.line import Line

REST = 10
"""A look holds for so many times as long as it took."""
LONGEST_HOLD_S = 1.0
MINUTE_S, HOUR_S = 60.0, 3600.0
_MOST_MINUTES = 90
_ENDINGS = {1: "st", 2: "nd", 3: "rd"}


@dataclass(frozen=True)
class InLine:
    """Where a queued job stands."""

    ahead: int
    """Jobs before it in its queue."""
    wait_s: float | None
    """When it is expected to start, where there is something to go by."""


class LineWatch:
    """The newest look at all lines."""

    def __init__(self, database: Database) -> None:
        """Nothing is looked at before somebody asks."""
        self._database = database
        self._newest = Line()
        self._holds_until_s = 0.0
        self._turn = asyncio.Lock()

    async def look(self) -> Line:
        """All lines as they are, or were a moment ago."""
        async with self._turn:
            started = time.monotonic()
            if started >= self._holds_until_s:
                self._newest = await self._database.read(lambda s: line.look(s, utc_now()))
                took_s = time.monotonic() - started
                self._holds_until_s = started + took_s + min(LONGEST_HOLD_S, REST * took_s)
        return self._newest

    async def look_for(self, jobs: Collection[JobId]) -> Line:
        """All lines, with one of these jobs among those who wait, if any of them does."""
        seen = await self.look()
        if seen.ahead.keys().isdisjoint(jobs):  # queued since that look
            await asyncio.sleep(max(0.0, self._holds_until_s - time.monotonic()))
            seen = await self.look()
        return seen

    async def where(self, job: JobId, queue: str) -> InLine | None:
        """Where a job stands; None when it is not in line (any more, or for a moment)."""
        seen = await self.look_for((job,))
        ahead = seen.ahead.get(job)
        return None if ahead is None else InLine(ahead, seen.wait_s(job, queue))


def place_in_words(ahead: int, wait_s: float | None) -> str:
    """Where a job stands that has so many before it: "3rd in line, about 2 min".

    Empty for the first where nothing is known to run: it starts at once.
    """
    if ahead == 0:
        return "" if wait_s is None else f"next in line, {about(wait_s)}"
    place = f"{ordinal(ahead + 1)} in line"
    return place if wait_s is None else f"{place}, {about(wait_s)}"


def ordinal(number: int) -> str:
    """The number as people count: "1st", "12th", "1,003rd"."""
    is_teen = number // 10 % 10 == 1
    ending = "th" if is_teen else _ENDINGS.get(number % 10, "th")
    return f"{number:,}{ending}"


def about(seconds: float) -> str:
    """A span of time that is only estimated: "about 20 s", "about 2 min", "about 3 h"."""
    fives, minutes, hours = round(seconds / 5), round(seconds / MINUTE_S), round(seconds / HOUR_S)
    if 5 * fives < MINUTE_S:
        return f"about {max(5, 5 * fives)} s"
    return f"about {minutes} min" if minutes <= _MOST_MINUTES else f"about {hours} h"
