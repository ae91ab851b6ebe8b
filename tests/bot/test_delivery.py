"""What threads are told: one status, edited at its pace, then one result; by one voice."""

import asyncio
import itertools
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest
from redis.asyncio import Redis
from sqlmodel import Session, col, update

from bot import delivery as delivery_module
from bot import tokens
from bot.budgets import Spent
from bot.delivery import MOST_WAIT_S, SPREAD_S, Delivery
from bot.face import Busy, Face, Undeliverable
from bot.metrics import GatewayMetrics
from bot.tokens import Token
from handlers import Platform
from jobs.messages import say
from jobs.queue import EVENTS_STREAM
from storage import deliveries, ledger
from storage.clock import utc_now
from storage.database import Database
from storage.ids import JobId
from storage.ledger import Ending, Leased
from storage.states import JobState
from storage.tables.deliveries import DeliveryRow
from tests.bot.wall import Crash, Fenced, Wall
from tests.fakes.unwatched import Unwatched
from tests.jobs.asked import PLACE, asked, leased
from tests.jobs.outage import without
from tests.jobs.waiting import PATIENCE_S, until

NOBODY = "redis://127.0.0.1:1/0"


_numbers = itertools.count(1)


@dataclass
class Voice:
    """A delivery loop in front of a wall."""

    database: Database
    wall: Wall
    delivery: Delivery
    metrics: GatewayMetrics
    redis: Redis
    holder: Unwatched

    async def say_all(self, key: str) -> None:
        """As the loop does for one bell."""
        while await self.delivery.deliver(key):
            pass

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
            loop = group.create_task(self.delivery.run())
            yield
            loop.cancel()
        await self.redis.aclose()


def voice(database: Database, wall: Wall, redis_url: str = NOBODY) -> Voice:
    metrics = GatewayMetrics()
    redis = Redis.from_url(redis_url, socket_timeout=10)  # pyright: ignore[reportUnknownMemberType]
    faces = {Platform.SLACK: Face(wall, wall)}
    holder = Unwatched(f"g{next(_numbers)}")
    delivery = Delivery(database, redis, faces, metrics, holder=holder)
    return Voice(database, wall, delivery, metrics, redis, holder)


@pytest.fixture
def one(sqlite: Database) -> Voice:
    return voice(sqlite, Wall())


async def row_of(database: Database, key: str) -> DeliveryRow:
    row = await database.read(lambda s: s.get(DeliveryRow, key))
    assert row is not None
    return row


async def report(database: Database, lease: Leased, text: str) -> None:
    await database.write(lambda s: ledger.report(s, lease, text, None, utc_now()))


async def finish(database: Database, lease: Leased) -> None:
    ending = Ending(JobState.SUCCEEDED, "all pass", say("3 tests").model_dump(mode="json"))
    await database.write(lambda s: ledger.finish(s, lease, ending, utc_now()))


async def time_passes(database: Database, seconds: float) -> None:
    """As far as deliveries are concerned."""

    def back(session: Session) -> None:
        for row in session.exec(deliveries.select(DeliveryRow)).all():
            row.next_try_at -= timedelta(seconds=seconds)

    await database.write(back)


async def test_a_job_is_told_from_its_first_state_to_its_result(one: Voice) -> None:
    job = await asked(one.database)
    await one.say_all(job)
    lease = await leased(one.database, job)
    await one.say_all(job)
    await report(one.database, lease, "half way")
    await one.say_all(job)
    await finish(one.database, lease)
    await one.say_all(job)
    assert one.wall.posted == {f"{job}:status": "succeeded all pass", f"{job}:result": "3 tests"}
    assert [call for call, _, _ in one.wall.calls] == [
        *("post_status", "edit_status", "edit_status", "post_result", "edit_status")
    ]
    assert (await row_of(one.database, job)).finished_at is not None


async def test_a_result_that_replaces_its_status_is_the_last_word(sqlite: Database) -> None:
    one = voice(sqlite, Wall(result_replaces_status=True))
    job = await asked(sqlite)
    lease = await leased(sqlite, job)
    await finish(sqlite, lease)
    await one.say_all(job)
    assert [call for call, _, _ in one.wall.calls] == ["post_status", "post_result"]


async def test_edits_keep_their_distance(sqlite: Database) -> None:
    one = voice(sqlite, Wall(edit_interval_s=0.1))
    job = await asked(sqlite)
    lease = await leased(sqlite, job)
    async with one.running():
        for number in range(30):
            await report(sqlite, lease, f"step {number}")
            one.delivery.notice(job)
            await asyncio.sleep(0.01)
        await until(lambda: "step 29" in one.wall.posted.get(f"{job}:status", ""))
    times = [at for call, _, at in one.wall.calls if call != "post_result"]
    assert len(times) < 30
    assert all(b - a >= 0.099 for a, b in itertools.pairwise(times))


async def test_a_platform_that_asks_for_patience_is_left_alone_whatever_happens(
    one: Voice,
) -> None:
    job = await asked(one.database)
    one.wall.refusals = [Busy("429", retry_after_s=100)]
    await one.say_all(job)
    lease = await leased(one.database, job)
    for number in range(20):
        await report(one.database, lease, f"step {number}")
        await one.say_all(job)
    assert len(one.wall.calls) == 1
    row = await row_of(one.database, job)
    assert (row.attempts, row.finished_at) == (1, None)
    assert 60 < (row.next_try_at - utc_now()).total_seconds() <= 100
    await time_passes(one.database, 100)
    await one.say_all(job)
    assert one.wall.posted == {f"{job}:status": "running"}
    assert (await row_of(one.database, job)).attempts == 0


async def test_waits_grow_stay_bounded_and_end_after_about_a_day(one: Voice) -> None:
    job = await asked(one.database)
    waited_s = 0.0
    while (row := await row_of(one.database, job)).finished_at is None:
        one.wall.refusals = [Busy("503", retry_after_s=0)]
        await one.say_all(job)
        row = await row_of(one.database, job)
        wait_s = (row.next_try_at - utc_now()).total_seconds()
        waited_s += wait_s
        await time_passes(one.database, wait_s + 1)
    assert row.attempts == deliveries.GIVE_UP_AFTER
    assert row.error == "503"
    assert 12 * 3600 < waited_s < 48 * 3600


async def test_a_refused_token_is_waited_for_however_long_and_then_all_is_said(one: Voice) -> None:
    job = await asked(one.database)
    token = Token("GRYPH_X_TOKEN", "Set it anew.")
    nearly = update(DeliveryRow).values(attempts=deliveries.GIVE_UP_AFTER - 2)
    await one.database.write(lambda s: s.connection().execute(nearly).rowcount)
    for _ in range(4):
        one.wall.refusals = [token.refused("revoked")]
        await one.say_all(job)
        row = await row_of(one.database, job)
        assert (row.finished_at, row.error) == (None, "GRYPH_X_TOKEN is refused: revoked")
        assert (row.next_try_at - utc_now()).total_seconds() <= tokens.PAUSE_S
        await time_passes(one.database, tokens.PAUSE_S)
    await one.say_all(job)
    assert one.wall.posted == {f"{job}:status": "queued"}


async def test_our_own_spent_budget_makes_nobody_wait_longer_each_time(one: Voice) -> None:
    job = await asked(one.database)
    for _ in range(12):
        one.wall.refusals = [Spent("1 message a second", retry_after_s=1.0)]
        await one.say_all(job)
        row = await row_of(one.database, job)
        assert (row.attempts, row.lease_owner) == (0, None)
        await time_passes(one.database, 1.0 + SPREAD_S)
    await one.say_all(job)
    assert one.wall.posted == {f"{job}:status": "queued"}


async def test_no_platform_keeps_us_away_for_ever(one: Voice) -> None:
    job = await asked(one.database)
    one.wall.refusals = [Busy("429", retry_after_s=1e12)]
    await one.say_all(job)
    row = await row_of(one.database, job)
    assert (row.next_try_at - utc_now()).total_seconds() <= MOST_WAIT_S


async def test_a_platform_that_hangs_is_left_before_the_lease_ends(
    one: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await asked(one.database)
    one.wall.hangs = True
    with monkeypatch.context() as hurried:
        hurried.setattr(delivery_module, "SAY_S", 0.05)
        await one.say_all(job)
    row = await row_of(one.database, job)
    assert (row.attempts, row.lease_owner) == (1, None)
    one.wall.hangs = False
    await time_passes(one.database, 100)
    await one.say_all(job)
    assert one.wall.posted == {f"{job}:status": "queued"}


async def test_a_place_that_is_gone_ends_the_delivery(one: Voice) -> None:
    job = await asked(one.database)
    one.wall.refusals = [Undeliverable("channel_not_found")]
    await one.say_all(job)
    row = await row_of(one.database, job)
    assert (row.finished_at is not None, row.error) == (True, "channel_not_found")
    await one.say_all(job)
    assert len(one.wall.calls) == 1


async def test_a_bug_of_a_face_is_tried_again_like_an_outage(one: Voice) -> None:
    job = await asked(one.database)
    one.wall.refusals = [KeyError("ts")]
    await one.say_all(job)
    assert (await row_of(one.database, job)).attempts == 1
    await time_passes(one.database, 100)
    await one.say_all(job)
    assert one.wall.posted == {f"{job}:status": "queued"}


@pytest.mark.parametrize("at", ["status", "result"])
async def test_after_a_crash_between_post_and_note_the_same_key_is_posted_again(
    sqlite: Database, at: str
) -> None:
    wall = Wall()
    first, second = voice(sqlite, wall), voice(sqlite, wall)
    job = await asked(sqlite)
    if at == "result":
        await first.say_all(job)
        await finish(sqlite, await leased(sqlite, job))
    wall.crash_after_post = True
    with pytest.raises(Crash):
        await first.say_all(job)
    await second.say_all(job)
    assert wall.count(f"post_{at}") == 1, "the dead gateway's lease has to end first"
    await time_passes(sqlite, deliveries.LEASE_S)
    await second.say_all(job)
    keys = [key for call, key, _ in wall.calls if call == f"post_{at}"]
    assert keys == [f"{job}:{at}"] * 2


async def test_two_gateways_are_one_voice(sqlite: Database) -> None:
    wall = Wall()
    voices = [voice(sqlite, wall) for _ in range(2)]
    jobs = [await asked(sqlite) for _ in range(5)]
    async with voices[0].running(), voices[1].running():
        for job in jobs:
            lease = await leased(sqlite, job)
            for one in voices:
                one.delivery.notice(job)
            await finish(sqlite, lease)
            for one in voices:
                one.delivery.notice(job)
        await until(lambda: wall.count("post_result") >= 5)

        async def all_said() -> bool:
            rows = [await row_of(sqlite, job) for job in jobs]
            return all(row.finished_at is not None for row in rows)

        await until(all_said)
    assert (wall.count("post_status"), wall.count("post_result")) == (5, 5)


async def test_an_answer_is_said_once_and_remembered(one: Voice) -> None:
    place = PLACE.model_dump(mode="json")
    reply = say("Here is help.").model_dump(mode="json")
    await one.database.write(
        lambda s: deliveries.open_answer(s, "answer:1:0", "slack", place, reply, utc_now())
    )
    for _ in range(2):
        await one.say_all("answer:1:0")
    assert [call for call, _, _ in one.wall.calls] == ["answer"]
    row = await one.database.read(lambda s: deliveries.message_about(s, "wall:answer:1:0"))
    assert row is not None
    assert row.kind == "answer"


async def test_what_is_noticed_before_the_loop_runs_is_said_by_the_sweep(one: Voice) -> None:
    job = await asked(one.database)
    one.delivery.notice(job)
    async with one.running():
        await until(lambda: one.wall.posted)


async def test_what_is_noticed_while_the_loop_ends_is_left_to_whoever_comes_next(
    one: Voice,
) -> None:
    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
        ending = group.create_task(one.delivery.run())
        await asyncio.sleep(0.05)
        ending.cancel()
        while not ending.done():
            one.delivery.notice(f"J{next(_numbers):07}")
            await asyncio.sleep(0)
    job = await asked(one.database)
    async with one.running():
        await until(lambda: f"{job}:status" in one.wall.posted)


async def test_a_workers_bell_on_the_stream_wakes_the_voice(
    sqlite: Database, valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery_module, "SWEEP_S", 3600.0)
    one = voice(sqlite, Wall(), valkey_url)
    redis = Redis.from_url(valkey_url)  # pyright: ignore[reportUnknownMemberType]
    async with redis, one.running():
        await asyncio.sleep(0.1)  # the first sweep is over
        job = await asked(sqlite)

        async def told() -> bool:
            await redis.xadd(EVENTS_STREAM, {"job": job})
            return bool(one.wall.posted)

        await until(told)
    assert one.wall.posted == {f"{job}:status": "queued"}


async def test_a_voice_whose_database_fails_for_a_moment_goes_on(one: Voice) -> None:
    job = await asked(one.database)
    async with one.running():
        await until(lambda: one.wall.posted)
        async with without(one.database, "deliveries"):
            one.delivery.notice(job)
            await asyncio.sleep(0.05)
        await finish(one.database, await leased(one.database, job))
        one.delivery.notice(job)
        await until(lambda: f"{job}:result" in one.wall.posted)


async def test_a_platform_that_is_off_here_is_left_to_others(sqlite: Database) -> None:
    one = voice(sqlite, Wall())
    job = await asked(sqlite)

    def elsewhere(session: Session) -> None:
        table = DeliveryRow
        session.exec(update(table).where(col(table.key) == job).values(platform="discord"))

    await sqlite.write(elsewhere)
    await one.say_all(job)
    row = await row_of(sqlite, job)
    assert (row.lease_owner, row.finished_at, row.error) == (None, None, "discord is off")


def test_metrics_count_what_was_delivered_and_refused(sqlite: Database) -> None:
    async def conversation() -> Voice:
        one = voice(sqlite, Wall(refusals=[Busy("429", retry_after_s=0)]))
        job: JobId = await asked(sqlite)
        await one.say_all(job)
        await time_passes(sqlite, 100)
        await finish(sqlite, await leased(sqlite, job))
        await one.say_all(job)
        return one

    registry = asyncio.run(conversation()).metrics.registry
    finished = {"verb": "test", "state": "succeeded"}
    assert registry.get_sample_value("gryph_jobs_finished_total", finished) == 1
    retried = {"platform": "slack", "reason": "busy"}
    assert registry.get_sample_value("gryph_delivery_retries_total", retried) == 1


async def test_a_process_that_was_taken_for_dead_says_no_more(sqlite: Database) -> None:
    wall = Fenced()
    one, two = voice(sqlite, wall), voice(sqlite, wall)
    job = await asked(sqlite)
    wall.before_post = lambda: setattr(one.holder, "is_gone", True)
    await one.say_all(job)
    assert wall.posted == {}
    await two.say_all(job)
    assert wall.posted == {f"{job}:status": "queued"}


async def test_that_a_job_is_being_stopped_is_shown_at_once(sqlite: Database) -> None:
    one = voice(sqlite, Wall(edit_interval_s=PATIENCE_S))
    job = await asked(sqlite)
    await leased(sqlite, job)
    async with one.running():
        one.delivery.notice(job)
        await until(lambda: f"{job}:status" in one.wall.posted)
        await sqlite.write(lambda s: ledger.request_cancel(s, job, "@ann", {}, utc_now()))
        one.delivery.notice(job)
        async with asyncio.timeout(PATIENCE_S / 2):
            await until(lambda: ledger.STOPPING in one.wall.posted[f"{job}:status"])


async def test_a_delivery_that_was_put_off_and_then_said_is_no_failed_one(one: Voice) -> None:
    job = await asked(one.database)
    await one.say_all(job)
    await finish(one.database, await leased(one.database, job))
    one.wall.refusals = [Busy("429", retry_after_s=0)]
    await one.say_all(job)
    await time_passes(one.database, 3600)
    await one.say_all(job)
    row = await row_of(one.database, job)
    assert (row.attempts, row.finished_at is not None) == (0, True)


async def test_a_last_edit_that_was_put_off_leaves_no_mark_either(one: Voice) -> None:
    job = await asked(one.database)
    await one.say_all(job)
    await finish(one.database, await leased(one.database, job))
    await one.delivery.deliver(job)
    one.wall.refusals = [Busy("429", retry_after_s=0)]
    await one.say_all(job)
    await time_passes(one.database, 3600)
    await one.say_all(job)
    assert (await row_of(one.database, job)).attempts == 0
