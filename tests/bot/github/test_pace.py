"""What an installation may write, kept below what GitHub allows."""

import asyncio
from dataclasses import dataclass

import pytest

from bot.budgets import Budgets
from bot.github.pace import Allowance, Pace
from bot.github.transport import Limited


@dataclass
class Clock:
    """A clock that stands until it is put forward."""

    now_s: float = 1_000.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pace(clock: Clock) -> Pace:
    return Pace(Budgets(None, patience_s=0.0, clock=clock), "7", Allowance())


async def written(pace: Pace, clock: Clock, *, within_s: float) -> list[float]:
    """When something was written by somebody who always has something to write."""
    end_s, at_s = clock.now_s + within_s, list[float]()
    while clock.now_s < end_s:
        try:
            await pace.write()
        except Limited as limited:
            clock.now_s += limited.retry_after_s
        else:
            at_s.append(clock.now_s)
    return at_s


def most_in(at_s: list[float], span_s: float) -> int:
    """The most that lie within any span."""
    return max(sum(start <= at < start + span_s for at in at_s) for start in at_s)


async def test_no_minute_has_more_than_sixty_writes_and_no_hour_more_than_four_hundred(
    pace: Pace, clock: Clock
) -> None:
    at_s = await written(pace, clock, within_s=7_200)
    assert most_in(at_s, 60) <= 60
    assert most_in(at_s, 3_600) <= 400
    assert len(at_s) > 600, "and the budget is used"


async def test_the_wait_is_as_long_as_is_said(pace: Pace, clock: Clock) -> None:
    for _ in range(20):
        await pace.write()
    with pytest.raises(Limited) as limited:
        await pace.write()
    clock.now_s += limited.value.retry_after_s + 0.001
    await pace.write()


async def test_progress_may_use_half_of_what_may_be_written_at_once(pace: Pace) -> None:
    made = 0
    while await pace.has_room_for_progress():
        await pace.write()
        made += 1
    assert made == 10
    for _ in range(10):
        await pace.write()


async def test_progress_leaves_points_too_where_writes_are_many(clock: Clock) -> None:
    pace = Pace(Budgets(None, patience_s=0.0, clock=clock), "7", Allowance(10_000, 100_000))
    made = 0
    while await pace.has_room_for_progress():
        await pace.write()
        made += 1
    for _ in range(made - 1):
        await pace.write()


async def test_nothing_is_asked_while_github_wants_to_be_left_alone(
    pace: Pace, clock: Clock
) -> None:
    await pace.close_for(30)
    await pace.close_for(10)
    for call in (pace.read, pace.write):
        with pytest.raises(Limited) as limited:
            await call()
        assert limited.value.retry_after_s == pytest.approx(30)
    assert not await pace.has_room_for_progress()
    clock.now_s += 30
    await asyncio.gather(pace.read(), pace.write())
