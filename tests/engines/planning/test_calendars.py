from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from engines.planning.calendars import Hours, Windows, WorkingTime, ended_after
from engines.planning.types import CannotPlan

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = Hours()
MINUTE = timedelta(minutes=1)


def clock(*, start: str = "2026-12-01T00:00", team: Hours = OFFICE, **people: Hours) -> WorkingTime:
    return WorkingTime(datetime.fromisoformat(start).replace(tzinfo=BERLIN), team, people)


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


class TestTheEndOfATask:
    def test_on_friday_evening_is_not_monday_morning(self) -> None:
        friday = clock(start="2026-12-04")
        assert friday.at(480, end=True) == berlin("2026-12-04T17:00")
        assert friday.at(480, end=False) == berlin("2026-12-07T09:00")

    def test_before_lunch_is_before_lunch(self) -> None:
        office = Hours(windows=((540, 720), (780, 1020)))
        assert clock(team=office).at(180, end=True) == berlin("2026-12-01T12:00")
        assert clock(team=office).at(180, end=False) == berlin("2026-12-01T13:00")

    def test_at_tick_0_is_the_first_working_minute(self) -> None:
        assert clock(start="2026-12-05T11:00").at(0, end=True) == berlin("2026-12-07T09:00")

    def test_before_the_clocks_change_is_on_the_clock_of_then(self) -> None:
        nights = clock(start="2026-03-29T00:00", team=Hours(frozenset({6}), ((0, 120),)))
        ended = nights.at(120, end=True)
        assert ended.astimezone(UTC) == datetime(2026, 3, 29, 1, tzinfo=UTC)
        assert ended.hour == 3  # there was no 2 o'clock


class TestAMoment:
    def test_outside_of_hours_is_the_next_working_minute(self) -> None:
        assert clock().tick(berlin("2026-12-01T20:00")) == 480
        assert clock().tick(berlin("2026-12-02T09:00")) == 480

    def test_before_the_start_is_tick_0(self) -> None:
        assert clock().tick(berlin("2020-01-01T12:00")) == 0

    def test_of_another_time_zone_is_translated(self) -> None:
        assert clock().tick(datetime(2026, 12, 1, 8, 30, tzinfo=UTC)) == 30

    def test_on_a_holiday_is_the_day_after_it(self) -> None:
        christmas = Hours(off=((date(2026, 12, 24), date(2026, 12, 26)),))
        holidays = clock(start="2026-12-23", team=christmas)
        assert holidays.tick(berlin("2026-12-25T12:00")) == 480
        assert holidays.at(480, end=False) == berlin("2026-12-28T09:00")

    def test_more_than_ten_years_off_is_refused(self) -> None:
        with pytest.raises(CannotPlan, match="10 years are the most"):
            clock().tick(berlin("2040-01-01"))
        with pytest.raises(CannotPlan, match="10 years are the most"):
            clock().at(10_000_000, end=False)


class TestAbsences:
    def test_are_the_others_hours_and_the_own_time_off(self) -> None:
        part_time = clock(bo=Hours(frozenset({0, 1}), OFFICE.windows))
        assert part_time.absences("bo", presence=960, beyond=0)[:1] == ((480, 4 * 480),)

    def test_of_somebody_with_the_teams_hours_are_none(self) -> None:
        assert clock().absences("ana", presence=5000, beyond=0) == ()

    def test_over_a_weekend_are_one_span(self) -> None:
        off = Hours(off=((date(2026, 12, 4), date(2026, 12, 7)),))
        assert clock(ana=off).absences("ana", presence=9999, beyond=0) == ((3 * 480, 5 * 480),)

    def test_of_an_early_bird_are_the_minutes_when_only_others_work(self) -> None:
        early = clock(bo=Hours(windows=((420, 900),)))
        assert early.tick(berlin("2026-12-02T00:00")) == 600
        assert early.absences("bo", presence=1500, beyond=0)[:2] == ((480, 600), (1080, 1200))
        assert early.absences("ana", presence=900, beyond=0)[:2] == ((0, 120), (600, 720))

    def test_reach_as_far_as_the_work_does(self) -> None:
        days = clock(bo=Hours(frozenset({1}), OFFICE.windows))
        absent = days.absences("bo", presence=3 * 480, beyond=7000)
        assert absent[-1][1] - 7000 >= 2 * 5 * 480

    def test_may_be_told_twice_over(self) -> None:
        days = ((3, 9), (1, 12), (4, 4), (20, 21), (21, 22))
        off = Hours(off=tuple((date(2026, 12, a), date(2026, 12, b)) for a, b in days))
        away = [day for day in range(1, 32) if off.is_off(date(2026, 12, day))]
        assert away == [*range(1, 13), 20, 21, 22]

    def test_without_end_are_refused(self) -> None:
        never = clock(ana=Hours(off=((date(2020, 1, 1), date(2099, 1, 1)),)))
        with pytest.raises(CannotPlan, match="never there"):
            never.absences("ana", presence=1, beyond=0)

    def test_of_somebody_who_leaves_go_on_to_the_end(self) -> None:
        leaves = clock(ana=Hours(off=((date(2026, 12, 3), date(2099, 1, 1)),)))
        ((begin, until),) = leaves.absences("ana", presence=5000, beyond=0)
        assert begin == 960
        assert leaves.at(until, end=True).year == 2036


def test_work_waits_while_its_person_is_away() -> None:
    absent = ((10, 20), (30, 35))
    assert ended_after(absent, 0, 10) == 10
    assert ended_after(absent, 0, 11) == 21
    assert ended_after(absent, 5, 16) == 36
    assert ended_after(absent, 40, 3) == 43


@dataclass(frozen=True)
class Case:
    zone: str
    start: str
    windows: Windows
    own: Windows = ((600, 720),)


CASES = (
    Case("Europe/Berlin", "2026-03-27T08:13", ((90, 210), (540, 1020))),
    Case("Europe/Berlin", "2026-10-23T08:13", ((90, 150), (170, 200), (540, 1020))),
    Case("Europe/Berlin", "2026-10-24T23:59", ((0, 1440),)),
    Case("America/New_York", "2026-03-07T12:00", ((0, 125), (150, 1440))),
    Case("Australia/Lord_Howe", "2026-04-03T00:00", ((60, 140), (600, 700))),
    Case("Atlantic/Azores", "2026-10-24T00:00", ((0, 45), (1400, 1440))),
    Case("Asia/Beirut", "2026-03-28T00:00", ((0, 70), (1400, 1440))),
    Case("Asia/Beirut", "2026-10-24T00:00", ((0, 70), (1370, 1440))),
    Case("Asia/Kathmandu", "2026-12-03T10:00:30", ((540, 1020),)),
)
DAYS = 4


def naive_minutes(case: Case, hours: Mapping[str, Windows]) -> Iterator[tuple[datetime, set[str]]]:
    """Every minute from the start on in which somebody works, and who."""
    zone = ZoneInfo(case.zone)
    begin = datetime.fromisoformat(case.start).replace(tzinfo=zone).astimezone(UTC)
    minute = begin.replace(second=0)
    last = begin.astimezone(zone).date() + timedelta(days=DAYS)
    while (wall := minute.astimezone(zone)).date() < last:
        shown = wall.hour * 60 + wall.minute
        there = {who for who, windows in hours.items() if any(a <= shown < b for a, b in windows)}
        if there:
            yield minute, there
        minute += MINUTE


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.zone}-{case.start}")
def test_ticks_are_the_minutes_at_which_the_clock_shows_working_time(case: Case) -> None:
    every_day = frozenset(range(7))
    team, bo = Hours(every_day, case.windows), Hours(every_day, case.own)
    start = datetime.fromisoformat(case.start).replace(tzinfo=ZoneInfo(case.zone))
    working_time = WorkingTime(start, team, {"bo": bo})
    minutes = list(naive_minutes(case, {"team": case.windows, "bo": case.own}))
    for tick, (minute, _) in enumerate(minutes):
        assert working_time.at(tick, end=False).astimezone(UTC) == minute
        assert working_time.at(tick + 1, end=True).astimezone(UTC) == minute + MINUTE
        assert working_time.tick(minute) == tick
        assert working_time.tick(minute + MINUTE) == tick + 1
    for who in ("ana", "bo"):
        kind = "bo" if who == "bo" else "team"
        absent = working_time.absences(who, presence=1_000_000, beyond=0)
        away = {tick for begin, until in absent for tick in range(begin, min(until, len(minutes)))}
        assert away == {tick for tick, (_, there) in enumerate(minutes) if kind not in there}
        assert all(a < b for a, b in absent)
        assert all(b < a for (_, b), (a, _) in pairwise(absent))
