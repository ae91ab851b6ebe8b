"""Where the dates stand on a time axis that is made of working minutes."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta

from engines.planning.team import TeamPlan

_ROUND = (1, 2, 5)
_HOURS = (1, 2, 3, 4, 6)
_DAYS = (1, 2)
_WEEKS = (1, 2, 4, 8, 13, 26, 52)


def labels(team: TeamPlan, last: int, most: int) -> list[tuple[int, str]]:
    """Ticks from 0 to `last` with what to write there, at most `most` of them."""
    if team.working_time is None:
        return _numbers(team, last, most)
    for hours in _HOURS:
        if (last // 60) // hours < most and last <= team.working_time.day:
            return _hours(team, last, hours)
    found: list[tuple[int, str]] = []
    for step in (*_DAYS, *(7 * weeks for weeks in _WEEKS)):
        found = list(_dates(team, last, step))
        if len(found) <= most:
            return found
    return found[:: len(found) // most + 1]


def _numbers(team: TeamPlan, last: int, most: int) -> list[tuple[int, str]]:
    unit = 1 if team.day is None else team.day
    step = unit
    for power in range(1, 13):
        for digit in _ROUND:
            step = digit * 10 ** (power - 1) * unit
            if last // step < most:
                return [(tick, team.say_length(tick)) for tick in range(0, last + 1, step)]
    return [(0, team.say_length(0))]


def _hours(team: TeamPlan, last: int, step: int) -> list[tuple[int, str]]:
    assert team.working_time is not None
    ticks = range(0, last + 1, 60 * step)
    return [(tick, f"{team.working_time.at(tick, end=False):%H:%M}") for tick in ticks]


def _dates(team: TeamPlan, last: int, step: int) -> Iterator[tuple[int, str]]:
    """The first tick of every `step`th working date; of weeks, that of their Monday."""
    working_time = team.working_time
    assert working_time is not None
    day = working_time.at(0, end=False).date()
    if step >= len("MTWTFSS"):
        day -= timedelta(days=day.weekday())
    before, count = -1, 0
    while (tick := working_time.tick(datetime.combine(day, time(), working_time.zone))) <= last:
        if tick > before:
            if step > max(_DAYS) or count % step == 0:
                shown = working_time.at(tick, end=False)
                yield tick, f"{shown.day} {shown:%b}"
            count += 1
        before = tick
        day += timedelta(days=step if step > max(_DAYS) else 1)
