"""A thread's changes as server-sent events (HTML Living Standard, section 9.2)."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from datetime import datetime

from bot.console.notifier import Notifier
from bot.console.thread import message_of
from storage import console
from storage.clock import utc_now
from storage.database import Database
from storage.tables.console import ConsoleMessageRow

HEARTBEAT_S = 15.0
POLL_S = 0.5
"""How soon a change made through another gateway is seen."""
_PAGE = 100


class ThreadStream:
    """Frames of one reader; each call to `frames` goes on from `after` until the token ends."""

    def __init__(
        self, database: Database, notifier: Notifier, *, heartbeat_s: float = HEARTBEAT_S
    ) -> None:
        """Changes are read from `database` when `notifier` says so, and every half second."""
        self._database = database
        self._notifier = notifier
        self._heartbeat_s = heartbeat_s

    async def frames(
        self, conversation: str, after: int, until: datetime
    ) -> AsyncGenerator[str, None]:
        """Every message made or edited after that change, as it is when it is read."""
        seen = after
        beat_at = time.monotonic() + self._heartbeat_s
        yield ": here\n\n"
        with self._notifier.reading(conversation) as changed:
            while utc_now() < until:
                changed.clear()
                for row in await self._changes(conversation, seen):
                    yield _frame(row, seen)
                    seen = row.change
                if time.monotonic() >= beat_at:
                    beat_at = time.monotonic() + self._heartbeat_s
                    yield ": still here\n\n"
                with suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), POLL_S)

    async def _changes(self, conversation: str, after: int) -> list[ConsoleMessageRow]:
        return list(
            await self._database.read(
                lambda session: console.changed_after(session, conversation, after, _PAGE)
            )
        )


def _frame(row: ConsoleMessageRow, seen: int) -> str:
    """A change; whoever missed the making of a message is told of it as new."""
    event = "created" if row.created_change > seen else "edited"
    data = message_of(row).model_dump_json()
    return f"id: {row.change}\nevent: {event}\ndata: {data}\n\n"
