"""Rings the queue for the jobs at the head of each line, after a last look at whether they may.

A job waits in the ledger until a worker leases it. Only the first few of a line (in the fair order
of `storage.line`) are told to the queue, again and again with growing pauses, so a bell that Redis
lost does no harm; the rest wait in silence, and who comes late but is due early goes before them.
A clearance (permission, fork approval, checkout token) older than a minute is renewed first; the
ledger refuses to lease a job without a fresh one. So whatever was withdrawn while a job stood in
line stops it.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from bot.checkpoint import checkpoint
from bot.face import Busy
from bot.metrics import GatewayMetrics
from jobs.queue import JobQueue, QueueDown
from storage import ledger, line, traces
from storage.clock import utc_now
from storage.database import Database
from storage.ids import JobId
from storage.ledger import Ring
from storage.line import Turn

log = structlog.get_logger()

LOOK_S = 1.0
QUEUE_DOWN_WAIT_S = 2.0
ASIDE_S = 30.0
"""How long a job that cannot be cleared here leaves its place in the line to others."""
CLEARED_S = 5.0
"""A clearance that takes longer is tried again, and the line goes on."""
SLOW_ASIDE_S = 5.0
STEP_S = 5.0
"""How far apart neighbours in the line are expected to start; only their order matters."""
REST = 4
"""The loop rests so many times as long as its last look cost, so that a long line costs little."""

Clearance = Callable[[Ring], Awaitable[bool]]
"""Checks a job once more; True when it may start, False when it was ended instead."""


class Outbox:
    """One gateway's loop; several may run beside each other."""

    def __init__(
        self,
        database: Database,
        queue: JobQueue,
        clearance: Clearance,
        metrics: GatewayMetrics,
        woken: asyncio.Event,
        window: int,
    ) -> None:
        """`clearance` asks the job's platform; `woken` is set when the line has changed; `window`
        is how many jobs at the head of a line are told to the queue.
        """
        self._database = database
        self._queue = queue
        self._clearance = clearance
        self._metrics = metrics
        self._woken = woken
        self._window = window
        self._head: frozenset[str] = frozenset()
        self._took_s = 0.0

    def heard(self, job: str) -> None:
        """Something happened to a job: if it stood at the head of a line, the next may be told."""
        if job in self._head:
            self._woken.set()

    async def run(self) -> None:
        """Until cancelled. A database that is away for a while is waited for."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):  # wait_for may lose a cancel before 3.12
                    await self._woken.wait()
            self._woken.clear()
            try:
                await self.ring_due()
            except SQLAlchemyError as error:
                log.warning("outbox out of reach", error=str(error))
            checkpoint()
            await asyncio.sleep(min(LOOK_S, REST * self._took_s))

    async def ring_due(self) -> None:
        """Ring for every job near the head that is due; with the queue down, put the rest off."""
        now = utc_now()
        turns, self._took_s = await self._database.read(lambda s: self._looked(s, now))
        self._head = frozenset(turn.job for turn in turns)
        places = {turn.job: turn.place for turn in turns if turn.is_due}
        if not places:
            return
        found = await self._database.write(lambda s: ledger.due_rings(s, now, places))
        rings = sorted(found, key=lambda ring: places[ring.job])
        is_down = False
        async for ring in self._cleared(rings):
            if is_down or not await self._is_told(ring, places[ring.job]):
                is_down = True
                self._metrics.queue_down.inc()
                await self._later(ring.job, QUEUE_DOWN_WAIT_S)

    def _looked(self, session: Session, now: datetime) -> tuple[Sequence[Turn], float]:
        """The head of each line, and what finding it cost: processor time, since one that waited
        for others would rest longest when there is most to do.
        """
        started_s = time.thread_time()
        turns = line.first(session, now, self._window)
        return turns, time.thread_time() - started_s

    async def _is_told(self, ring: Ring, place: int) -> bool:
        """Tell the queue; whether it could be."""
        try:
            with _part("ring", ring):
                turn_at = utc_now() + timedelta(seconds=place * STEP_S)
                await self._queue.ring(ring.job, ring.queue, turn_at=turn_at)
        except QueueDown as down:
            log.warning("queue down", error=str(down))
            return False
        self._metrics.queue_rings.labels(ring.queue).inc()
        return True

    async def _cleared(self, rings: Sequence[Ring]) -> AsyncGenerator[Ring]:
        """Each as soon as it is cleared: none waits for what another one's platform takes."""

        async def looked(ring: Ring) -> Ring | None:
            return ring if await self._is_cleared(ring) else None

        clearing = [asyncio.ensure_future(looked(ring)) for ring in rings]
        try:
            for cleared in asyncio.as_completed(clearing):
                if (ring := await cleared) is not None:
                    yield ring
        finally:
            for each in clearing:
                each.cancel()

    async def _is_cleared(self, ring: Ring) -> bool:
        """Edge for what a clearance may run into: one job's trouble keeps no other one waiting."""
        with structlog.contextvars.bound_contextvars(job=ring.job), _part("clear", ring):
            try:
                return await self._clear(ring)
            except SQLAlchemyError as error:  # its bell is due again by itself
                log.warning("outbox out of reach", error=str(error))
                return False

    async def _clear(self, ring: Ring) -> bool:
        aside_s = ASIDE_S
        try:
            async with asyncio.timeout(CLEARED_S):
                return await self._clearance(ring)
        except TimeoutError:
            aside_s = SLOW_ASIDE_S
        except Busy as busy:
            aside_s = busy.retry_after_s
        except SQLAlchemyError:
            raise
        except Exception:
            log.exception("not cleared")
        until = utc_now() + timedelta(seconds=aside_s)
        await self._database.write(lambda s: line.step_aside(s, ring.job, until))
        self._woken.set()
        return False

    async def _later(self, job: JobId, wait_s: float) -> None:
        at = utc_now() + timedelta(seconds=wait_s)
        await self._database.write(lambda s: ledger.ring_later(s, job, at))


def _part(name: str, ring: Ring) -> AbstractContextManager[object]:
    """A part of the job's trace."""
    parent = ring.invocation.get("traceparent")
    kind = "producer" if name == "ring" else "internal"
    return traces.span(name, kind=kind, parent=parent, job=ring.job, queue=ring.queue)
