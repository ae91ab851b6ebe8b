"""Work that one gateway at a time does: reaping lost jobs, sweeping, polling, retention.

The lease lies in SQL, so that it holds with Redis down; see docs/decisions/0003.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog
from apscheduler.schedulers.asyncio import (  # pyright: ignore[reportMissingTypeStubs]
    AsyncIOScheduler,
)
from sqlalchemy.exc import SQLAlchemyError

from bot.face import Busy
from bot.metrics import TURNS, GatewayMetrics
from storage import leases
from storage.clock import utc_now
from storage.database import Database

log = structlog.get_logger()

LEASE = "leader"
TTL_S = 15.0
RENEW_S = 5.0
AGAIN_S = (5.0, 15.0, 30.0)
"""Waits before a chore that found its platform busy is tried again within its turn."""
COMPANION_WAIT_S = 5.0
"""Before a companion that ended is begun again."""


@dataclass(frozen=True)
class Chore:
    """Something to do regularly; its exception is logged and the next turn comes anyway."""

    every_s: float
    do: Callable[[], Awaitable[object]]


class Leader:
    """Holds the lease where it can, and does the chores while it holds it."""

    def __init__(
        self,
        database: Database,
        chores: Mapping[str, Chore],
        companions: Mapping[str, Callable[[], Awaitable[None]]],
        metrics: GatewayMetrics,
        *,
        owner: str,
    ) -> None:
        """`companions` run for as long as the lease is held (the Discord connection)."""
        self._database = database
        self._chores = chores
        self._companions = companions
        self._metrics = metrics
        self._owner = owner

    async def run(self) -> None:
        """Until cancelled; then the lease is given back."""
        try:
            while True:
                if await self._acquire():
                    await self._lead()
                await asyncio.sleep(RENEW_S)
        finally:
            with contextlib.suppress(SQLAlchemyError):  # then it ends by itself
                await asyncio.shield(
                    self._database.write(lambda s: leases.release(s, LEASE, self._owner))
                )

    async def _lead(self) -> None:
        log.info("leading", owner=self._owner)
        self._metrics.leader.set(1)
        scheduler = AsyncIOScheduler(timezone="UTC")
        for name, chore in self._chores.items():
            self._expect(name, chore)
            scheduler.add_job(  # pyright: ignore[reportUnknownMemberType]
                turn_of(name, chore, self._metrics),
                "interval",
                seconds=chore.every_s,
                id=name,
                max_instances=1,
                coalesce=True,
                misfire_grace_time=None,  # late is better than an hour later
                next_run_time=utc_now(),
            )
        scheduler.start()
        companions = [
            asyncio.ensure_future(_kept(name, run)) for name, run in self._companions.items()
        ]
        try:
            await self._hold()
            log.warning("lease lost", owner=self._owner)
        finally:
            scheduler.shutdown(wait=False)
            for companion in companions:
                companion.cancel()
            await asyncio.gather(*companions, return_exceptions=True)
            self._metrics.leader.set(0)

    def _expect(self, name: str, chore: Chore) -> None:
        for outcome in TURNS:
            self._metrics.chore_turns.labels(name, outcome)
        self._metrics.chore_every_s.labels(name).set(chore.every_s)
        self._metrics.chore_done_at.labels(name).set_to_current_time()

    async def _hold(self) -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            if not await self._acquire():
                return

    async def _acquire(self) -> bool:
        try:
            return await self._database.write(
                lambda s: leases.acquire(s, LEASE, self._owner, TTL_S, utc_now())
            )
        except SQLAlchemyError as error:
            log.warning("lease out of reach", error=str(error))
            return False


async def _kept(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Run a companion for as long as we lead; one that ends or fails is begun again."""
    while True:
        try:
            await run()
            log.warning("companion ended", companion=name)
        except Exception:
            log.exception("companion failed", companion=name)
        await asyncio.sleep(COMPANION_WAIT_S)


def turn_of(name: str, chore: Chore, metrics: GatewayMetrics) -> Callable[[], Awaitable[None]]:
    """One turn of a chore, whose failure is logged and whose busy platform is asked again."""

    def ended(outcome: str) -> None:
        metrics.chore_turns.labels(name, outcome).inc()

    async def turn() -> None:
        for wait_s in (*AGAIN_S, None):
            try:
                await chore.do()
            except Busy as busy:
                log.warning("chore put off", chore=name, reason=str(busy), again_in_s=wait_s)
                if wait_s is not None:
                    await asyncio.sleep(wait_s)
                    continue
                ended("busy")
            except Exception:
                log.exception("chore failed", chore=name)
                ended("failed")
            else:
                ended("done")
                metrics.chore_done_at.labels(name).set_to_current_time()
            return

    return turn
