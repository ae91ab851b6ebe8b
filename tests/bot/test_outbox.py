"""The bells: rung when due, put off when nobody can hear, kept from nobody by one bad job."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, col, select, update

from bot.face import Busy
from bot.metrics import GatewayMetrics
from bot.outbox import LOOK_S, QUEUE_DOWN_WAIT_S, Outbox
from jobs.queue import QueueDown
from storage import ledger, presence
from storage.clock import utc_now
from storage.database import Database
from storage.ids import JobId
from storage.ledger import Ring
from storage.tables.jobs import OutboxRow
from tests.jobs.asked import ask, asked, leased
from tests.jobs.outage import without
from tests.jobs.waiting import until

PATIENCE_S = 20.0
WINDOW = 4


@dataclass
class Gate:
    """A scripted queue and clearance in one."""

    rung: list[JobId] = field(default_factory=list[JobId])
    down: bool = False
    tried: int = 0
    answers: dict[JobId, bool | Exception] = field(default_factory=dict[JobId, bool | Exception])
    slow: set[JobId] = field(default_factory=set[JobId])

    async def clearance(self, ring: Ring) -> bool:
        if ring.job in self.slow:
            await asyncio.sleep(3600)
        answer = self.answers.get(ring.job, True)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def ring(self, job: JobId, queue: str, *, turn_at: datetime) -> None:
        assert queue == "cpu"
        assert turn_at > utc_now()
        self.tried += 1
        if self.down:
            raise QueueDown("the test took it down")
        self.rung.append(job)


class Bells:
    """An outbox over a ledger."""

    def __init__(self, database: Database) -> None:
        self.database, self.gate, self.woken = database, Gate(), asyncio.Event()
        self.metrics = GatewayMetrics()
        self.outbox = Outbox(
            database, self.gate, self.gate.clearance, self.metrics, self.woken, WINDOW
        )

    async def due_in_s(self, job: JobId) -> float:
        row = await self.database.read(lambda s: s.get(OutboxRow, job))
        assert row is not None
        return (row.not_before - utc_now()).total_seconds()

    async def time_passes(self, seconds: float) -> None:
        """As far as bells are concerned."""

        def back(session: Session) -> None:
            for row in session.exec(select(OutboxRow)).all():
                row.not_before -= timedelta(seconds=seconds)

        await self.database.write(back)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
            loop = group.create_task(self.outbox.run())
            yield
            loop.cancel()


@pytest.fixture
def bells(sqlite: Database) -> Bells:
    return Bells(sqlite)


async def test_a_queued_job_is_rung_and_again_until_a_worker_takes_it(bells: Bells) -> None:
    job = await asked(bells.database)
    await bells.outbox.ring_due()
    await bells.outbox.ring_due()
    assert bells.gate.rung == [job]
    await bells.time_passes(ledger.RING_AGAIN_S[0])
    await bells.outbox.ring_due()
    assert bells.gate.rung == [job, job]
    await leased(bells.database, job)
    await bells.time_passes(3600)
    await bells.outbox.ring_due()
    assert bells.gate.rung == [job, job]


async def test_a_job_that_is_not_cleared_is_not_rung(bells: Bells) -> None:
    job = await asked(bells.database)
    bells.gate.answers[job] = False
    await bells.outbox.ring_due()
    assert bells.gate.rung == []


async def test_a_busy_platform_is_asked_again_when_it_said(bells: Bells) -> None:
    job = await asked(bells.database)
    bells.gate.answers[job] = Busy("429", retry_after_s=100.0)
    await bells.outbox.ring_due()
    assert 60 < await bells.due_in_s(job) <= 100
    del bells.gate.answers[job]
    await bells.time_passes(100)
    await bells.outbox.ring_due()
    assert bells.gate.rung == [job]


async def test_with_the_queue_down_it_is_tried_once_and_everything_is_put_off(
    bells: Bells,
) -> None:
    jobs = [await asked(bells.database) for _ in range(3)]
    bells.gate.down = True
    await bells.outbox.ring_due()
    assert bells.gate.tried == 1
    for job in jobs:
        assert await bells.due_in_s(job) <= QUEUE_DOWN_WAIT_S
    bells.gate.down = False
    await bells.time_passes(QUEUE_DOWN_WAIT_S)
    await bells.outbox.ring_due()
    assert sorted(bells.gate.rung) == sorted(jobs)


async def test_one_job_whose_clearance_breaks_keeps_no_other_waiting(bells: Bells) -> None:
    bad, good = [await asked(bells.database) for _ in range(2)]
    bells.gate.answers[bad] = KeyError("an old request")
    await bells.outbox.ring_due()
    assert bells.gate.rung == [good]
    assert await bells.due_in_s(bad) > 0


async def test_one_slow_clearance_holds_the_line_up_for_a_moment_only(
    bells: Bells, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.outbox.CLEARED_S", 1.0)
    jobs = [await asked(bells.database) for _ in range(WINDOW + 1)]
    bells.gate.slow.add(jobs[0])
    async with bells.running():
        bells.woken.set()
        await until(lambda: bells.gate.rung == jobs[1:])
        bells.gate.slow.clear()
        await bells.time_passes(60)
        bells.woken.set()
        await until(lambda: jobs[0] in bells.gate.rung)


async def test_bells_that_a_dead_process_heard_are_rung_again_at_once(bells: Bells) -> None:
    worker = presence.Identity("host:7:a", "worker", "host", 7, "born")
    await bells.database.write(lambda s: presence.beat(s, worker, utc_now()))
    jobs = [await asked(bells.database) for _ in range(WINDOW)]
    await bells.outbox.ring_due()
    await bells.database.write(lambda s: presence.free(s, worker.owner, None, utc_now()))
    await bells.outbox.ring_due()
    assert bells.gate.rung == [*jobs, *jobs]


async def test_a_new_job_wakes_the_loop(bells: Bells) -> None:
    async with bells.running():
        for number in range(1, 4):
            await asked(bells.database)
            bells.woken.set()
            await until(lambda number=number: len(bells.gate.rung) == number)


async def test_the_loop_outlives_a_database_that_is_away(bells: Bells) -> None:
    async with bells.running():
        async with without(bells.database, "outbox"):
            bells.woken.set()
            await until(lambda: not bells.woken.is_set())
            await asyncio.sleep(0.05)
        job = await asked(bells.database)
        bells.woken.set()
        await until(lambda: bells.gate.rung == [job])


async def test_a_stale_clearance_brings_the_job_back_at_once(bells: Bells) -> None:
    job = await asked(bells.database)
    await bells.outbox.ring_due()
    old = utc_now() - timedelta(seconds=ledger.CLEARANCE_S + 1)

    def age(session: Session) -> None:
        table = ledger.JobRow
        session.exec(update(table).where(col(table.id) == job).values(cleared_at=old))

    await bells.database.write(age)
    await bells.database.write(lambda s: ledger.lease(s, job, "w", utc_now()))
    await bells.outbox.ring_due()
    assert bells.gate.rung == [job, job]


async def test_only_the_head_of_a_long_line_is_rung(bells: Bells) -> None:
    jobs = [await asked(bells.database) for _ in range(3 * WINDOW)]
    for _ in range(3):
        await bells.outbox.ring_due()
    assert bells.gate.rung == jobs[:WINDOW]


async def test_a_newcomer_is_rung_though_a_flood_waits(bells: Bells) -> None:
    for _ in range(500):
        await asked(bells.database)
    await bells.outbox.ring_due()
    other = await bells.database.write(lambda s: ask(s, by="bob", repository="o/other"))
    await bells.outbox.ring_due()
    assert bells.gate.rung[WINDOW:] == [other]


async def test_when_a_job_at_the_head_starts_the_next_is_rung_at_once(bells: Bells) -> None:
    jobs = [await asked(bells.database) for _ in range(WINDOW + 2)]
    async with bells.running():
        bells.woken.set()
        await until(lambda: len(bells.gate.rung) == WINDOW)
        await leased(bells.database, jobs[0])
        started = time.monotonic()
        bells.outbox.heard(jobs[0])
        await until(lambda: jobs[WINDOW] in bells.gate.rung)
        assert time.monotonic() - started < LOOK_S / 2


async def test_news_of_a_job_that_is_far_back_wakes_nobody(bells: Bells) -> None:
    jobs = [await asked(bells.database) for _ in range(WINDOW + 2)]
    await bells.outbox.ring_due()
    bells.outbox.heard(jobs[-1])
    assert not bells.woken.is_set()


async def test_jobs_that_cannot_be_cleared_here_leave_the_head_to_others(bells: Bells) -> None:
    jobs = [await asked(bells.database) for _ in range(2 * WINDOW)]
    for job in jobs[:WINDOW]:
        bells.gate.answers[job] = Busy("429", retry_after_s=100.0)
    for _ in range(2):
        await bells.outbox.ring_due()
    assert bells.gate.rung == jobs[WINDOW:]


async def test_two_gateways_ring_each_bell_once(bells: Bells) -> None:
    jobs = [await asked(bells.database) for _ in range(WINDOW)]
    other = Outbox(
        bells.database, bells.gate, bells.gate.clearance, bells.metrics, asyncio.Event(), WINDOW
    )
    await asyncio.gather(*(box.ring_due() for box in (bells.outbox, other) * 3))
    assert sorted(bells.gate.rung) == sorted(jobs)
