"""Sixty-four jobs that all write at the pace of a model: what that costs everybody else."""

import asyncio
import itertools
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Iterator

import pytest
from redis.asyncio import Redis
from sqlmodel import Session, select

from bot.delivery import Delivery, Manners
from bot.face import Face
from bot.intake import DurableIntake
from bot.metrics import GatewayMetrics
from handlers import Invocation, Platform
from jobs import runner as runner_module
from jobs.desk import Desk, Done
from jobs.requests import JobRequest
from jobs.runner import Runner
from storage.clock import utc_now
from storage.database import Database
from storage.ids import JobId
from storage.tables.drafts import DraftRow
from storage.tables.jobs import JobEventRow
from tests.bot.test_delivery import NOBODY
from tests.bot.test_draft_delivery import Showing
from tests.fakes.unwatched import Unwatched
from tests.jobs.asked import ANN, PLACE, asked
from tests.jobs.test_runner import DONE, BareDesks
from tests.jobs.waiting import PATIENCE_S, until

JOBS = 64
TOKEN_S = 0.02
SPAN_S = 3.0
INTERVAL_S = 1.2
ACK_S = 0.15
WRITES_A_SECOND = 4
"""Of a job, by its worker and by the gateway together."""


class Writers:
    """The work of all jobs: a token every 20 ms until they may end."""

    def __init__(self) -> None:
        self.may_end = threading.Event()
        self.calls = 0

    def __call__(self, request: JobRequest, desk: Desk) -> Done:
        del request
        text = ""
        for number in itertools.count():
            text += f"word{number}\n\n" if number % 9 == 8 else f"word{number} "
            desk.watch.draft(text)
            self.calls += 1
            if self.may_end.wait(TOKEN_S):
                break
        return DONE


class Bell:
    """Rings in the gateway of this process."""

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery

    async def ring(self, job: JobId) -> None:
        self._delivery.notice(job)


async def acknowledged(intake: DurableIntake, until_s: float) -> list[float]:
    """People go on talking; how long each of their messages took to be taken."""
    took_s: list[float] = []
    for number in itertools.count():
        begun = time.monotonic()
        if begun > until_s:
            return took_s
        said = Invocation(caller=ANN, place=PLACE, text="hello", received_at=utc_now())
        await intake.accept(said, (f"said-{number}",))
        took_s.append(time.monotonic() - begun)
        await asyncio.sleep(0.05)
    raise AssertionError


def _counts(session: Session) -> tuple[list[int], int]:
    revisions = [row.revision for row in session.exec(select(DraftRow)).all()]
    return revisions, len(session.exec(select(JobEventRow)).all())


@pytest.mark.slow
async def test_many_drafts_stay_within_their_bounds_and_hold_up_nobody(sqlite: Database) -> None:
    wall, metrics, writers = Showing(edit_interval_s=INTERVAL_S), GatewayMetrics(), Writers()
    intake = DurableIntake(sqlite, metrics, holder="g")
    redis = Redis.from_url(NOBODY, socket_timeout=1)  # pyright: ignore[reportUnknownMemberType]
    faces = {Platform.SLACK: Face(wall, wall)}
    delivery = Delivery(
        sqlite, redis, faces, metrics, holder=Unwatched("g"), manners=Manners(intake.calm)
    )
    runner = Runner(
        sqlite, Bell(delivery), BareDesks(), {"test": writers}, owner="w", concurrency=JOBS
    )
    jobs = [await asked(sqlite) for _ in range(JOBS)]
    async with asyncio.timeout(3 * PATIENCE_S), asyncio.TaskGroup() as group:
        loop = group.create_task(delivery.run())
        started = time.monotonic()
        running = [group.create_task(runner.run(job)) for job in jobs]
        await until(lambda: wall.count("post_status") == JOBS)
        writes: list[float] = []
        sqlite.on_write = writes.append
        calls, begun = writers.calls, time.monotonic()
        took_s = await acknowledged(intake, begun + SPAN_S)
        span_s = time.monotonic() - begun
        revisions, events = await sqlite.read(_counts)
        since_started_s = time.monotonic() - started
        calls = writers.calls - calls
        writers.may_end.set()
        await asyncio.gather(*running)
        await until(lambda: wall.count("post_result") == JOBS)
        loop.cancel()
    await redis.aclose()
    assert calls > 10 * sum(revisions), "the engines were not the ones that waited"
    assert max(revisions) <= since_started_s / runner_module.REPORT_S + 1
    assert events == 2 * JOBS, "drafts are no events"
    assert len(writes) - len(took_s) <= WRITES_A_SECOND * JOBS * (span_s + 1)
    assert min(_distances(wall)) >= INTERVAL_S - 0.01
    assert statistics.median(took_s) < ACK_S


def _distances(wall: Showing) -> Iterator[float]:
    """Seconds between each two edits of one status message that showed progress."""
    at_s: dict[str, list[float]] = defaultdict(list)
    for call, key, at in wall.calls:
        if call != "post_result":
            at_s[key.removeprefix("wall:")].append(at)
    for times in at_s.values():
        yield from (later - earlier for earlier, later in itertools.pairwise(times))
