"""Messages that were written while none of us listened: read back from their channels.

Discord replays events to a session that is resumed; a new one, after a restart or a take-over,
hears nothing of what came before it. Message ids are in order of time, so one of them says how far
we have heard. It is remembered, and when a session begins, every channel that holds something
newer is read from there on. What was taken before is known by its key. A slash command or button
of that time has failed for its person at once, and reactions and edits of that time are lost.
https://docs.discord.com/developers/events/gateway#resuming
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Protocol

import discord
import structlog
from discord.utils import snowflake_time, time_snowflake
from pydantic import BaseModel

from bot.discord.pace import Pace
from bot.discord.refusals import TokenedClient, logged_in_call
from bot.face import Busy, NotTaken, Undeliverable
from storage.clock import utc_now

log = structlog.get_logger()

REMEMBERED_EVERY_S = 10.0
OVERLAP = timedelta(minutes=5)
"""Read again before what was remembered: its taking may have been under way."""
FARTHEST_BACK = timedelta(days=1)
PAGE = 100
MOST_PAGES = 20
"""Of one channel."""
MOST_DIRECT = 50
"""Direct conversations that are looked into: those in which people wrote last."""
AGAIN_S = 5.0

Take = Callable[[discord.Message], Awaitable[None]]


class Remembered(Protocol):
    """One text that outlives restarts. Both raise Busy when it is out of reach."""

    async def get(self) -> str | None:
        """The text that was set last."""
        ...

    async def set(self, text: str) -> None:
        """Remember a text."""
        ...


class _Heard(BaseModel):
    """How far we have heard."""

    first: int
    """We were not here before this."""
    message: int
    direct: list[int] = []
    """Direct channels do not come with a session, so they are remembered."""


class Missed:
    """Keeps track of how far we have heard, and reads back what is missing."""

    def __init__(self, client: TokenedClient, pace: Pace, kept: Remembered, take: Take) -> None:
        """`take` is given every message that is read back, of whatever it speaks."""
        self._client = client
        self._pace = pace
        self._kept = kept
        self._take = take
        self._first = self._newest = 0
        self._direct: deque[int] = deque(maxlen=MOST_DIRECT)
        self._told: _Heard | None = None
        self._gaps = self._closed = 0
        self._may_read = asyncio.Event()

    def began(self) -> None:
        """A session has begun: what came before it, it will not be told."""
        self._gaps += 1

    def ready(self) -> None:
        """The session has named every channel, so that they can be read."""
        self._may_read.set()

    def lost(self) -> None:
        """A message was told, but could not be taken."""
        self._gaps += 1
        self._may_read.set()

    def heard(self, message: discord.Message) -> None:
        """The session told of a message."""
        self._newest = max(self._newest, message.id)
        if message.guild is None and message.channel.id not in self._direct:
            self._direct.append(message.channel.id)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                if not self._first:
                    await self._recall()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(REMEMBERED_EVERY_S):  # wait_for may miss a cancel
                        await self._may_read.wait()
                if self._may_read.is_set():
                    await self._close_gap()
                await self._remember()
            except (Busy, NotTaken) as error:
                log.warning("not heard of everything yet", reason=str(error), again_in_s=AGAIN_S)
                await asyncio.sleep(AGAIN_S)

    async def _close_gap(self) -> None:
        self._may_read.clear()
        gaps = self._gaps
        try:
            await self._read_back()
        except (Busy, NotTaken):
            self._may_read.set()
            raise
        self._closed = gaps

    async def _remember(self) -> None:
        told = _Heard(first=self._first, message=self._newest, direct=list(self._direct))
        if self._closed == self._gaps and told != self._told:
            await self._kept.set(told.model_dump_json())
            self._told = told

    async def _recall(self) -> _Heard:
        """What is remembered. When we come for the first time, it begins now."""
        kept = await self._kept.get()
        if kept is None:
            now = time_snowflake(utc_now())
            kept = _Heard(first=now, message=now).model_dump_json()
            await self._kept.set(kept)
        heard = _Heard.model_validate_json(kept)
        self._first, self._newest = heard.first, max(self._newest, heard.message)
        self._direct.extend(each for each in heard.direct if each not in self._direct)
        return heard

    async def _read_back(self) -> None:
        heard, now = await self._recall(), utc_now()
        since = max(
            heard.first,
            time_snowflake(snowflake_time(heard.message) - OVERLAP),
            time_snowflake(now - FARTHEST_BACK),
        )
        read = [await self._read_channel(each, since) for each in self._channels(since)]
        log.info("read back what was missed", channels=len(read), messages=sum(read))

    def _channels(self, since: int) -> Iterator[discord.abc.Messageable]:
        for guild in self._client.guilds:
            rooms = (guild.text_channels, guild.voice_channels, guild.stage_channels, guild.threads)
            for channel in (each for kind in rooms for each in kind):
                if (channel.last_message_id or 0) > since:
                    yield channel
        for direct in list(self._direct):
            yield self._client.get_partial_messageable(direct)

    async def _read_channel(self, channel: discord.abc.Messageable, since: int) -> int:
        count = 0
        for _ in range(MOST_PAGES):
            page = await self._page(channel, since)
            for message in page:
                await self._take(message)
                since = max(since, message.id)
            self._newest = max(self._newest, since)
            count += len(page)
            if len(page) < PAGE:
                break
        else:
            log.warning("not all was read back", channel=str(channel), messages=count)
        return count

    async def _page(self, channel: discord.abc.Messageable, since: int) -> list[discord.Message]:
        """The oldest messages after one; none where we may not read."""
        after = discord.Object(since)
        while True:
            try:
                async with logged_in_call(self._client, self._pace):
                    return [each async for each in channel.history(limit=PAGE, after=after)]
            except Busy as busy:
                await asyncio.sleep(busy.retry_after_s)
            except Undeliverable:
                return []
