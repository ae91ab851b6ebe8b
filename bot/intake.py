"""Takes verified events in: one durable claim, then the acknowledgement; the work comes later.

The only code between a platform's request and its 200. See docs/decisions/0001.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from bot.face import NotTaken
from bot.metrics import GatewayMetrics
from handlers import Event, Invocation
from storage import inbox, traces
from storage.clock import utc_now
from storage.database import Database
from storage.ids import InboxId
from storage.inbox import Duplicate, Taken

WAITING = 48
"""Events that wait in memory for this process; the rest is found in the inbox, oldest first. What
waits here has to wait again when this process is killed."""
CALM_WAIT_S = 0.25
ACCEPT_S = 2.0
"""The most a claim may take: Slack waits three seconds for its answer, GitHub ten."""

T = TypeVar("T")


async def written_soon(database: Database, work: Callable[[Session], T]) -> T:
    """`Database.write` for somebody who waits for it and will ask again: whoever gives up here
    may find it written nevertheless.

    Raises:
        NotTaken: The database did not take it in time.
    """
    try:
        async with asyncio.timeout(ACCEPT_S):
            return await database.write(work, urgent=True)
    except TimeoutError as error:
        raise NotTaken(f"the database took longer than {ACCEPT_S:g} s") from error


class DurableIntake:
    """The real `bot.face.Intake`."""

    def __init__(self, database: Database, metrics: GatewayMetrics, *, holder: str) -> None:
        """Accepted events wait for the dispatcher to take them; `holder` names this process."""
        self._database = database
        self._metrics = metrics
        self.holder = holder
        self._taken: asyncio.Queue[Taken] = asyncio.Queue()
        self._held: dict[InboxId, int] = {}
        """The attempt that is ours, of each event that waits or is being handled."""
        self.older_wait = False
        """Whether the inbox holds more than there was room for: then nobody goes before them."""
        self._unacknowledged = 0
        self._calm = asyncio.Event()
        self._calm.set()
        self._turn = asyncio.Lock()

    async def accept(self, event: Event, keys: tuple[str, ...]) -> InboxId | None:
        """See `bot.face.Intake`."""
        self._unacknowledged += 1
        self._calm.clear()
        try:
            with self._metrics.accept_s.time():
                return await self._traced(event, keys)
        finally:
            self._unacknowledged -= 1
            if self._unacknowledged == 0:
                self._calm.set()

    async def _traced(self, event: Event, keys: tuple[str, ...]) -> InboxId | None:
        """The first part of the event's trace, below the one that an API client is in."""
        platform, payload = str(event.caller.platform), event.model_dump(mode="json")
        given = event.traceparent if isinstance(event, Invocation) else None
        parent = traces.valid(given)
        with traces.span("message", kind="server", parent=parent, platform=platform) as span:
            payload["traceparent"] = span.traceparent
            accepted = await self._accept(platform, payload, keys)
            span.note(inbox=accepted or 0, known_already=accepted is None)
            return accepted

    async def _accept(
        self, platform: str, payload: dict[str, object], keys: tuple[str, ...]
    ) -> InboxId | None:
        self.older_wait |= self.room <= 0
        holder = None if self.older_wait else self.holder
        self._metrics.received.labels(platform).inc()
        try:
            taken = await written_soon(
                self._database,
                lambda s: inbox.claim(s, platform, payload, keys, utc_now(), holder=holder),
            )
        except Duplicate:
            self._metrics.duplicates.labels(platform).inc()
            return None
        except (SQLAlchemyError, NotTaken) as error:
            self._metrics.not_taken.labels(platform).inc()
            raise NotTaken(f"{platform}: {error}") from error
        if holder is not None:
            self.hold(taken)
        return taken.id

    @property
    def room(self) -> int:
        """How many more events may wait in memory; those on their way may go a little over."""
        return WAITING - self._taken.qsize()

    def hold(self, taken: Taken) -> None:
        """Let an event that is ours wait for its turn."""
        self._held[taken.id] = taken.attempt
        self._taken.put_nowait(taken)

    @asynccontextmanager
    async def next(self) -> AsyncGenerator[Taken]:
        """The next event whose turn has come, ours for as long as the block lasts."""
        taken = await self._taken.get()
        while self._held.get(taken.id) != taken.attempt:  # let go meanwhile
            taken = await self._taken.get()
        try:
            yield taken
        finally:
            if self._held.get(taken.id) == taken.attempt:
                del self._held[taken.id]

    async def keep(self) -> None:
        """Go on holding what waits here and what is being handled; what is somebody else's by now,
        after a pause of this process, is let go. Raises SQLAlchemyError.
        """
        held = tuple(self._held)
        if not held:
            return
        kept = await self._database.write(
            lambda s: inbox.keep(s, held, self.holder, utc_now()), urgent=True
        )
        for lost in set(held) - kept:
            self._held.pop(lost, None)

    async def calm(self) -> None:
        """Wait, for a moment at most, until no platform waits for an acknowledgement.

        Whoever has work to do afterwards asks here first, one after the other: under load the
        acknowledgements come first and the work is done as fast as is left. Nobody waits longer
        for all of it than the moment, so a slow database cannot stop the work behind it.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CALM_WAIT_S), self._turn:
                await self._calm.wait()
