"""The beating of one process, and its watch over the others; see `storage.presence`."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from storage import presence
from storage.clock import utc_now
from storage.database import Database
from storage.presence import BEAT_S, GONE_S, OWN_MARGIN_S, SETTLE_S, Freed, Identity, Watcher

log = structlog.get_logger()

Promise = Callable[[], bool]
"""Whether what was held when the promise was made is still held for sure."""


class Holder(Protocol):
    """A process that holds things for a while."""

    @property
    def owner(self) -> str:
        """Its name in leases."""
        ...

    def promise(self, at_most_s: float) -> Promise:
        """For what is taken now under a lease of `at_most_s`."""
        ...


class Heart:
    """Beats; with `lost` it also frees what processes that are gone had held."""

    def __init__(
        self,
        database: Database,
        identity: Identity,
        *,
        lost: Mapping[str, Any] | None = None,
        on_freed: Callable[[Freed], None] | None = None,
    ) -> None:
        """`lost` is the reply of a job that lost too many workers, `on_freed` is called
        with the work of each process that is gone.
        """
        self._identity = identity
        self._database = database
        self._lost = lost
        self._on_freed = on_freed
        self._watcher = Watcher(identity)
        self._until = 0.0
        self._lapses = 0

    @property
    def owner(self) -> str:
        """See `Holder`."""
        return self._identity.owner

    async def run(self) -> None:
        """Until cancelled; a database that is away for a while is waited for."""
        while True:
            await self.beat()
            await asyncio.sleep(BEAT_S)

    async def beat(self) -> None:
        """One beat and, for a watching process, one look around."""
        started = time.monotonic()
        try:
            gone = await self._database.write(self._beat, urgent=True)
        except SQLAlchemyError as error:
            log.warning("no heartbeat: the database is out of reach", error=str(error))
            return
        if self._until < started:
            self._lapses += 1
        self._until = started + GONE_S - OWN_MARGIN_S
        for owner in gone:
            await self._free(owner)

    def promise(self, at_most_s: float) -> Promise:
        """For what is taken now under a lease of `at_most_s`: broken when the lease ends or when
        this process was silent for so long that others may have taken it for gone.
        """
        lapses, ends_at = self._lapses, time.monotonic() + at_most_s

        def holds() -> bool:
            return self._lapses == lapses and time.monotonic() < min(ends_at, self._until)

        return holds

    async def leave(self) -> None:
        """Good-bye; without a database the others find out by themselves."""
        try:
            await self._database.write(
                lambda s: presence.leave(s, self.owner, utc_now()), urgent=True
            )
        except SQLAlchemyError as error:
            log.warning("no good-bye: the database is out of reach", error=str(error))

    def _beat(self, session: Session) -> list[str]:
        presence.beat(session, self._identity, utc_now())
        return [] if self._lost is None else self._watcher.gone(presence.at_work(session))

    async def _free(self, owner: str) -> None:
        try:
            freed = await self._database.write(
                lambda s: presence.free(s, owner, self._lost, utc_now(), settle_s=SETTLE_S)
            )
        except SQLAlchemyError as error:  # it is looked for again with the next beat
            log.warning("not freed: the database is out of reach", owner=owner, error=str(error))
            return
        if freed is None:
            return
        log.warning(
            "process gone, its work freed",
            owner=owner,
            kind=freed.kind,
            jobs=len(freed.jobs),
            events=freed.events,
            deliveries=freed.deliveries,
        )
        if self._on_freed is not None:
            self._on_freed(freed)
