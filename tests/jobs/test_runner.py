"""One runner over a real ledger; the work is scripted, the threads are real."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import Session
from typing_extensions import override

from engines.sandbox.environments.types import Environment
from engines.sandbox.sandbox import Sandbox
from engines.watch import Stopped
from jobs import runner as runner_module
from jobs.desk import Declined, Desk, Done, NewArtifact, Transient
from jobs.messages import Reply, say
from jobs.requests import JobRequest, Source
from jobs.runner import Runner, RunningWatch
from storage import ledger
from storage.checkouts.history import History
from storage.clock import utc_now
from storage.database import Database
from storage.ids import ArtifactId, JobId
from storage.ledger import Leased
from storage.states import JobState
from storage.tables.jobs import OutboxRow
from tests.jobs.asked import asked, events_of, leased, row_of
from tests.jobs.outage import without
from tests.jobs.waiting import PATIENCE_S, until

Script = Callable[[RunningWatch], Done]
DONE = Done("3 tests pass", say("3 tests"))


@dataclass
class BareDesk:
    """A desk for work that needs nothing but the watch."""

    job: JobId
    watch: RunningWatch

    def checkout(self, source: Source, path: str) -> Path:
        raise AssertionError(source, path)

    def history(self, source: Source) -> History:
        raise AssertionError(source)

    def environment(self, checkout: Path) -> Environment:
        raise AssertionError(checkout)

    def sandbox(self) -> Sandbox:
        raise AssertionError

    def keep(self, artifact: NewArtifact) -> ArtifactId:
        raise AssertionError(artifact)


@dataclass
class BareDesks:
    """Counts what is cleared and recorded."""

    cleared: list[JobId] = field(default_factory=list[JobId])
    recorded: list[JobId] = field(default_factory=list[JobId])

    def open(self, leased: Leased, watch: RunningWatch) -> BareDesk:
        return BareDesk(leased.job, watch)

    def clear(self, desk: BareDesk) -> None:
        self.cleared.append(desk.job)

    def record(self, session: Session, desk: BareDesk) -> None:
        del session
        self.recorded.append(desk.job)


class SilentBell:
    async def ring(self, job: JobId) -> None:
        """Nobody listens."""


class Bench:
    """A runner, its script, and the job it was given."""

    def __init__(self, database: Database, script: Script, job: JobId) -> None:
        self.database = database
        self.desks = BareDesks()
        self.job = job
        self.started = threading.Event()
        self.let = threading.Event()
        """Work that waits for it goes on when it is set."""

        def work(request: JobRequest, desk: Desk) -> Done:
            del request
            assert isinstance(desk, BareDesk)
            self.started.set()
            return script(desk.watch)

        self.runner = Runner(
            database, SilentBell(), self.desks, {"test": work}, owner="w", concurrency=2
        )

    @asynccontextmanager
    async def at_work(self) -> AsyncGenerator[None]:
        """While the body runs, so does the job; both have ended afterwards."""
        async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
            group.create_task(self.runner.run(self.job))
            assert await asyncio.to_thread(self.started.wait, PATIENCE_S)
            yield

    async def state(self) -> JobState:
        return JobState((await row_of(self.database, self.job)).state)


async def bench(database: Database, script: Script) -> Bench:
    return Bench(database, script, await asked(database))


def until_stopped(watch: RunningWatch) -> Done:
    """An engine that works until it is asked to stop."""
    while not watch.stop_requested():
        threading.Event().wait(0.005)
    raise Stopped


def failing(error: Exception) -> Script:
    def script(watch: RunningWatch) -> Done:
        raise error

    return script


def at_once(watch: RunningWatch) -> Done:
    return DONE


@contextmanager
def quick(monkeypatch: pytest.MonkeyPatch, **numbers: object) -> Generator[None]:
    """The runner's waits, shortened."""
    with monkeypatch.context() as patch:
        for name, value in numbers.items():
            patch.setattr(runner_module, name, value)
        yield


async def test_a_result_ends_the_job_and_records_what_was_kept(sqlite: Database) -> None:
    b = await bench(sqlite, at_once)
    await b.runner.run(b.job)
    row = await row_of(sqlite, b.job)
    assert (row.state, row.attempt, row.failure) == ("succeeded", 1, None)
    assert Reply.model_validate(row.reply).summary == "3 tests"
    assert (b.desks.recorded, b.desks.cleared) == ([b.job], [b.job])


async def test_the_same_bell_twice_runs_the_job_once(sqlite: Database) -> None:
    b = await bench(sqlite, at_once)
    await asyncio.gather(b.runner.run(b.job), b.runner.run(b.job))
    assert (await row_of(sqlite, b.job)).attempt == 1


async def test_many_reports_become_one_event_a_look_and_the_newest_wins(sqlite: Database) -> None:
    def chatty(watch: RunningWatch) -> Done:
        for number in range(10_000):
            watch.report(f"step {number}", number / 10_000)
        until_taken(watch)
        return DONE

    def until_taken(watch: RunningWatch) -> None:
        while (newest := watch.take_report()) is not None:
            watch.report(*newest)
            threading.Event().wait(0.005)

    b = await bench(sqlite, chatty)
    async with asyncio.timeout(PATIENCE_S):
        await b.runner.run(b.job)
    reports = [e for e in await events_of(sqlite, b.job) if e.text.startswith("step")]
    assert 1 <= len(reports) < 100
    assert reports[-1].text == "step 9999"


async def test_a_cancel_stops_the_engine_and_ends_the_job(sqlite: Database) -> None:
    b = await bench(sqlite, until_stopped)
    async with b.at_work():
        await sqlite.write(lambda s: ledger.request_cancel(s, b.job, "@ann", {}, utc_now()))
    assert await b.state() is JobState.CANCELLED
    assert b.runner.running == 0
    texts = [event.text for event in await events_of(sqlite, b.job)]
    assert texts[-2:] == ["stopping, as asked", "cancelled"]


async def test_a_cancelled_checkout_is_not_tried_again(sqlite: Database) -> None:
    def script(watch: RunningWatch) -> Done:
        while not watch.stop_requested():
            threading.Event().wait(0.005)
        raise Transient("the host does not answer")

    b = await bench(sqlite, script)
    async with b.at_work():
        await sqlite.write(lambda s: ledger.request_cancel(s, b.job, "@ann", {}, utc_now()))
    assert await b.state() is JobState.CANCELLED


async def test_what_was_found_before_a_cancel_is_kept(sqlite: Database) -> None:
    def script(watch: RunningWatch) -> Done:
        while not watch.stop_requested():
            threading.Event().wait(0.005)
        return DONE

    b = await bench(sqlite, script)
    async with b.at_work():
        await sqlite.write(lambda s: ledger.request_cancel(s, b.job, "@ann", {}, utc_now()))
    row = await row_of(sqlite, b.job)
    assert row.state == JobState.CANCELLED
    assert Reply.model_validate(row.reply).summary == "3 tests"


async def test_a_job_that_takes_too_long_is_stopped(
    sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    b = await bench(sqlite, until_stopped)
    with quick(monkeypatch, JOB_LIMIT_S=0.0, TICK_S=0.01):
        async with b.at_work():
            pass
    row = await row_of(sqlite, b.job)
    assert (row.state, row.failure) == ("failed", "timeout")


async def test_a_running_job_beats(sqlite: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    b = await bench(sqlite, until_stopped)
    monkeypatch.setattr(ledger, "BEAT_S", 0.0)
    async with b.at_work():
        leased_until = (await row_of(sqlite, b.job)).lease_until
        assert leased_until is not None

        async def extended() -> bool:
            return ((await row_of(sqlite, b.job)).lease_until or leased_until) > leased_until

        await until(extended)
        await sqlite.write(lambda s: ledger.request_cancel(s, b.job, "@ann", {}, utc_now()))


async def test_a_runner_that_lost_its_lease_writes_nothing(sqlite: Database) -> None:
    b = await bench(sqlite, until_stopped)
    async with b.at_work():
        silent = utc_now() + timedelta(seconds=ledger.LEASE_S + 1)
        await sqlite.write(lambda s: ledger.reap(s, {}, silent))
        second = await leased(sqlite, b.job, "somebody else")
    row = await row_of(sqlite, b.job)
    assert (row.state, row.attempt, row.lease_owner) == ("running", second.attempt, "somebody else")
    assert b.desks.recorded == []


async def test_a_job_handed_back_is_queued_and_the_start_does_not_count(sqlite: Database) -> None:
    b = await bench(sqlite, until_stopped)
    for _ in range(ledger.MAX_ATTEMPTS + 1):
        b = Bench(sqlite, until_stopped, b.job)
        async with b.at_work():
            await b.runner.wind_up(grace_s=0.0, hand_back_s=PATIENCE_S)
            assert b.runner.running == 0
    assert await b.state() is JobState.QUEUED
    lease = await leased(sqlite, b.job)
    assert (lease.attempt, lease.tries) == (ledger.MAX_ATTEMPTS + 2, 1)
    silent = utc_now() + timedelta(seconds=ledger.LEASE_S + 1)
    await sqlite.write(lambda s: ledger.reap(s, {}, silent))
    assert await b.state() is JobState.QUEUED


async def test_a_stopping_runner_lets_a_job_finish_that_does_so_in_time(sqlite: Database) -> None:
    b = await bench(sqlite, lambda _: finish_when(b.let))
    async with b.at_work():
        asyncio.get_running_loop().call_later(0.05, b.let.set)
        await b.runner.wind_up(grace_s=PATIENCE_S, hand_back_s=0.0)
        assert await b.state() is JobState.SUCCEEDED


def finish_when(event: threading.Event) -> Done:
    event.wait(PATIENCE_S)
    return DONE


async def test_a_stopping_runner_takes_no_more_jobs(sqlite: Database) -> None:
    b = await bench(sqlite, at_once)
    await b.runner.wind_up(grace_s=0.0, hand_back_s=0.0)
    await b.runner.run(b.job)
    row = await row_of(sqlite, b.job)
    assert (row.state, row.attempt) == ("queued", 0)


async def test_more_jobs_than_threads_are_not_leased_before_one_is_free(sqlite: Database) -> None:
    b = await bench(sqlite, lambda _: finish_when(b.let))
    others = [await asked(sqlite) for _ in range(2)]
    async with b.at_work(), asyncio.TaskGroup() as group:
        for job in others:
            group.create_task(b.runner.run(job))
        await until(lambda: b.runner.running == 2)
        states = sorted([(await row_of(sqlite, job)).state for job in (b.job, *others)])
        assert states == ["queued", "running", "running"]
        b.let.set()
    assert [(await row_of(sqlite, job)).state for job in others] == ["succeeded", "succeeded"]


async def test_a_transient_failure_waits_for_its_next_try_and_three_are_enough(
    sqlite: Database,
) -> None:
    b = await bench(sqlite, failing(Transient("the host does not answer")))
    for wait_s in runner_module.RETRY_WAIT_S:
        await b.runner.run(b.job)
        assert await b.state() is JobState.QUEUED
        bell = await sqlite.read(lambda s: s.get(OutboxRow, b.job))
        assert bell is not None
        waits = (bell.not_before - utc_now()).total_seconds()
        assert wait_s - PATIENCE_S < waits <= wait_s
    await b.runner.run(b.job)
    row = await row_of(sqlite, b.job)
    assert (row.state, row.failure) == ("failed", "outside")
    assert "Tried 3 times" in Reply.model_validate(row.reply).summary


async def test_what_the_person_can_mend_is_said_in_full(sqlite: Database) -> None:
    b = await bench(sqlite, failing(Declined("`a.py` line 3: invalid syntax.\nMore.")))
    await b.runner.run(b.job)
    row = await row_of(sqlite, b.job)
    assert (row.state, row.failure) == ("failed", "user")
    assert "More." in str(row.reply)


async def test_a_crash_is_told_without_its_detail(sqlite: Database) -> None:
    b = await bench(sqlite, failing(KeyError("secret detail")))
    await b.runner.run(b.job)
    row = await row_of(sqlite, b.job)
    assert (row.state, row.failure) == ("failed", "crash")
    assert "secret detail" not in str(row.reply)
    assert "`KeyError`" in str(row.reply)


async def test_a_result_is_not_lost_while_the_ledger_is_away(
    sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    b = await bench(sqlite, lambda _: finish_when(b.let))
    with quick(monkeypatch, LEDGER_WAIT_S=(0.05,) * 400):
        async with b.at_work(), without(sqlite, "job_events"):
            b.let.set()
            await until(lambda: b.desks.cleared)
            await asyncio.sleep(0.1)
            assert await b.state() is JobState.RUNNING
    assert await b.state() is JobState.SUCCEEDED
    assert b.desks.recorded[-1] == b.job


async def test_a_result_the_ledger_does_not_take_becomes_an_apology(sqlite: Database) -> None:
    b = await bench(sqlite, at_once)

    class Broken(BareDesks):
        @override
        def record(self, session: Session, desk: BareDesk) -> None:
            raise ValueError("not storable")

    def work(request: JobRequest, desk: Desk) -> Done:
        return DONE

    runner = Runner(sqlite, SilentBell(), Broken(), {"test": work}, owner="w", concurrency=1)
    await runner.run(b.job)
    row = await row_of(sqlite, b.job)
    assert (row.state, row.failure) == ("failed", "crash")


async def test_words_that_no_database_stores_are_told_as_far_as_they_go(sqlite: Database) -> None:
    b = await bench(sqlite, lambda _: Done("half \udcff and \0 none", say("ok")))
    await b.runner.run(b.job)
    assert (await events_of(sqlite, b.job))[-1].text == "half ? and  none"


async def test_a_cancelled_job_is_not_handed_back_but_ends(sqlite: Database) -> None:
    b = await bench(sqlite, until_stopped)
    async with b.at_work():
        await b.runner.wind_up(grace_s=0.0, hand_back_s=0.0)
        word = {"summary": "Cancelled by @ann."}
        await sqlite.write(lambda s: ledger.request_cancel(s, b.job, "@ann", word, utc_now()))
    row = await row_of(sqlite, b.job)
    assert (row.state, row.reply) == ("cancelled", word)


async def test_a_cancelled_job_whose_worker_died_is_told_as_cancelled(sqlite: Database) -> None:
    job = await asked(sqlite)
    await leased(sqlite, job)
    word, lost = {"summary": "Cancelled by @ann."}, {"summary": "Its worker was lost."}
    await sqlite.write(lambda s: ledger.request_cancel(s, job, "@ann", word, utc_now()))
    silent = utc_now() + timedelta(seconds=ledger.LEASE_S + 1)
    await sqlite.write(lambda s: ledger.reap(s, lost, silent))
    row = await row_of(sqlite, job)
    assert (row.state, row.reply) == ("cancelled", word)
