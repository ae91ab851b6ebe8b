"""Working time: how the ticks that are planned in lie in the calendar.

A tick is one minute in which somebody works by the team's hours or by their own; nights, weekends
and holidays have none. A minute counts when the clock on the wall shows a time inside of a window,
so that a day on which the clocks change has as many ticks as such minutes.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property

from engines.planning.estimates import DAY
from engines.planning.types import CannotPlan

LONGEST_YEARS = 10
"""A plan that needs more is refused."""
_HORIZON = timedelta(days=LONGEST_YEARS * 365 + 3)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)

Windows = tuple[tuple[int, int], ...]
"""Half-open spans of minutes since midnight, ordered and apart."""
Dates = tuple[tuple[date, date], ...]
"""Ranges of dates, the last one included."""

WORK_DAYS = frozenset(range(5))
WORK_HOURS: Windows = ((9 * 60, 9 * 60 + DAY),)


@dataclass(frozen=True)
class Hours:
    """When somebody works."""

    days: frozenset[int] = WORK_DAYS
    """Days of the week; 0 is Monday."""
    windows: Windows = WORK_HOURS
    off: Dates = ()

    def on(self, day: date) -> Windows:
        """The windows of one date."""
        if day.weekday() not in self.days or self.is_off(day):
            return ()
        return self.windows

    def is_off(self, day: date) -> bool:
        """Whether a date is taken off."""
        before = bisect_right(self._off, (day, date.max)) - 1
        return before >= 0 and day <= self._off[before][1]

    @cached_property
    def _off(self) -> Dates:
        """The ranges, ordered and none inside of another."""
        ordered: list[tuple[date, date]] = []
        for first, last in sorted(self.off):
            if not ordered or last > ordered[-1][1]:
                ordered.append((first, last))
        return tuple(ordered)

    @property
    def day(self) -> int:
        """Working minutes in one of the days."""
        return sum(until - begin for begin, until in self.windows)


class WorkingTime:
    """Maps between ticks and aware datetimes; read from the start on as far as is asked for."""

    def __init__(self, start: datetime, team: Hours, people: Mapping[str, Hours]) -> None:
        """Tick 0 is the first working minute from `start` on, which is aware.

        The team's `off` are holidays, which everybody has; `people` are those with hours or time
        off of their own.
        """
        assert start.tzinfo is not None
        self.start = start
        self.zone = start.tzinfo
        self.team = team
        self._people = dict(people)
        patterns = {(team.days, team.windows)} | {(h.days, h.windows) for h in people.values()}
        self._week = tuple(
            _union(windows for days, windows in patterns if day in days) for day in range(7)
        )
        self._first = _minute(start)
        self._last_day = (start + _HORIZON).date()
        self._next_day = start.date()
        self._covered = self._first
        """Minutes since the epoch before which the axis is known."""
        self._begins: list[int] = []
        self._untils: list[int] = []
        self._ticks: list[int] = []
        """The tick at which each span begins."""
        self._known = 0
        """Ticks in the spans so far."""
        self._spans_worked: dict[tuple[date, Windows], tuple[tuple[int, int], ...]] = {}
        """Many people have the same hours on the same dates."""

    @property
    def day(self) -> int:
        """Working minutes in the team's day, which is what `1d` of work means."""
        return self.team.day

    def at(self, tick: int, *, end: bool) -> datetime:
        """When a tick begins; with `end`, when what ends before it (as spans do) has ended.

        A task that ends on Friday at 17:00 does so although the next tick is Monday's.

        Raises:
            CannotPlan: It is more than ten years off.
        """
        before = 1 if end and tick > 0 else 0
        while self._known <= tick - before:
            self._extend()
        span = bisect_right(self._ticks, tick - before) - 1
        return self._wall(self._begins[span] + tick - self._ticks[span])

    def tick(self, moment: datetime) -> int:
        """How many ticks lie before an aware moment: the first at or after it, or an end there.

        Raises:
            CannotPlan: It is more than ten years off.
        """
        return self._tick(_minute(moment))

    def of(self, person: str) -> Hours:
        """When a person works, the team's holidays taken out."""
        own = self._people.get(person, self.team)
        return Hours(own.days, own.windows, (*own.off, *self.team.off))

    def absences(self, person: str, *, presence: int, beyond: int) -> tuple[tuple[int, int], ...]:
        """Spans of ticks in which a person does not work, as `Person.absent` has them.

        They reach as far as it takes to be there for `presence` ticks from the tick `beyond` on,
        or ten years.

        Raises:
            CannotPlan: The person is never there.
        """
        hours = self.of(person)
        spans: list[tuple[int, int]] = []
        at = present = total = 0
        for day in self._dates():
            for first, last in self._worked(day, hours.on(day)):
                if first > at:
                    spans.append((at, first))
                at = last
                total += last - first
                present += max(0, last - max(first, beyond))
            if present >= max(1, presence):
                return tuple(spans)
        if total == 0:
            raise CannotPlan(f"never there in the {LONGEST_YEARS} years from the start")
        return (*spans, (at, self._tick(_minute(self._midnight(self._last_day))) + 1))

    def _worked(self, day: date, windows: Windows) -> tuple[tuple[int, int], ...]:
        """A date's windows as spans of ticks."""
        if not windows:
            return ()
        key = day, windows
        if key not in self._spans_worked:
            self._spans_worked[key] = tuple(
                (self._tick(begin), self._tick(until))
                for begin, until in self._minutes(day, windows)
            )
        return self._spans_worked[key]

    def _tick(self, minute: int) -> int:
        while self._covered < minute:
            self._extend()
        span = bisect_left(self._begins, minute) - 1
        if span < 0:
            return 0
        return self._ticks[span] + min(minute, self._untils[span]) - self._begins[span]

    def _dates(self) -> Iterator[date]:
        day = self.start.date()
        while day < self._last_day:
            yield day
            day += timedelta(days=1)

    def _extend(self) -> None:
        """Read one more day."""
        day = self._next_day
        if day > self._last_day:
            raise CannotPlan(
                f"the plan reaches past {self._last_day}: {LONGEST_YEARS} years are the most"
            )
        windows = () if self.team.is_off(day) else self._week[day.weekday()]
        for begin, until in self._minutes(day, windows):
            self._begins.append(begin)
            self._untils.append(until)
            self._ticks.append(self._known)
            self._known += until - begin
        self._next_day = day + timedelta(days=1)
        self._covered = max(self._covered, _minute(self._midnight(self._next_day)))

    def _minutes(self, day: date, windows: Windows) -> Iterator[tuple[int, int]]:
        """A date's windows as minutes since the epoch, from the start on."""
        for begin, until in self._spans(day, windows):
            if until > self._first:
                yield max(begin, self._first), until

    def _spans(self, day: date, windows: Windows) -> Iterator[tuple[int, int]]:
        if not windows:
            return
        midnight, next_one = self._midnight(day), self._midnight(day + timedelta(days=1))
        first = _minute(midnight)
        if midnight.utcoffset() == next_one.utcoffset():
            yield from ((first + begin, first + until) for begin, until in windows)
            return
        # The clocks change: what the wall shows is looked up minute by minute.
        since: int | None = None
        for minute in range(first, _minute(next_one)):
            wall = self._wall(minute)
            shown = wall.hour * 60 + wall.minute
            works = any(begin <= shown < until for begin, until in windows)
            if works and since is None:
                since = minute
            elif not works and since is not None:
                yield since, minute
                since = None
        if since is not None:
            yield since, _minute(next_one)

    def _wall(self, minute: int) -> datetime:
        return (_EPOCH + minute * _MINUTE).astimezone(self.zone)

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.zone)


def ended_after(absent: tuple[tuple[int, int], ...], start: int, presence: int) -> int:
    """When work that takes `presence` ticks and begins at `start` ends, around absences."""
    at, left = start, presence
    for begin, until in absent:
        if until <= at:
            continue
        if at + left <= begin:
            break
        left -= max(0, begin - at)
        at = until
    return at + left


def _minute(moment: datetime) -> int:
    """Whole minutes since the epoch."""
    return (moment - _EPOCH) // _MINUTE


def _union(several: Iterable[Windows]) -> Windows:
    merged: list[tuple[int, int]] = []
    for begin, until in sorted(window for windows in several for window in windows):
        if merged and begin <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], until)
        else:
            merged.append((begin, until))
    return tuple(merged)
