"""The ledger's promises, on both databases: leases, fencing, bells, cancel, reaping."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session

from storage import deliveries, inbox, ledger, people
from storage.database import Database
from storage.ids import JobId
from storage.ledger import Ending, Leased, LostLease, NewJob, Refusal
from storage.states import JobState
from storage.tables.jobs import OutboxRow

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DONE = Ending(JobState.SUCCEEDED, "3 tests pass", {"summary": "ok", "blocks": []})


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def ask(session: Session, *, line: int = 0, waits_for: str | None = None) -> JobId:
    """A job as a command makes it."""
    taken = inbox.claim(session, "console", {}, [f"key-{line}"], NOW, holder="g")
    person = people.person_of(session, platform="console", account="ann", name="ann", now=NOW)
    new = NewJob(
        inbox_id=taken.id,
        line_number=line,
        verb="test",
        line="test a.py",
        queue="cpu",
        request={"kind": "test"},
        invocation={},
        person=person,
        platform="console",
        place={"channel": "c"},
        repository="o/r",
        number=7,
        head_sha="f" * 40,
        waits_for=waits_for,
    )
    return JobId(ledger.create(session, new, NOW).id)


async def leased(database: Database, job: JobId, at: datetime = NOW) -> Leased:
    lease = await database.write(lambda s: ledger.lease(s, job, "w1", at))
    assert isinstance(lease, Leased)
    return lease


async def state_of(database: Database, job: JobId) -> JobState:
    row = await database.read(lambda s: ledger.get(s, job))
    assert row is not None
    return JobState(row.state)


async def test_a_new_job_is_queued_has_a_bell_and_a_delivery(database: Database) -> None:
    job = await database.write(ask)
    (ring,) = await database.write(lambda s: ledger.due_rings(s, NOW))
    assert (ring.job, ring.queue) == (job, "cpu")
    assert await database.read(lambda s: deliveries.due(s, NOW)) == [job]


async def test_of_two_workers_one_gets_the_job(database: Database) -> None:
    job = await database.write(ask)
    outcomes = await asyncio.gather(
        *(
            database.write(lambda s, worker=worker: ledger.lease(s, job, worker, NOW))
            for worker in ("w1", "w2", "w3")
        )
    )
    assert sorted(isinstance(one, Leased) for one in outcomes) == [False, False, True]


async def test_a_bell_rings_again_until_a_worker_comes(database: Database) -> None:
    job = await database.write(ask)
    assert len(await database.write(lambda s: ledger.due_rings(s, NOW))) == 1
    assert await database.write(lambda s: ledger.due_rings(s, after(1))) == []
    again = after(ledger.RING_AGAIN_S[0])
    assert len(await database.write(lambda s: ledger.due_rings(s, again))) == 1
    await leased(database, job, again)
    assert await database.read(lambda s: s.get(OutboxRow, job)) is None


async def test_a_stale_clearance_sends_the_job_back_for_a_new_check(database: Database) -> None:
    job = await database.write(ask)
    await database.write(lambda s: ledger.due_rings(s, NOW))
    late = after(ledger.CLEARANCE_S + 1)
    refused = await database.write(lambda s: ledger.lease(s, job, "w1", late))
    assert refused is Refusal.STALE_CLEARANCE
    assert len(await database.write(lambda s: ledger.due_rings(s, late))) == 1
    await database.write(lambda s: ledger.clear(s, job, late))
    await leased(database, job, late)


async def test_a_reaped_job_is_given_out_again_and_the_late_worker_is_refused(
    database: Database,
) -> None:
    job = await database.write(ask)
    first = await leased(database, job)
    silent = after(ledger.LEASE_S + 1)
    assert await database.write(lambda s: ledger.reap(s, {}, silent)) == [job]
    second = await leased(database, job, silent)
    assert second.attempt == first.attempt + 1
    with pytest.raises(LostLease):
        await database.write(lambda s: ledger.beat(s, job, first.attempt, silent))
    with pytest.raises(LostLease):
        await database.write(lambda s: ledger.finish(s, first, DONE, silent))
    await database.write(lambda s: ledger.finish(s, second, DONE, silent))
    assert await state_of(database, job) is JobState.SUCCEEDED


async def test_a_beating_job_is_not_reaped(database: Database) -> None:
    job = await database.write(ask)
    lease = await leased(database, job)
    await database.write(lambda s: ledger.beat(s, job, lease.attempt, after(10)))
    silent = after(ledger.LEASE_S + 1)
    assert await database.write(lambda s: ledger.reap(s, {}, silent)) == []


async def test_a_job_that_loses_every_worker_fails_with_a_reply(database: Database) -> None:
    job = await database.write(ask)
    at = NOW
    for _ in range(ledger.MAX_ATTEMPTS):
        await database.write(lambda s, at=at: ledger.clear(s, job, at))
        await leased(database, job, at)
        at += timedelta(seconds=ledger.LEASE_S + 1)
        await database.write(lambda s, at=at: ledger.reap(s, {"summary": "lost"}, at))
    row = await database.read(lambda s: ledger.get(s, job))
    assert row is not None
    assert (row.state, row.failure, row.reply) == ("failed", "lost", {"summary": "lost"})


async def test_cancelling_a_queued_job_ends_it_and_silences_its_bell(database: Database) -> None:
    job = await database.write(ask)
    before = await database.write(lambda s: ledger.request_cancel(s, job, "@ann", {}, NOW))
    assert before is JobState.QUEUED
    assert await state_of(database, job) is JobState.CANCELLED
    assert await database.write(lambda s: ledger.due_rings(s, after(100))) == []


async def test_cancelling_a_running_job_is_seen_at_the_next_beat(database: Database) -> None:
    job = await database.write(ask)
    lease = await leased(database, job)
    await database.write(lambda s: ledger.request_cancel(s, job, "@ann", {}, NOW))
    assert await database.write(lambda s: ledger.beat(s, job, lease.attempt, NOW))
    assert await state_of(database, job) is JobState.RUNNING


async def test_one_look_tells_which_running_attempts_should_stop(database: Database) -> None:
    jobs = [await database.write(lambda s, line=line: ask(s, line=line)) for line in range(3)]
    for job in jobs:
        await leased(database, job)
    going_on, cancelled, elsewhere = jobs
    await database.write(lambda s: ledger.request_cancel(s, cancelled, "@ann", {}, NOW))
    attempts = {going_on: 1, cancelled: 1, elsewhere: 0, JobId("J000000"): 1}
    wanted = await database.read(lambda s: ledger.stops_wanted(s, attempts))
    assert wanted == [cancelled, elsewhere, JobId("J000000")]


async def test_a_cancelled_job_whose_worker_died_is_not_started_again(database: Database) -> None:
    job = await database.write(ask)
    await leased(database, job)
    await database.write(lambda s: ledger.request_cancel(s, job, "@ann", {}, NOW))
    await database.write(lambda s: ledger.reap(s, {}, after(ledger.LEASE_S + 1)))
    assert await state_of(database, job) is JobState.CANCELLED


async def test_a_waiting_job_starts_when_released(database: Database) -> None:
    job = await database.write(lambda s: ask(s, waits_for="an approval"))
    assert await database.write(lambda s: ledger.due_rings(s, NOW)) == []
    assert [row.id for row in await database.read(lambda s: ledger.waiting_for(s, "o/r", 7))]
    await database.write(lambda s: ledger.release(s, job, "approved by @bob", NOW))
    assert len(await database.write(lambda s: ledger.due_rings(s, NOW))) == 1


async def test_events_are_numbered_and_wake_the_delivery(database: Database) -> None:
    job = await database.write(ask)
    errand = await database.write(lambda s: deliveries.take(s, job, "g1", NOW))
    assert errand is not None
    await database.write(lambda s: deliveries.note(s, job, "g1", shown_seq=1))
    await database.write(lambda s: deliveries.let_go(s, job, "g1", NOW))
    assert await database.read(lambda s: deliveries.due(s, after(1))) == []
    lease = await leased(database, job, after(1))
    await database.write(lambda s: ledger.report(s, lease, "half way", 0.5, after(2)))
    assert await database.read(lambda s: deliveries.due(s, after(2))) == [job]
    events = await database.read(lambda s: ledger.events_after(s, job, 0))
    assert [(e.seq, e.state, e.text, e.done) for e in events] == [
        (1, "queued", "", None),
        (2, "running", "", None),
        (3, "running", "half way", 0.5),
    ]


async def test_of_two_gateways_one_holds_a_delivery(database: Database) -> None:
    job = await database.write(ask)
    assert await database.write(lambda s: deliveries.take(s, job, "g1", NOW)) is not None
    assert await database.write(lambda s: deliveries.take(s, job, "g2", NOW)) is None
    silent = after(deliveries.LEASE_S + 1)
    assert await database.write(lambda s: deliveries.take(s, job, "g2", silent)) is not None
    assert not await database.write(lambda s: deliveries.note(s, job, "g1", shown_seq=9))


async def test_news_during_a_delivery_are_not_forgotten_when_it_is_let_go(
    database: Database,
) -> None:
    job = await database.write(ask)
    await database.write(lambda s: deliveries.take(s, job, "g1", NOW))
    await database.write(lambda s: deliveries.note(s, job, "g1", shown_seq=1))
    await leased(database, job, after(1))
    await database.write(lambda s: deliveries.let_go(s, job, "g1", after(1)))
    assert await database.read(lambda s: deliveries.due(s, after(1))) == [job]


async def test_the_same_answer_twice_is_one_delivery(database: Database) -> None:
    for _ in range(2):
        await database.write(
            lambda s: deliveries.open_answer(s, "answer:1:0", "console", {}, {"summary": ""}, NOW)
        )
    assert await database.read(lambda s: deliveries.due(s, NOW)) == ["answer:1:0"]


async def test_a_handed_back_job_is_queued_at_once(database: Database) -> None:
    job = await database.write(ask)
    lease = await leased(database, job)
    await database.write(lambda s: ledger.hand_back(s, lease, NOW))
    assert await state_of(database, job) is JobState.QUEUED
    assert len(await database.write(lambda s: ledger.due_rings(s, NOW))) == 1
    stale = replace(lease, attempt=lease.attempt)
    with pytest.raises(LostLease):
        await database.write(lambda s: ledger.finish(s, stale, DONE, NOW))
