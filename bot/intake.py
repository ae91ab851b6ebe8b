"""Takes verified events in: one durable claim, then the acknowledgement; the work comes later.

The only code between a platform's request and its 200. See docs/decisions/0001.
"""

import asyncio
import time

from bot.metrics import GatewayMetrics
from handlers import Invocation, Reaction
from storage import inbox
from storage.clock import utc_now
from storage.database import Database
from storage.ids import InboxId
from storage.inbox import Duplicate, Taken

WAITING = 2_000
"""Events held in memory for this process; the rest is found in the inbox when its lease ends."""


class DurableIntake:
    """The real `bot.face.Intake`."""

    def __init__(self, database: Database, metrics: GatewayMetrics) -> None:
        """Accepted events wait in `taken` for the dispatcher."""
        self._database = database
        self._metrics = metrics
        self.taken: asyncio.Queue[Taken] = asyncio.Queue(WAITING)

    async def accept(self, event: Invocation | Reaction, keys: tuple[str, ...]) -> InboxId | None:
        """See `bot.face.Intake`."""
        started = time.perf_counter()
        platform = str(event.caller.platform)
        payload = event.model_dump(mode="json")
        self._metrics.received.labels(platform).inc()
        try:
            taken = await self._database.write(
                lambda s: inbox.claim(s, platform, payload, keys, utc_now())
            )
        except Duplicate:
            self._metrics.duplicates.labels(platform).inc()
            return None
        finally:
            self._metrics.accept_s.observe(time.perf_counter() - started)
        if not self.taken.full():
            self.taken.put_nowait(taken)
        return taken.id
