import pytest

from engines.planning.artifacts.axis import labels
from tests.engines.planning.artifacts.plans import team_of


def test_a_short_plan_has_hours() -> None:
    team = team_of("- A (3h) @ana")
    assert labels(team, 180, 7) == [(0, "09:00"), (60, "10:00"), (120, "11:00"), (180, "12:00")]


def test_days_are_those_on_which_somebody_works() -> None:
    team = team_of("- A (5d) @ana")
    assert labels(team, 5 * 480, 7) == [
        (0, "1 Dec"),
        (480, "2 Dec"),
        (960, "3 Dec"),
        (1440, "4 Dec"),
        (1920, "7 Dec"),
        (2400, "8 Dec"),
    ]


def test_weeks_begin_on_monday() -> None:
    team = team_of("- A (20d) @ana")
    assert labels(team, 20 * 480, 7) == [
        (0, "1 Dec"),
        (4 * 480, "7 Dec"),
        (9 * 480, "14 Dec"),
        (14 * 480, "21 Dec"),
        (19 * 480, "28 Dec"),
    ]


@pytest.mark.parametrize("days", [1, 2, 3, 9, 40, 100, 300, 900, 2500])
def test_there_are_never_too_many(days: int) -> None:
    team = team_of("- A (1d) @ana")
    found = labels(team, days * 480, 7)
    assert 1 < len(found) <= 7
    assert found == sorted(found)


@pytest.mark.parametrize("last", [1, 6, 7, 99, 12345, 10**9])
def test_bare_ticks_are_round_numbers(last: int) -> None:
    team = team_of("- A (1) @ana", None)
    found = labels(team, last, 7)
    assert 1 < len(found) <= 7
    step = found[1][0]
    assert str(step).rstrip("0") in ("1", "2", "5")
    assert found[-1][0] + step > last


def test_work_without_a_start_is_told_in_days() -> None:
    team = team_of("- A (3d) @ana", None)
    assert labels(team, 3 * 480, 7) == [(0, "0m"), (480, "1d"), (960, "2d"), (1440, "3d")]
