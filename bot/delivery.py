"""From job events to messages in threads: one status message, edited, then one result.

Whoever holds a delivery's lease speaks for it. Bells (this process' own, and the workers' on the
Redis stream) say that something is new; the ledger says what; a sweep makes good what bells lose.
"""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from bot.budgets import Spent
from bot.checkpoint import checkpoint
from bot.drafts import with_draft
from bot.face import Busy, Face, JobView, Outbound, Posted, Undeliverable
from bot.fence import Overdue, Turn, speaking
from bot.line import LineWatch
from bot.metrics import GatewayMetrics
from bot.redaction import redacted_caller, redacted_model
from bot.tokens import TokenRefused
from bot.watched import WatchedOutbound
from handlers import Caller, Place, Platform
from jobs.messages import Reply
from jobs.queue import EVENTS_STREAM
from storage import deliveries, inbox, ledger, traces
from storage.clock import utc_now
from storage.database import Database
from storage.deliveries import Errand, Message
from storage.heart import Holder
from storage.ids import InboxId, JobId
from storage.redaction import Redactor
from storage.states import JobState

log = structlog.get_logger()

SWEEP_S = 1.0
REDIS_DOWN_WAIT_S = 1.0
STREAM_BLOCK_MS = 5_000
GROWN_WAIT_S = 600.0
MOST_WAIT_S = 3600.0
"""However long a platform asks us to stay away."""
SAY_S = deliveries.LEASE_S - 5.0
"""How long a platform may take over one message: another gateway would try when the lease ends."""
HELD_S = deliveries.LEASE_S - 2.0
"""How long after taking a delivery a call about it may begin."""
SPREAD_S = 10.0
AT_ONCE = 200
"""Deliveries attended to at the same time."""


async def _at_once() -> None:
    """Nothing goes first."""


@dataclass(frozen=True)
class Manners:
    """What comes before every message."""

    calm: Callable[[], Awaitable[None]] = _at_once
    """Waited for, so that acknowledgements go first (`DurableIntake.calm`)."""
    redactor: Redactor = field(default_factory=Redactor)
    """Sees everything before it is said."""


def _nobody_listens(job: str) -> None:
    """Nobody else wants to know."""


class Delivery:
    """One gateway's voice."""

    def __init__(
        self,
        database: Database,
        redis: "Redis",
        faces: Mapping[Platform, Face],
        metrics: GatewayMetrics,
        *,
        holder: Holder,
        manners: Manners | None = None,
    ) -> None:
        """`holder` is this process."""
        self.heard: Callable[[str], None] = _nobody_listens
        """Told of every job to which something happened."""
        self._line = LineWatch(database)
        self._holder = holder
        manners = manners or Manners()
        self._calm = manners.calm
        self._redactor = manners.redactor
        self._database = database
        self._redis = redis
        self._faces = faces
        self._metrics = metrics
        self._active: dict[str, asyncio.Event] = {}
        """Keys in work here; set when a bell rang meanwhile."""
        self._group: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                group.create_task(self._listen())
                group.create_task(self._sweep())
        finally:
            self._group = None

    def notice(self, key: str) -> None:
        """Something is to be said under `key` (a job id, or an answer's key).

        What cannot be attended to now (nothing runs yet, or too much) the sweep finds.
        """
        if key in self._active:
            self._active[key].set()
            return
        if self._group is None or len(self._active) >= AT_ONCE:
            return
        self._active[key] = asyncio.Event()
        attending = self._attend(key)
        try:
            self._group.create_task(attending)
        except RuntimeError:  # the group is being ended, and takes nothing more
            attending.close()
            del self._active[key]

    async def _listen(self) -> None:
        last = "$"
        task = asyncio.current_task()
        assert task is not None
        while not task.cancelling():  # which redis-py may have swallowed, before Python 3.12
            try:
                batches = await self._redis.xread(
                    {EVENTS_STREAM: last}, count=200, block=STREAM_BLOCK_MS
                )
            except (RedisError, OSError):
                await asyncio.sleep(REDIS_DOWN_WAIT_S)
                continue
            for _, entries in batches:
                for entry_id, fields in entries:
                    last = entry_id
                    job = fields[b"job"].decode()
                    self.notice(job)
                    self.heard(job)

    async def _sweep(self) -> None:
        while True:
            try:
                for key in await self._database.read(lambda s: deliveries.due(s, utc_now())):
                    self.notice(key)
            except SQLAlchemyError as error:
                log.warning("deliveries out of reach", error=str(error))
            await asyncio.sleep(SWEEP_S)

    async def _attend(self, key: str) -> None:
        bell = self._active[key]
        try:
            again = True
            while again:
                bell.clear()
                await self._calm()
                again = await self.deliver(key) or bell.is_set()
                checkpoint()
        except SQLAlchemyError as error:  # its lease ends by itself, and then it is swept up
            log.warning("delivery out of reach", key=key, error=str(error))
        finally:
            del self._active[key]

    async def deliver(self, key: str) -> bool:
        """Say what is new under `key`; True when there may be more to say at once."""
        with structlog.contextvars.bound_contextvars(delivery=key):
            return await self._deliver(key)

    async def _deliver(self, key: str) -> bool:
        holds = self._holder.promise(HELD_S)
        errand = await self._database.write(
            lambda s: deliveries.take(s, key, self._holder.owner, utc_now())
        )
        if errand is None:
            return False
        platform = Platform(errand.delivery.platform)
        face = self._faces.get(platform)
        turn = Turn(holds, errand.is_first_try)
        try:
            if face is None:
                raise Busy(f"{platform} is off", retry_after_s=60)
            parent = await self._traceparent(errand)
            outbound = WatchedOutbound(face.outbound, platform, self._metrics, parent)
            async with asyncio.timeout(SAY_S):
                with speaking(turn):
                    return await self._say(errand, outbound)
        except Overdue:
            log.warning("held too long to be said here", key=key)
            await self._note(key, lease_owner=None, next_try_at=utc_now())
        except TokenRefused as refused:
            self._metrics.delivery_retries.labels(platform, "token").inc()
            await self._unless_called(turn, errand)
            await self._wait_for_mending(errand, refused)
        except Spent as spent:
            self._metrics.delivery_retries.labels(platform, "busy").inc()
            await self._unless_called(turn, errand)
            await self._when_there_is_room(errand, spent)
        except (Busy, TimeoutError) as busy:
            why = "off" if face is None else "busy" if isinstance(busy, Busy) else "timeout"
            self._metrics.delivery_retries.labels(platform, why).inc()
            wait_s = busy.retry_after_s if isinstance(busy, Busy) else 0.0
            await self._unless_called(turn, errand)
            await self._later(errand, str(busy) or "no answer", wait_s)
        except Undeliverable as gone:
            log.warning("undeliverable", key=key, error=str(gone))
            self._metrics.undeliverable.labels(platform).inc()
            await self._note(key, finished_at=utc_now(), error=str(gone)[:500], lease_owner=None)
        except Exception as error:
            log.exception("delivery failed", key=key)
            self._metrics.delivery_retries.labels(platform, "failed").inc()
            await self._later(errand, repr(error), 5.0)
        return False

    async def _traceparent(self, errand: Errand) -> str | None:
        """The part of a trace that asked for what is said."""
        if errand.job is not None:
            return errand.job.invocation.get("traceparent")
        if not traces.is_on():
            return None
        event = InboxId(int(errand.delivery.key.split(":")[1]))
        return await self._database.read(lambda s: inbox.traceparent_of(s, event))

    async def _say(self, errand: Errand, outbound: Outbound) -> bool:
        place = Place.model_validate(errand.delivery.place)
        if errand.job is None:
            return await self._answer(errand, outbound, place)
        view = await self._view(errand)
        status = _posted(errand.delivery.status)
        if status is None:
            view = with_draft(view, errand.draft, self._redactor)
            status = await outbound.post_status(place, view, key=f"{view.job}:status")
            await self._remember(errand, "status", status, **errand.shown, edited_at=utc_now())
            return True
        if view.state.final:
            return await self._conclude(errand, outbound, place, (view, status))
        news: dict[str, object] = {}
        if errand.is_behind:
            if await self._wait_to_edit(errand, outbound):
                return True
            view = with_draft(view, errand.draft, self._redactor)
            await outbound.edit_status(place, status, view)
            news = {**errand.shown, "edited_at": utc_now()}
        await self._let_go(errand.delivery.key, news)
        return False

    async def _let_go(self, key: str, news: Mapping[str, object]) -> None:
        owner = self._holder.owner

        def write(session: Session) -> None:
            if news:
                deliveries.note(session, key, owner, **news)
            deliveries.let_go(session, key, owner, utc_now())

        await self._database.write(write)

    async def _conclude(
        self,
        errand: Errand,
        outbound: Outbound,
        place: Place,
        shown: tuple[JobView, Posted],
    ) -> bool:
        view, status = shown
        job = errand.job
        assert job is not None
        if errand.delivery.result is None:
            reply = redacted_model(Reply.model_validate(job.reply), self._redactor)
            result = await outbound.post_result(
                place, status, view, reply, key=f"{view.job}:result"
            )
            await self._remember(errand, "result", result)
            self._metrics.finished.labels(view.verb, view.state).inc()
            waited = utc_now() - view.created_at
            self._metrics.end_to_end_s.labels(view.verb).observe(waited.total_seconds())
            return True
        if not outbound.result_replaces_status:
            if await self._wait_to_edit(errand, outbound):
                return True
            await outbound.edit_status(place, status, view)
        await self._note(
            errand.delivery.key,
            finished_at=utc_now(),
            shown_seq=job.last_seq,
            lease_owner=None,
            attempts=0,
        )
        return False

    async def _answer(self, errand: Errand, outbound: Outbound, place: Place) -> bool:
        reply = redacted_model(Reply.model_validate(errand.delivery.reply), self._redactor)
        result = await outbound.answer(place, reply, key=errand.delivery.key)
        await self._remember(errand, "answer", result, finished_at=utc_now(), lease_owner=None)
        return False

    async def _view(self, errand: Errand) -> JobView:
        job, newest = errand.job, errand.newest
        assert job is not None
        state = JobState(job.state)
        standing = None
        if state is JobState.QUEUED:
            standing = await self._line.where(JobId(job.id), job.queue)
        return JobView(
            job=JobId(job.id),
            verb=job.verb,
            line=self._redactor.redacted(job.line),
            state=state,
            text=self._redactor.redacted(newest.text) if newest else "",
            done=newest.done if newest else None,
            attempt=job.attempt,
            asked_by=redacted_caller(
                Caller.model_validate(job.invocation["caller"]), self._redactor
            ),
            created_at=job.created_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
            repository=job.repository,
            number=job.number,
            head_sha=job.head_sha,
            kind=job.request["kind"],
            is_push=job.invocation.get("pushed") is not None,
            ahead=standing.ahead if standing else None,
            wait_s=standing.wait_s if standing else None,
        )

    async def _wait_to_edit(self, errand: Errand, outbound: Outbound) -> bool:
        """Keep the edit budget; True after a wait, when the job has to be looked at again.

        Only progress waits its turn: that a job is being stopped is shown at once.
        """
        key, newest = errand.delivery.key, errand.newest
        edited_at = errand.delivery.edited_at
        if edited_at is None or (newest is not None and newest.text == ledger.STOPPING):
            return False
        since_s = max(0.0, (utc_now() - edited_at).total_seconds())
        wait_s = outbound.edit_interval_s - since_s
        if wait_s <= 0:
            return False
        bell = self._active.get(key)
        if bell is None:
            await asyncio.sleep(wait_s)
            return True
        bell.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await bell.wait()
        return True

    async def _remember(self, errand: Errand, kind: str, posted: Posted, **values: object) -> None:
        row = errand.delivery
        message = Message(posted.key, kind, row.platform, row.place, posted.data)
        data = {"key": posted.key, "data": dict(posted.data)}

        def write(session: Session) -> None:
            column = "result" if kind == "answer" else kind
            deliveries.note(
                session, row.key, self._holder.owner, **{column: data}, attempts=0, **values
            )
            deliveries.posted(session, row, message, utc_now())

        await self._database.write(write)

    async def _note(self, key: str, **values: object) -> None:
        await self._database.write(lambda s: deliveries.note(s, key, self._holder.owner, **values))

    async def _unless_called(self, turn: Turn, errand: Errand) -> None:
        """Where only our own budget or a known refusal stood in the way, nothing was tried."""
        if not turn.has_called:
            owner = self._holder.owner
            await self._database.write(lambda s: deliveries.untried(s, errand, owner))

    async def _wait_for_mending(self, errand: Errand, refused: TokenRefused) -> None:
        owner, row, error = self._holder.owner, errand.delivery, str(refused)
        await self._database.write(
            lambda s: deliveries.put_off(s, row, owner, error, refused.retry_after_s, utc_now())
        )

    async def _when_there_is_room(self, errand: Errand, spent: Spent) -> None:
        """Not the platform's no but our own: no failure, however often, and no reason to wait
        longer each time. Many that wait for one budget are spread.
        """
        wait_s = spent.retry_after_s + random.uniform(0.0, SPREAD_S)  # noqa: S311 - no secret
        next_try_at = utc_now() + timedelta(seconds=min(MOST_WAIT_S, wait_s))
        await self._note(errand.delivery.key, lease_owner=None, next_try_at=next_try_at)

    async def _later(self, errand: Errand, error: str, wait_s: float) -> None:
        grown_s = min(GROWN_WAIT_S, 2.0 ** min(errand.delivery.attempts, 10))
        wait_s = min(MOST_WAIT_S, max(wait_s, grown_s))
        await self._database.write(
            lambda s: deliveries.try_later(
                s, errand.delivery, self._holder.owner, error, wait_s, utc_now()
            )
        )


def _posted(stored: Mapping[str, object] | None) -> Posted | None:
    if stored is None:
        return None
    data = stored["data"]
    assert isinstance(data, dict)
    return Posted(str(stored["key"]), {str(k): str(v) for k, v in data.items()})  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
