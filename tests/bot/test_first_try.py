"""What is posted for the first time is posted at once; every later attempt looks first."""

import asyncio
from dataclasses import dataclass, field

import pytest
from typing_extensions import override

from bot.face import Busy
from bot.fence import may_be_there, still_ours
from storage import deliveries
from storage.database import Database
from tests.bot.test_delivery import Crash, Voice, Wall, finish, report, time_passes, voice
from tests.jobs.asked import asked, leased
from tests.jobs.waiting import until


@dataclass
class Looking(Wall):
    """Looks for earlier messages when it has to, as the platforms' code does."""

    looks: list[str] = field(default_factory=list[str])
    budget: list[Exception] = field(default_factory=list[Exception])
    """What our own budget says to the next calls, before the platform is called."""

    @override
    async def _called(self, call: str, key: str) -> None:
        if self.budget:
            raise self.budget.pop(0)
        still_ours()
        if call != "edit_status" and may_be_there():
            self.looks.append(call)
        await super()._called(call, key)


@pytest.fixture
def wall() -> Looking:
    return Looking()


@pytest.fixture
def one(sqlite: Database, wall: Looking) -> Voice:
    return voice(sqlite, wall)


async def test_a_job_told_without_trouble_needs_no_look(one: Voice, wall: Looking) -> None:
    job = await asked(one.database)
    await one.say_all(job)
    lease = await leased(one.database, job)
    await report(one.database, lease, "half way")
    await one.say_all(job)
    await finish(one.database, lease)
    await one.say_all(job)
    assert (wall.count("post_result"), wall.looks) == (1, [])


async def test_what_the_platform_may_have_taken_is_looked_for(one: Voice, wall: Looking) -> None:
    job = await asked(one.database)
    wall.refusals = [Busy("timeout")]
    await one.say_all(job)
    await time_passes(one.database, 10)
    await one.say_all(job)
    assert wall.looks == ["post_status"]


async def test_what_our_own_budget_held_back_was_never_tried(one: Voice, wall: Looking) -> None:
    job = await asked(one.database)
    wall.budget = [Busy("a message a second")]
    await one.say_all(job)
    await time_passes(one.database, 10)
    await one.say_all(job)
    assert (wall.count("post_status"), wall.looks) == (1, [])


async def test_another_gateway_looks_for_what_a_killed_one_began(
    one: Voice, wall: Looking, sqlite: Database
) -> None:
    job = await asked(one.database)
    wall.crash_after_post = True
    with pytest.raises(Crash):
        await one.say_all(job)
    await time_passes(sqlite, deliveries.LEASE_S + 1)
    await voice(sqlite, wall).say_all(job)
    assert wall.looks == ["post_status"]


async def test_an_attempt_that_was_cancelled_counts_as_one(one: Voice, wall: Looking) -> None:
    job = await asked(one.database)
    wall.hangs = True
    attempt = asyncio.ensure_future(one.say_all(job))
    await until(lambda: bool(wall.calls))
    attempt.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attempt
    wall.hangs = False
    await one.say_all(job)
    assert wall.looks == ["post_status"]


async def test_after_a_restore_everything_is_looked_for(one: Voice, wall: Looking) -> None:
    job = await asked(one.database)
    await one.say_all(job)
    lease = await leased(one.database, job)
    await finish(one.database, lease)
    await one.database.write(deliveries.doubt)
    await one.say_all(job)
    assert wall.looks == ["post_result"]
