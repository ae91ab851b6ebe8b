"""Runs one job: lease, heartbeat, progress, cancel, the retry policy, and one last word.

The ledger decides who runs what; this module only ever acts under a lease and stops writing the
moment it has lost it. Edge of the process for exceptions of jobs: anything that is neither
`Declined` nor `Transient` is our bug, logged here with the job's id.
"""

import asyncio
import contextlib
import contextvars
import json
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Generic, Protocol, TypeVar

import sqlalchemy.exc
import structlog
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlmodel import Session

from engines.watch import Stopped
from jobs.desk import Declined, Desk, Done, Transient, Work
from jobs.messages import Actions, Reply, Text
from jobs.metrics import LOST, Account, Phase, WorkerMetrics
from jobs.requests import VERBS, request_adapter
from jobs.wording import retry_button
from storage import drafts, ledger
from storage.clock import utc_now
from storage.database import Database
from storage.drafts import Draft
from storage.ids import JobId
from storage.ledger import Ending, Leased, LostLease, Refusal
from storage.redaction import Redactor
from storage.states import JobState

log = structlog.get_logger()

DeskT = TypeVar("DeskT", bound=Desk)

TICK_S = 0.25
"""How often a running job is looked at: progress, cancel, beat."""
FEW = 8
"""Jobs that are looked at so often. Of more each is looked at less often, down to once in
`REPORT_S`: the looks of 64 took as much of the interpreter as a model that wrote for them. A
cancel is seen by whoever looks first, since each look is one for all.
"""
REPORT_S = 1.0
"""The least time between two writes of what one job says; people read no faster."""
JOB_LIMIT_S = 15 * 60.0
RETRY_WAIT_S = (5.0, 30.0)
"""Waits before the second and third attempt after a transient failure."""
LEDGER_WAIT_S = (0.5, 1.0, 2.0, 4.0, 8.0, *(15.0,) * 20)
"""Waits for a ledger that does not take a job's last word; five minutes in all."""
OUTAGES = (OperationalError, InterfaceError, sqlalchemy.exc.TimeoutError)
"""The database is locked, away or overloaded: the same write may succeed in a while."""


class Bell(Protocol):
    """Tells the gateways that a job has something new to say."""

    async def ring(self, job: JobId) -> None:
        """Best effort."""
        ...


class Desks(Protocol[DeskT]):
    """Prepares and clears desks."""

    def open(self, leased: Leased, watch: "RunningWatch") -> DeskT:
        """A desk for this attempt."""
        ...

    def clear(self, desk: DeskT) -> None:
        """Remove what the attempt left lying around."""
        ...

    def record(self, session: Session, desk: DeskT) -> None:
        """Note what the attempt kept, in the transaction that ends the job."""
        ...


def _said_as_it_is(text: str) -> str:
    return text


class RunningWatch:
    """The thread-safe side of a running job: the engine writes, the runner reads."""

    def __init__(
        self, phases: list[Phase] | None = None, hide: Callable[[str], str] = _said_as_it_is
    ) -> None:
        """Nothing reported, nothing asked for; `phases` is where they are noted, and `hide` takes
        out of texts what nobody may read.
        """
        self._newest: deque[tuple[str, float | None]] = deque(maxlen=1)
        self.newest_draft = ""
        self.stop = False
        self._hide = hide
        self._phases = [] if phases is None else phases

    def report(self, text: str, done: float | None = None) -> None:
        """Keep the newest report; the runner tells of it at its own pace."""
        self._newest.append((self._hide(text), done))

    def draft(self, text: str) -> None:
        """Keep the newest draft; the runner shows it at its own pace."""
        self.newest_draft = self._hide(text)

    def phase(self, name: str) -> None:
        """Note when it began."""
        self._phases.append((name, time.time_ns()))

    def stop_requested(self) -> bool:
        """Whether the engine should end."""
        return self.stop

    def take_report(self) -> tuple[str, float | None] | None:
        """The report since the last call."""
        return self._newest.pop() if self._newest else None


@dataclass
class _Attempt:
    leased: Leased
    watch: RunningWatch
    account: Account
    why_stopped: str | None = None
    """"cancelled", "timeout", "lost" or "handed back", once the engine was asked to stop."""

    reported_at: float = -REPORT_S
    draft: Draft = field(default_factory=Draft)
    """What the ledger has of what was written."""
    seen: str = ""
    """A text of which that is what is kept."""

    def may_report(self) -> bool:
        return time.monotonic() - self.reported_at >= REPORT_S

    def new_draft(self) -> Draft | None:
        """What the ledger does not have yet."""
        text = self.watch.newest_draft
        if text is self.seen:
            return None
        found = drafts.kept(text)
        if found != self.draft:
            return found
        self.seen = text
        return None

    def stop(self, why: str) -> None:
        self.why_stopped = self.why_stopped or why
        self.watch.stop = True


LastWord = Callable[[Session], None]
"""What is written into the ledger when an attempt is over."""


class Runner(Generic[DeskT]):
    """Runs jobs of this process, a few at a time, each in a thread."""

    def __init__(
        self,
        database: Database,
        bell: Bell,
        desks: Desks[DeskT],
        works: Mapping[str, Work],
        *,
        owner: str,
        concurrency: int,
    ) -> None:
        """`works` maps a request's kind to its job; `owner` names this process in leases."""
        self.metrics = WorkerMetrics()
        self.metrics.slots.set(concurrency)
        self.metrics.expect({VERBS[kind] for kind in works})
        self.redactor = Redactor()
        """Knows the keys that jobs use; they are taken out of whatever goes into the ledger."""
        self._database = database
        self._bell = bell
        self._desks = desks
        self._works = works
        self._owner = owner
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix="job")
        self._slots = asyncio.Semaphore(concurrency)
        """Leased only with a thread to run in: a job that waits for one would look as if it ran."""
        self._inside = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._running: dict[JobId, _Attempt] = {}
        self._looked_at = -TICK_S
        self._stopping = False
        self._handing_back = False

    async def run(self, job: JobId) -> None:
        """Run the job if the ledger gives it to us; return when it is over or handed back."""
        async with self._slots:
            if self._stopping:
                return  # its bell rings again, for another worker
            self._inside += 1
            self._idle.clear()
            try:
                await self._lease_and_run(job)
            finally:
                self._inside -= 1
                if self._inside == 0:
                    self._idle.set()

    async def wind_up(self, *, grace_s: float, hand_back_s: float) -> None:
        """Take no more jobs; let those in work finish for `grace_s`, then have them stop, within
        `hand_back_s`, to be started again by another worker.
        """
        self._stopping = True
        await self._until_idle(grace_s)
        self._handing_back = True
        for attempt in self._running.values():
            attempt.stop("handed back")
        await self._until_idle(hand_back_s)

    @property
    def running(self) -> int:
        """Jobs in work right now."""
        return len(self._running)

    async def _until_idle(self, at_most_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), at_most_s)

    async def _lease_and_run(self, job: JobId) -> None:
        leased = await self._database.write(lambda s: ledger.lease(s, job, self._owner, utc_now()))
        if isinstance(leased, Refusal):
            log.debug("job not leased", job=job, reason=leased)
            self.metrics.refused.labels(leased).inc()
            return
        with self.metrics.attempt(leased) as account:
            watch = RunningWatch(account.phases, self.redactor.without_learned)
            attempt = _Attempt(leased, watch, account)
            await self._run_leased(job, attempt)

    async def _run_leased(self, job: JobId, attempt: _Attempt) -> None:
        self._running[job] = attempt
        if self._handing_back:
            attempt.stop("handed back")
        try:
            await self._bell.ring(job)
            await self._run(attempt)
        except LostLease:
            attempt.account.outcome = LOST
            log.warning("lease lost; result dropped", job=job, attempt=attempt.leased.attempt)
        finally:
            del self._running[job]
            await self._bell.ring(job)

    async def _run(self, attempt: _Attempt) -> None:
        leased = attempt.leased
        context = contextvars.copy_context()  # the thread's log lines are the job's too
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._threads, lambda: context.run(self._work, attempt))
        await self._attend(attempt, work)
        attempt.watch.phase("keep")
        try:
            last_word = self._after_result(attempt, *work.result())
        except (Declined, Transient, Stopped) as error:
            last_word = self._without_result(attempt, error)
        except Exception as error:
            log.exception("job failed", job=leased.job, verb=leased.verb)
            last_word = self._without_result(attempt, error)
        if attempt.why_stopped == "lost":
            raise LostLease(leased.job)
        try:
            await self._write(leased.job, last_word)
        except (LostLease, *OUTAGES):
            raise
        except Exception as error:  # the database does not take the result itself
            log.exception("result not kept", job=leased.job, verb=leased.verb)
            await self._write(leased.job, self._finish(attempt, _failure(attempt, error)))
        attempt.watch.phase("end")

    def _work(self, attempt: _Attempt) -> tuple[DeskT, Done]:
        request = request_adapter.validate_python(dict(attempt.leased.request))
        desk = self._desks.open(attempt.leased, attempt.watch)
        try:
            return desk, self._works[request.kind](request, desk)
        finally:
            self._desks.clear(desk)

    async def _attend(self, attempt: _Attempt, work: "asyncio.Future[tuple[DeskT, Done]]") -> None:
        started = last_beat = time.monotonic()
        while not (await asyncio.wait({work}, timeout=self._tick_s))[0]:
            now = time.monotonic()
            if now - started > JOB_LIMIT_S:
                attempt.stop("timeout")
            try:
                await self._tick(attempt, beat=now - last_beat >= ledger.BEAT_S)
            except LostLease:
                attempt.stop("lost")
            except SQLAlchemyError as error:
                log.warning("ledger out of reach", job=attempt.leased.job, error=str(error))
                continue
            if now - last_beat >= ledger.BEAT_S:
                last_beat = now

    @property
    def _tick_s(self) -> float:
        return min(REPORT_S, TICK_S * max(1.0, len(self._running) / FEW))

    async def _tick(self, attempt: _Attempt, *, beat: bool) -> None:
        leased = attempt.leased
        if beat:
            await self._database.write(
                lambda s: ledger.beat(s, leased.job, leased.attempt, utc_now()), urgent=True
            )
        if attempt.may_report():
            await self._tell(attempt)
        await self._look_for_cancels()

    async def _look_for_cancels(self) -> None:
        """Of all running jobs at once, at the first of their ticks: many cost no more than one."""
        now = time.monotonic()
        if now - self._looked_at < TICK_S / 2:
            return
        self._looked_at = now
        attempts = {job: each.leased.attempt for job, each in self._running.items()}
        for job in await self._database.read(lambda s: ledger.stops_wanted(s, attempts)):
            running = self._running.get(job)
            if running is not None and running.leased.attempt == attempts[job]:
                running.stop("cancelled")

    async def _tell(self, attempt: _Attempt) -> None:
        """Write down what is new, if anything is."""
        leased, report, draft = attempt.leased, attempt.watch.take_report(), attempt.new_draft()
        if report is None and draft is None:
            return

        def tell(session: Session) -> None:
            if report is not None:
                ledger.report(session, leased, *report, utc_now())
            if draft is not None:
                ledger.draft(session, leased, draft, utc_now())

        attempt.reported_at = time.monotonic()
        await self._database.write(tell)
        attempt.draft = draft or attempt.draft
        await self._bell.ring(leased.job)

    def _after_result(self, attempt: _Attempt, desk: DeskT, done: Done) -> LastWord:
        if attempt.why_stopped == "handed back":
            return self._hand_back(attempt)
        return self._finish(attempt, _ending_of(attempt, done), desk)

    def _without_result(self, attempt: _Attempt, error: Exception) -> LastWord:
        """End, or start again, an attempt that brought no result."""
        leased, why_stopped = attempt.leased, attempt.why_stopped
        if why_stopped == "handed back":
            return self._hand_back(attempt)
        if isinstance(error, Transient) and not why_stopped and leased.tries < ledger.MAX_ATTEMPTS:
            wait_s = RETRY_WAIT_S[min(leased.tries, len(RETRY_WAIT_S)) - 1]
            text = self.redactor.without_learned(f"{error}; trying again in {wait_s:.0f} s")
            attempt.account.outcome = "again"
            return lambda session: ledger.again(session, leased, text, wait_s, utc_now())
        return self._finish(attempt, _failure(attempt, error))

    def _hand_back(self, attempt: _Attempt) -> LastWord:
        attempt.account.outcome = "handed_back"
        return lambda session: ledger.hand_back(session, attempt.leased, utc_now())

    def _finish(self, attempt: _Attempt, ending: Ending, desk: DeskT | None = None) -> LastWord:
        attempt.account.outcome = ending.failure or str(ending.state)
        ending = _without_keys(ending, self.redactor)

        def finish(session: Session) -> None:
            ledger.finish(session, attempt.leased, ending, utc_now())
            if desk is not None:
                self._desks.record(session, desk)

        return finish

    async def _write(self, job: JobId, last_word: LastWord) -> None:
        """Write it through an outage: the work is done, and the token still guards the ledger."""
        for wait_s in LEDGER_WAIT_S:
            try:
                await self._database.write(last_word, urgent=True)  # no beat holds its lease now
            except OUTAGES as error:
                log.warning("ledger out of reach", job=job, error=str(error), again_in_s=wait_s)
                await asyncio.sleep(wait_s)
            else:
                return
        await self._database.write(last_word)


def _without_keys(ending: Ending, redactor: Redactor) -> Ending:
    reply = redactor.without_learned(json.dumps(ending.reply))
    text = redactor.without_learned(ending.text)
    return replace(ending, text=text, reply=json.loads(reply))


def _ending_of(attempt: _Attempt, done: Done) -> Ending:
    """A result that came after a cancel is what was found until then; it is shown as such."""
    reply = done.reply.model_dump(mode="json")
    if attempt.why_stopped == "cancelled":
        return Ending(JobState.CANCELLED, f"kept: {done.text}", reply)
    return Ending(JobState.SUCCEEDED, done.text, reply)


def _failure(attempt: _Attempt, error: Exception) -> Ending:
    job = attempt.leased.job
    if attempt.why_stopped == "cancelled":
        return Ending(JobState.CANCELLED, "cancelled", _reply(job, "Cancelled.", "Cancelled"))
    if attempt.why_stopped == "timeout":
        text = f"Stopped after {JOB_LIMIT_S / 60:.0f} minutes, the longest a job may run."
        return Ending(JobState.FAILED, "ran out of time", _reply(job, text, text), "timeout")
    if isinstance(error, Declined):
        first_line = str(error).partition("\n")[0]
        told = _reply(job, str(error), first_line)
        if error.reply is not None:
            told = error.reply.model_dump(mode="json")
        return Ending(JobState.FAILED, first_line, told, "user")
    if isinstance(error, Transient):
        text = f"{error}. Tried {attempt.leased.tries} times."
        return Ending(JobState.FAILED, str(error), _reply(job, text, text), "outside")
    text = (
        f"Something broke on our side (`{type(error).__name__}`), not in your code. "
        f"It is in the worker's log under job `{job}`."
    )
    return Ending(JobState.FAILED, "internal error", _reply(job, text, text), "crash")


def _reply(job: JobId, markdown: str, summary: str) -> dict[str, object]:
    blocks = (Text(markdown=markdown), Actions(actions=(retry_button(job),)))
    return Reply(summary=summary, blocks=blocks).model_dump(mode="json")
