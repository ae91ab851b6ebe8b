"""A draft in its thread: it grows at the platform's pace, and gives way to the result."""

import asyncio
import itertools
from dataclasses import dataclass, field

import pytest
from typing_extensions import override

from bot.face import JobView, Posted
from handlers import Place
from storage import drafts, ledger
from storage.clock import utc_now
from storage.database import Database
from storage.drafts import Draft
from storage.ids import JobId
from storage.ledger import Leased
from storage.redaction import HIDDEN
from tests.bot.test_delivery import Voice, Wall, finish, report, voice
from tests.jobs.asked import asked, events_of, leased
from tests.jobs.waiting import until

TOKEN = "ghp_" + "aB3dE6gH9" * 4


@dataclass
class Showing(Wall):
    """Keeps what status messages showed of drafts, in order."""

    drafts: list[str] = field(default_factory=list[str])

    @override
    async def post_status(self, place: Place, view: JobView, *, key: str) -> Posted:
        self.drafts.append(view.draft)
        return await super().post_status(place, view, key=key)

    @override
    async def edit_status(self, place: Place, status: Posted, view: JobView) -> None:
        await super().edit_status(place, status, view)
        self.drafts.append(view.draft)


@pytest.fixture
def wall() -> Showing:
    return Showing()


@pytest.fixture
def one(sqlite: Database, wall: Showing) -> Voice:
    return voice(sqlite, wall)


async def write(database: Database, lease: Leased, text: str) -> None:
    """As the runner does."""
    await database.write(lambda s: ledger.draft(s, lease, drafts.kept(text), utc_now()))


async def at_work(one: Voice) -> tuple[JobId, Leased]:
    job = await asked(one.database)
    lease = await leased(one.database, job)
    await one.say_all(job)
    return job, lease


async def test_a_draft_grows_under_its_status_until_the_result(one: Voice, wall: Showing) -> None:
    job, lease = await at_work(one)
    for text in ("It ", "It begins\n\n", "It begins\n\n```py\nx = "):
        await write(one.database, lease, text)
        await one.say_all(job)
    await finish(one.database, lease)
    await one.say_all(job)
    assert wall.drafts == ["", "It ", "It begins\n\n", "It begins\n\n```py\nx = ", ""]
    assert wall.posted[f"{job}:result"] == "3 tests"
    assert [event.text for event in await events_of(one.database, job)] == ["", "", "all pass"]


async def test_what_is_shown_is_not_shown_again(one: Voice, wall: Showing) -> None:
    job, lease = await at_work(one)
    await write(one.database, lease, "one ")
    await one.say_all(job)
    await voice(one.database, wall).say_all(job)
    assert wall.count("edit_status") == 1


async def test_a_job_that_starts_again_begins_a_new_draft(one: Voice, wall: Showing) -> None:
    job, lease = await at_work(one)
    await write(one.database, lease, "first try, ")
    await one.say_all(job)
    await one.database.write(lambda s: ledger.hand_back(s, lease, utc_now()))
    await one.say_all(job)
    lease = await leased(one.database, job)
    await one.say_all(job)
    await write(one.database, lease, "second try, ")
    await one.say_all(job)
    assert wall.drafts == ["", "first try, ", "", "", "second try, "]


async def test_edits_of_two_gateways_together_keep_their_distance(sqlite: Database) -> None:
    wall = Showing(edit_interval_s=0.2)
    voices = [voice(sqlite, wall) for _ in range(2)]
    job = await asked(sqlite)
    lease = await leased(sqlite, job)
    async with voices[0].running(), voices[1].running():
        for number in range(40):
            await write(sqlite, lease, "word " * number)
            voices[number % 2].delivery.notice(job)
            await asyncio.sleep(0.02)
        await until(lambda: wall.drafts[-1:] == ["word " * 39])
        await finish(sqlite, lease)
        voices[0].delivery.notice(job)
        await until(lambda: wall.count("post_result"))
        await until(lambda: wall.drafts[-1] == "")
    times = [at for call, _, at in wall.calls if call != "post_result"]
    assert 3 < len(times) < 40
    assert all(b - a >= 0.19 for a, b in itertools.pairwise(times))


async def test_a_result_does_not_wait_for_the_next_edit_of_a_draft(sqlite: Database) -> None:
    wall = Showing(edit_interval_s=600.0)
    one = voice(sqlite, wall)
    job = await asked(sqlite)
    lease = await leased(sqlite, job)
    async with one.running():
        one.delivery.notice(job)
        await until(lambda: wall.count("post_status"))
        await write(sqlite, lease, "one ")
        one.delivery.notice(job)
        await asyncio.sleep(0.05)
        await finish(sqlite, lease)
        one.delivery.notice(job)
        await until(lambda: wall.count("post_result"))
    assert wall.count("edit_status") == 0


async def test_secrets_are_taken_out_of_drafts(one: Voice, wall: Showing) -> None:
    job, lease = await at_work(one)
    said = f"use {TOKEN} here\n\n"
    for end in range(0, len(said) + 1, 6):
        await write(one.database, lease, said[:end])
        await one.say_all(job)
    await write(one.database, lease, said)
    await one.say_all(job)
    assert wall.drafts[-1] == f"use {HIDDEN} here\n\n"
    assert not any("ghp_" in draft or "aB3dE6" in draft for draft in wall.drafts)


async def test_a_draft_and_a_report_of_one_moment_are_one_edit(one: Voice, wall: Showing) -> None:
    job, lease = await at_work(one)
    await report(one.database, lease, "writing")
    await one.database.write(lambda s: ledger.draft(s, lease, Draft("one ", 4), utc_now()))
    await one.say_all(job)
    assert wall.count("edit_status") == 1
    assert wall.posted[f"{job}:status"] == "running writing"
