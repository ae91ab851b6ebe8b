"""Rings the queue for jobs that may start, after a last look at whether they still may.

A job waits in the ledger until a worker leases it; this loop tells the queue of it, again and
again with growing pauses, so a bell that Redis lost does no harm. A clearance (permission, fork
approval, checkout token) older than a minute is renewed first; the ledger refuses to lease a job
without a fresh one. So whatever was withdrawn while a job stood in line stops it.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.checkpoint import checkpoint
from bot.face import Busy
from bot.metrics import GatewayMetrics
from jobs.queue import JobQueue, QueueDown
from storage import ledger, traces
from storage.clock import utc_now
from storage.database import Database
from storage.ids import JobId
from storage.ledger import Ring

log = structlog.get_logger()

LOOK_S = 1.0
QUEUE_DOWN_WAIT_S = 2.0

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
    ) -> None:
        """`clearance` asks the job's platform; `woken` is set when a job was queued."""
        self._database = database
        self._queue = queue
        self._clearance = clearance
        self._metrics = metrics
        self._woken = woken

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

    async def ring_due(self) -> None:
        """Ring for everything that is due; with the queue down, put the rest off."""
        rings = await self._database.write(lambda s: ledger.due_rings(s, utc_now()))
        for done, ring in enumerate(rings):
            try:
                await self._ring(ring)
            except QueueDown as down:
                log.warning("queue down", error=str(down), jobs=len(rings) - done)
                for waiting in rings[done:]:
                    self._metrics.queue_down.inc()
                    await self._later(waiting.job, QUEUE_DOWN_WAIT_S)
                return

    async def _ring(self, ring: Ring) -> None:
        parent = ring.invocation.get("traceparent")
        with (
            structlog.contextvars.bound_contextvars(job=ring.job),
            traces.span("ring", kind="producer", parent=parent, job=ring.job, queue=ring.queue),
        ):
            await self._clear_and_ring(ring)

    async def _clear_and_ring(self, ring: Ring) -> None:
        """Edge for what a clearance may run into: one job's trouble keeps no other one waiting."""
        try:
            if await self._clearance(ring):
                await self._queue.ring(ring.job, ring.queue, asked_at=ring.created_at)
                self._metrics.queue_rings.labels(ring.queue).inc()
        except Busy as busy:
            await self._later(ring.job, busy.retry_after_s)
        except (QueueDown, SQLAlchemyError):
            raise
        except Exception:
            log.exception("not cleared", job=ring.job)  # its bell is due again in a while

    async def _later(self, job: JobId, wait_s: float) -> None:
        at = utc_now() + timedelta(seconds=wait_s)
        await self._database.write(lambda s: ledger.ring_later(s, job, at))
