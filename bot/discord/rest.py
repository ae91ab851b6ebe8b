"""The few REST calls our messages need.

Everything here works without a gateway connection, so that a replica which does not hold it can
speak too.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO

import discord
from discord.http import Route

from bot.discord.buttons import Button, Style
from bot.discord.pace import Pace
from bot.discord.refusals import Code, TokenedClient, logged_in_call
from bot.face import Busy
from bot.fence import may_be_there
from bot.text import one_line

THREAD_REST_MINUTES = 10_080
"""Discord's longest time without a word before a thread is archived: a week."""
FIRST_ANSWER_S = 3.0
"""Discord takes the acknowledgement of a command for so long."""
SEARCHED = 100
"""Messages looked through for one of our own: one call."""
_NONCE_LENGTH = 25
_ORIGINAL = "/webhooks/{webhook_id}/{webhook_token}/messages/@original"
_NO_THREAD_HERE = {
    Code.UNKNOWN_MESSAGE,
    Code.MISSING_PERMISSIONS,
    Code.NOT_IN_THIS_CHANNEL,
    Code.TOO_MANY_THREADS,
}
_STYLES = {
    Style.PRIMARY: discord.ButtonStyle.primary,
    Style.SECONDARY: discord.ButtonStyle.secondary,
    Style.DANGER: discord.ButtonStyle.danger,
}
_NOBODY = discord.AllowedMentions.none()
_SUPPRESS_EMBEDS = discord.MessageFlags.suppress_embeds.flag


@dataclass(frozen=True)
class Attachment:
    """A file to send."""

    name: str
    content: bytes
    alt: str = ""


@dataclass(frozen=True)
class Outgoing:
    """A message to send."""

    content: str
    buttons: tuple[Button, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    reply_to: int | None = None


class Rest:
    """Sends, edits and finds messages. Every call raises as `logged_in_call` says."""

    def __init__(self, client: TokenedClient, pace: Pace) -> None:
        """`client` needs no gateway connection; `pace` is the bot's."""
        self._client = client
        self._pace = pace

    async def send(self, channel: int, message: Outgoing, *, key: str) -> int:
        """Post a message and return its id; for some minutes Discord itself answers a second
        post under the same `key` with the first one's message.
        """
        target = self._client.get_partial_messageable(channel)
        send = partial(
            target.send,
            message.content,
            files=[_file(each) for each in message.attachments],
            view=_view(message.buttons),
            nonce=_nonce(key),
            allowed_mentions=_NOBODY,
            suppress_embeds=True,
        )
        async with logged_in_call(self._client, self._pace):
            if message.reply_to is None:
                return (await send()).id
            return (await send(reference=_reference(channel, message.reply_to))).id

    async def edit(
        self, channel: int, message: int, content: str, buttons: Sequence[Button]
    ) -> None:
        """Change a message of ours, waking its thread where it sleeps; one that somebody deleted
        stays deleted.
        """
        target = self._client.get_partial_messageable(channel).get_partial_message(message)
        async with logged_in_call(self._client, self._pace):
            try:
                await _edit(target, content, buttons)
            except discord.HTTPException as error:
                if error.code == Code.UNKNOWN_MESSAGE:
                    return
                if error.code != Code.THREAD_ARCHIVED:
                    raise
                await self._client.http.edit_channel(channel, archived=False)
                await _edit(target, content, buttons)

    async def has_room_for_progress(self) -> bool:
        """Whether an edit that could as well be left out may be made."""
        return await self._pace.has_room_for_progress()

    async def own_messages(
        self, channel: int, *, after: int | None = None
    ) -> list[discord.Message]:
        """Our own among the latest hundred messages, or among the hundred after one."""
        target = self._client.get_partial_messageable(channel)
        start = None if after is None else discord.Object(after)
        async with logged_in_call(self._client, self._pace):
            try:
                history = target.history(limit=SEARCHED, after=start)
                return [each async for each in history if each.author == self._client.user]
            except discord.Forbidden:
                return []  # we may speak here but not read back: the nonce has to do

    async def complete(self, token: str, content: str, buttons: Sequence[Button]) -> int | None:
        """Write a slash command's deferred answer; its message id, or None when the token's
        quarter of an hour is over, the answer was deleted or Discord never heard of it.

        Raises:
            Busy: We were quicker than the acknowledgement that is to be written over.
        """
        application = self._client.application_id
        route = Route("PATCH", _ORIGINAL, webhook_id=application, webhook_token=token)
        body = {
            "content": content,
            "components": _view(buttons).to_components(),
            "allowed_mentions": _NOBODY.to_dict(),
            "flags": _SUPPRESS_EMBEDS,
        }
        async with logged_in_call(self._client, self._pace):
            try:
                data = await self._client.http.request(route, json=body)
            except discord.HTTPException as error:
                if error.code == Code.UNKNOWN_WEBHOOK and not may_be_there():
                    wait_s = FIRST_ANSWER_S
                    raise Busy("Discord: not acknowledged yet", retry_after_s=wait_s) from error
                if isinstance(error, discord.NotFound) or error.code == Code.TOKEN_EXPIRED:
                    return None
                raise
        return int(data["id"])

    async def open_thread(self, channel: int, message: int, name: str) -> int | None:
        """The thread that starts from a message, made where it is missing; None where there can
        be none (a direct message, a thread, no permission, the message deleted).
        """
        async with logged_in_call(self._client, self._pace):
            try:
                await self._client.http.start_thread_with_message(
                    channel, message, name=name, auto_archive_duration=THREAD_REST_MINUTES
                )
            except discord.HTTPException as error:
                if error.code in _NO_THREAD_HERE:
                    return None
                if error.code != Code.THREAD_EXISTS:
                    raise
        return message  # a thread has the id of the message it starts from

    async def invite(self, thread: int, account: int) -> None:
        """Put a person into a thread, so that they hear of what is said there; who cannot be
        put there still sees it in the channel.
        """
        async with logged_in_call(self._client, self._pace):
            try:
                await self._client.http.add_user_to_thread(thread, account)
            except (discord.Forbidden, discord.NotFound):
                return


async def _edit(target: discord.PartialMessage, content: str, buttons: Sequence[Button]) -> None:
    await target.edit(
        content=content, view=_view(buttons) if buttons else None, allowed_mentions=_NOBODY
    )


def _reference(channel: int, message: int) -> discord.MessageReference:
    return discord.MessageReference(
        message_id=message, channel_id=channel, fail_if_not_exists=False
    )


def _file(attachment: Attachment) -> discord.File:
    return discord.File(
        BytesIO(attachment.content),
        attachment.name,
        description=one_line(attachment.alt)[:1024] or None,
    )


def _view(buttons: Sequence[Button]) -> discord.ui.View:
    """The rows of buttons; presses reach us by `custom_id`, so the library keeps no view."""
    view = discord.ui.View(timeout=None)
    for button in buttons:
        style = _STYLES[button.style]
        view.add_item(
            discord.ui.Button(label=button.label, custom_id=button.custom_id, style=style)
        )
    view.stop()
    return view


def _nonce(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:_NONCE_LENGTH]
