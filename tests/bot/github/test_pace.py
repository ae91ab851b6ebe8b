import pytest

from bot.github.pace import PER_HOUR, PER_MINUTE, Pace
from bot.github.transport import Limited


class Clock:
    """A clock that stands until it is put forward."""

    def __init__(self) -> None:
        """Somewhere."""
        self.now_s = 1_000.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now_s


def test_writes_are_held_back_before_githubs_own_limit() -> None:
    clock = Clock()
    pace = Pace(clock)
    for _ in range(PER_MINUTE):
        pace.write()
        clock.now_s += 0.1
    with pytest.raises(Limited) as limited:
        pace.write()
    assert limited.value.retry_after_s == pytest.approx(60 - PER_MINUTE * 0.1)
    clock.now_s += limited.value.retry_after_s
    pace.write()


def test_an_hour_has_its_limit_too() -> None:
    clock = Clock()
    pace = Pace(clock)
    for _ in range(PER_HOUR):
        pace.write()
        clock.now_s += 2
    with pytest.raises(Limited) as limited:
        pace.write()
    assert limited.value.retry_after_s == pytest.approx(3600 - PER_HOUR * 2)


def test_progress_may_use_half() -> None:
    pace = Pace(Clock())
    written = 0
    while pace.has_room_for_progress:
        pace.write()
        written += 1
    assert written == PER_MINUTE // 2
    for _ in range(PER_MINUTE - written):
        pace.write()


def test_pace_opens_again_when_github_said() -> None:
    clock = Clock()
    pace = Pace(clock)
    pace.check()
    pace.close_for(30)
    pace.close_for(10)
    with pytest.raises(Limited) as limited:
        pace.check()
    assert limited.value.retry_after_s == pytest.approx(30)
    clock.now_s += 30
    pace.check()
