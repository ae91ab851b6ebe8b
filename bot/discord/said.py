"""What people had said on Discord before a command: in its thread, or in the message it answers.

Without the privileged intent for message content Discord shows only messages that mention us, by
REST as by the gateway; it counts whether the intent is switched on for the application, not whether
a connection asks for it. https://docs.discord.com/developers/events/gateway#message-content-intent
"""

from datetime import datetime

import discord
from discord.utils import time_snowflake

from bot.attached import AttachedFiles
from bot.discord.events import attached, is_a_persons, names_in
from bot.discord.markdown import from_discord
from bot.discord.pace import Pace
from bot.discord.refusals import TokenedClient, logged_in_call, outside_call
from bot.face import Remarks
from bot.overhearing import REMARKS_MAX, unread
from bot.text import clean
from handlers import Attached, Invocation, Place
from jobs.requests import Remark

_NOT_SHOWN = unread(
    "Discord does not show me what people write (switch on the Message Content Intent on the "
    "application's Bot page)"
)


class DiscordThreads:
    """See `bot.face.Conversation`."""

    def __init__(self, client: TokenedClient, pace: Pace) -> None:
        """`client` needs no gateway connection; `pace` is the bot's."""
        self._client = client
        self._pace = pace

    async def said_before(self, asked: Invocation) -> Remarks:
        """See `bot.face.Conversation.said_before`."""
        files = AttachedFiles(self._download)
        own = await files.read(asked.attached, tells=True)
        until = asked.said_at or asked.received_at
        there = [each for each in await self._messages(asked, until) if is_a_persons(each)]
        shown = [each for each in there if not _is_hidden(each)]
        unchanged = [each for each in shown if not _is_changed(each, until)]
        remarks: list[Remark] = []
        for each in reversed(unchanged):  # the newest files first, while there is room
            snippets = await files.read(attached(each))
            remarks.insert(0, self._remark(each).model_copy(update={"snippets": snippets}))
        hidden = (_NOT_SHOWN,) if len(shown) < len(there) else ()
        left_out = len(shown) - len(unchanged)
        return Remarks(tuple(remarks), left_out, own, (*hidden, *files.notes))

    async def _messages(self, asked: Invocation, until: datetime) -> list[discord.Message]:
        """The thread and the answered message, oldest first, without the command."""
        place = asked.place
        found = [] if place.thread is None else await self._thread(place, place.thread, until)
        known = {str(each.id) for each in found}
        if asked.reply_to is not None and asked.reply_to not in known:
            found += await self._one(place.thread or place.channel, asked.reply_to)
        others = (each for each in found if str(each.id) != place.message)
        return sorted(others, key=lambda each: each.id)

    async def _thread(self, place: Place, thread: str, until: datetime) -> list[discord.Message]:
        """The newest of its messages, and the one that it starts from, which stands in the channel
        and has its id.
        """
        before = discord.Object(time_snowflake(until, high=True))
        room = self._client.get_partial_messageable(int(thread))
        async with logged_in_call(self._client, self._pace):
            found = [each async for each in room.history(limit=REMARKS_MAX, before=before)]
        if len(found) < REMARKS_MAX and not any(str(each.id) == thread for each in found):
            found += await self._one(place.channel, thread)
        return found

    async def _one(self, channel: str, message: str) -> list[discord.Message]:
        """The message, if it is there."""
        room = self._client.get_partial_messageable(int(channel))
        async with logged_in_call(self._client, self._pace):
            try:
                return [await room.fetch_message(int(message))]
            except discord.NotFound:
                return []

    async def _download(self, file: Attached) -> bytes:
        """Discord's own address and size of it: nobody can make it tell another. No token goes
        along.
        """
        async with outside_call():
            try:
                return await self._client.http.get_from_cdn(file.address)
            except discord.NotFound:
                return b""

    def _remark(self, message: discord.Message) -> Remark:
        us = self._client.user
        assert us is not None, "it has read as us"
        text = clean(from_discord(message.content, names_in(message, us)))
        return Remark(author=message.author.display_name, text=text, at=message.created_at)


def _is_hidden(message: discord.Message) -> bool:
    """Whether there is something in it that we are not shown."""
    parts = (message.content, message.attachments, message.embeds, message.stickers, message.poll)
    return not any(parts)


def _is_changed(message: discord.Message, since: datetime) -> bool:
    """Whether it was edited when the command was given, or later; in doubt it was."""
    return message.edited_at is not None and message.edited_at >= since
