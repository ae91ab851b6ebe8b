import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.planning.estimates import (
    DAY,
    Estimate,
    estimate_of,
    parse_work,
    say_work,
    three_point,
)
from engines.planning.types import CannotPlan


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("30m", 30),
        ("4h", 240),
        ("3d", 1440),
        ("2w", 4800),
        ("1d4h", 720),
        ("1d 4h 5m", 725),
        ("1.5d", 720),
        ("1,5d", 720),
        (" 2 Days ", 960),
        ("1 week 1 hour", 2460),
        ("0.004d", 2),
        ("260d", 260 * 480),
    ],
)
def test_work_is_read_in_minutes(text: str, minutes: int) -> None:
    assert parse_work(text) == minutes


def test_a_day_has_the_hours_it_is_said_to_have() -> None:
    assert parse_work("1d", 360) == 360
    assert parse_work("1w2h", 360) == 5 * 360 + 120
    assert say_work(5 * 360 + 120, 360) == "5d 2h"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is no amount of work"),
        ("3", "is no amount of work"),
        ("3x", "is no amount of work"),
        ("d", "is no amount of work"),
        ("3d!", "is no amount of work"),
        ("1e9d", "is no amount of work"),
        ("9" * 4000 + "d", "is no amount of work"),
        ("-3d", "is negative"),
        ("0d", "is no work at all"),
        ("0.0001m", "is no work at all"),
        ("261d", "is more than a year of work"),
        ("999999999w", "is more than a year of work"),
    ],
)
def test_what_is_no_work_is_refused_in_a_line(text: str, told: str) -> None:
    with pytest.raises(CannotPlan) as caught:
        parse_work(text)
    assert told in str(caught.value)
    assert len(str(caught.value)) < 150


@given(st.integers(1, 260 * DAY))
def test_what_is_said_is_read_again(minutes: int) -> None:
    assert parse_work(say_work(minutes)) == minutes


def test_no_work_is_said_so() -> None:
    assert say_work(0) == "0m"


def test_three_points_give_perts_mean_and_deviation() -> None:
    assert three_point(60, 120, 300) == Estimate(140, (300 - 60) / 6 / 140)
    assert three_point(5, 5, 5) == Estimate(5, 0.0)
    assert estimate_of([60, 120, 300], 0.4) == three_point(60, 120, 300)
    assert estimate_of([60], 0.4) == Estimate(60, 0.4)
    with pytest.raises(CannotPlan, match="ascending"):
        three_point(3, 2, 5)
