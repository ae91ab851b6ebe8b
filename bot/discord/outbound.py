"""Our messages on Discord: one thread for each question, in it a status message and the result.

A slash command's deferred answer becomes the message that the thread starts from; its token is
used for that alone, since it lives for 15 minutes and jobs may take longer.
"""

from dataclasses import dataclass

import discord

from bot.discord.blocks import UPLOAD_LIMIT_BYTES, Upload
from bot.discord.pace import Pace
from bot.discord.pages import Draft
from bot.discord.plain import escaped
from bot.discord.refusals import TokenedClient
from bot.discord.render import (
    marker_kind,
    render_reply,
    render_request,
    render_status,
    thread_name,
)
from bot.discord.rest import Attachment, Outgoing, Rest
from bot.face import ArtifactReader, JobView, Posted
from bot.fence import may_be_there
from bot.text import size
from handlers import Place
from jobs.messages import Reply
from storage.ids import JobId

DIRECT = "dm"
"""`Place.workspace` of a direct message."""
REQUEST_LIMIT_BYTES = 20 * 1024 * 1024
"""All files of one message; Discord takes 25 MiB a request."""


@dataclass(frozen=True)
class _Spot:
    """Where a status message goes."""

    channel: int
    reply_to: int | None = None
    is_own_thread: bool = False


class DiscordOutbound:
    """Posts, edits and finds our messages; see `bot.face.Outbound`."""

    edit_interval_s = 1.5
    result_replaces_status = False

    def __init__(
        self, client: TokenedClient, artifacts: ArtifactReader, pace: Pace | None = None
    ) -> None:
        """`client` needs no gateway connection; `pace` is the bot's."""
        self._rest = Rest(client, pace or Pace(None))
        self._artifacts = artifacts

    async def post_status(self, place: Place, view: JobView, *, key: str) -> Posted:
        """Post the job's status message, in a thread where there can be one."""
        draft = render_status(view)
        if _stays(place):
            message = await self._complete(place, draft)
            if message is not None:
                return _posted(_channel(place), message)
        spot = await self._spot(place, view, key)
        message = await self._find(spot.channel, draft)
        if message is None:
            outgoing = Outgoing(draft.content, draft.buttons, reply_to=spot.reply_to)
            message = await self._rest.send(spot.channel, outgoing, key=key)
        if spot.is_own_thread:
            await self._rest.invite(spot.channel, int(view.asked_by.account))
        return _posted(spot.channel, message)

    async def edit_status(self, place: Place, status: Posted, view: JobView) -> None:  # noqa: ARG002
        """Show the job's present state in its status message, unless it is only progress and would
        use up our share of calls.
        """
        if not view.state.final and not await self._rest.has_room_for_progress():
            return
        draft = render_status(view)
        channel, message = int(status.data["channel"]), int(status.data["message"])
        await self._rest.edit(channel, message, draft.content, draft.buttons)

    async def post_result(
        self,
        place: Place,  # noqa: ARG002
        status: Posted,
        view: JobView,
        reply: Reply,
        *,
        key: str,
    ) -> Posted:
        """Post the result behind the status message; the key is that of its last message."""
        channel = int(status.data["channel"])
        drafts = render_reply(reply, link=self._artifacts.link, job=view.job)
        earlier = await self._earlier(channel)
        found = {marker_kind(each.content): each.id for each in earlier}
        message = 0
        for number, draft in enumerate(drafts):
            known = found.get(marker_kind(draft.content))
            message = known or await self._post(_Part(channel, draft, f"{key}:{number}", view.job))
        return _posted(channel, message)

    async def answer(self, place: Place, reply: Reply, *, key: str) -> Posted:
        """Answer in place: a slash command's own answer, or a reply to the message."""
        drafts = render_reply(reply, link=self._artifacts.link)
        channel, anchor = _channel(place), _snowflake(place.message)
        completed = await self._complete(place, drafts[0])
        if completed is not None:
            anchor, drafts = completed, (*_uploads_alone(drafts[0]), *drafts[1:])
        earlier: list[discord.Message] = []
        if anchor is not None and drafts:
            earlier = await self._earlier(channel, after=anchor)
        message = completed
        for number, draft in enumerate(drafts):
            known = next((each.id for each in earlier if _answers(each, draft, anchor)), None)
            message = known or await self._post(
                _Part(channel, draft, f"{key}:{number}", reply_to=anchor)
            )
        assert message is not None, "a reply renders to at least one message"
        return _posted(channel, message)

    async def _complete(self, place: Place, draft: Draft) -> int | None:
        """Turn a slash command's deferred answer into `draft`; None where there is none."""
        if place.callback is None:
            return None
        return await self._rest.complete(place.callback, draft.content or "…", draft.buttons)

    async def _spot(self, place: Place, view: JobView, key: str) -> _Spot:
        asked = _snowflake(place.message)
        if _stays(place):
            return _Spot(_channel(place), reply_to=asked)
        root = asked or await self._request(place, view, key)
        channel = _channel(place)
        thread = await self._rest.open_thread(channel, root, thread_name(view))
        if thread is None:
            return _Spot(channel, reply_to=root)
        return _Spot(thread, is_own_thread=True)

    async def _request(self, place: Place, view: JobView, key: str) -> int:
        """The message that says what was asked by slash command, for the thread to start from."""
        draft = render_request(view)
        message = await self._complete(place, draft)
        if message is not None:
            return message
        channel = _channel(place)
        message = await self._find(channel, draft)
        if message is not None:
            return message
        return await self._rest.send(channel, Outgoing(draft.content), key=f"{key}:request")

    async def _find(self, channel: int, draft: Draft) -> int | None:
        """The message that an earlier attempt made of a draft with a job's id below it."""
        kind = marker_kind(draft.content)
        earlier = await self._earlier(channel)
        return next((each.id for each in earlier if marker_kind(each.content) == kind), None)

    async def _earlier(self, channel: int, *, after: int | None = None) -> list[discord.Message]:
        """Our messages of late, if an earlier attempt may have made any."""
        return await self._rest.own_messages(channel, after=after) if may_be_there() else []

    async def _post(self, part: "_Part") -> int:
        """Send one message; links to what it cannot carry go before it."""
        attachments, links = await self._load(part)
        message = None
        if links:
            outgoing = Outgoing("\n".join(links), reply_to=part.reply_to)
            message = await self._rest.send(part.channel, outgoing, key=f"{part.key}:links")
        draft = part.draft
        if message is not None and not (draft.content or attachments):
            return message
        outgoing = Outgoing(draft.content, draft.buttons, tuple(attachments), part.reply_to)
        return await self._rest.send(part.channel, outgoing, key=part.key)

    async def _load(self, part: "_Part") -> tuple[list[Attachment], list[str]]:
        attachments: list[Attachment] = []
        links: list[str] = []
        room = REQUEST_LIMIT_BYTES
        for upload in part.draft.uploads:
            try:
                content = await self._content(upload)
            except FileNotFoundError:
                links.append(f"{escaped(upload.name)} is no longer kept.")
                continue
            if len(content) <= min(room, UPLOAD_LIMIT_BYTES):
                room -= len(content)
                attachments.append(Attachment(upload.name, content, upload.alt))
            else:
                links.append(await self._link(upload, content, part.job))
        return attachments, links

    async def _content(self, upload: Upload) -> bytes:
        if upload.artifact is None:
            return upload.text.encode()
        return await self._artifacts.read(upload.artifact)

    async def _link(self, upload: Upload, content: bytes, job: JobId | None) -> str:
        artifact = upload.artifact or await self._artifacts.keep(job, upload.name, content)
        address = self._artifacts.link(artifact)
        return f"[{escaped(upload.name)}]({address}) · {size(len(content))}"


@dataclass(frozen=True)
class _Part:
    """One message of a reply."""

    channel: int
    draft: Draft
    key: str
    job: JobId | None = None
    reply_to: int | None = None


def _uploads_alone(draft: Draft) -> tuple[Draft, ...]:
    """What a slash command's own answer leaves to a message behind it."""
    return (Draft("", draft.uploads),) if draft.uploads else ()


def _stays(place: Place) -> bool:
    """Whether the place is a conversation of its own, in which no thread is opened."""
    return place.workspace == DIRECT or place.thread is not None


def _channel(place: Place) -> int:
    return int(place.thread or place.channel)


def _snowflake(text: str | None) -> int | None:
    return None if text is None else int(text)


def _posted(channel: int, message: int) -> Posted:
    return Posted(message_key(message), {"channel": str(channel), "message": str(message)})


def message_key(message: int) -> str:
    """How a message of ours is named in `Posted` and `Reaction`."""
    return f"discord:{message}"


def _answers(message: discord.Message, draft: Draft, anchor: int | None) -> bool:
    """Whether the message is what an earlier attempt made of the draft."""
    reference = message.reference
    return (
        reference is not None
        and reference.message_id == anchor
        and message.content == draft.content.strip()
        and len(message.attachments) == len(draft.uploads)
    )
