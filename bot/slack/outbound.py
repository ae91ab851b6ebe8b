"""Puts our messages into Slack's channels and threads, each exactly once."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.face import ArtifactReader, JobView, Posted, Undeliverable
from bot.slack.api import Refusal, SlackApi, Upload
from bot.slack.attachments import UPLOADS_A_MESSAGE, Packer
from bot.slack.earlier import Earlier, Spot, earlier, mark
from bot.slack.normalize import message_key
from bot.slack.pages import Message
from bot.slack.render import Rendered, links_message, render_plainly, render_reply, render_status
from handlers import Place
from jobs.messages import Reply
from storage.ids import JobId

log = structlog.get_logger()

_CLOCK_SKEW = timedelta(minutes=2)
_NOT_THERE = {"not_in_channel", "channel_not_found"}
_MALFORMED = {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"}
REMEDY = "I cannot write in this channel. Type `/invite @gryph` here, then say your command again."
LINKS, REFUSED = "links", "refused"
"""Parts of a delivery besides its numbered messages: links for large files, links instead of
uploads."""
_GONE = {"cant_update_message", "edit_window_closed", "message_not_found"}
"""Slack's words for a message of ours that can no longer be edited."""


class SlackOutbound:
    """Slack's side of the delivery loop."""

    def __init__(self, api: SlackApi, artifacts: ArtifactReader) -> None:
        """`artifacts` holds the files that replies speak of."""
        self.edit_interval_s = 1.2
        self.result_replaces_status = False
        self._api = api
        self._packer = Packer(artifacts)

    async def post_status(self, place: Place, view: JobView, *, key: str) -> Posted:
        """Put the job's status under the message, or as a message of its own after a slash command.

        Raises:
            Busy: Try again later.
            Undeliverable: Never try again; where Slack lets us, the person was told the remedy.
        """
        spot = _spot(place)
        message = render_status(view, rooted=spot.thread is None)
        done = await earlier(self._api, spot, key, _before(view.created_at))
        try:
            ts = done.parts.get("0") or await self._post(spot, message, key, "0")
        except Refusal as refusal:
            await self._tell_remedy(place, refusal)
            raise Undeliverable(str(refusal)) from refusal
        return _posted(spot, ts, key)

    async def edit_status(self, place: Place, status: Posted, view: JobView) -> None:
        """Show the job's present state in its status message, unless it is only progress and would
        use up our share of edits. Raises as `post_status`.
        """
        del place  # the message knows where it is
        if not view.state.final and not await self._api.has_room_for_progress():
            return
        data = status.data
        message = render_status(view, rooted=data["thread"] == data["ts"])
        edit = {"channel": data["channel"], "ts": data["ts"], "metadata": mark(data["key"], "0")}
        try:
            await self._api.call("chat.update", {**edit, **_content(message)})
        except Refusal as refusal:
            if refusal.code not in _GONE:  # somebody deleted it: the result is still to be said
                raise Undeliverable(str(refusal)) from refusal

    async def post_result(
        self, place: Place, status: Posted, view: JobView, reply: Reply, *, key: str
    ) -> Posted:
        """Put the job's result under its status, with its files. Raises as `post_status`."""
        del place
        spot = Spot(status.data["channel"], status.data["thread"])
        whole = _Whole(reply, key, view.job)
        async with _refusals_final():
            return await self._deliver(spot, whole, since=status.data["ts"])

    async def answer(self, place: Place, reply: Reply, *, key: str) -> Posted:
        """Answer a message that became no job. Raises as `post_status`.

        A slash command or button is answered to its person alone, if one message holds it and it
        is not for all.
        """
        callback = None if reply.for_all else place.callback
        if callback is not None and await self._whisper(place, callback, reply):
            return Posted(f"slack:{place.channel}:whisper:{key}")
        async with _refusals_final():
            return await self._deliver(_spot(place), _Whole(reply, key), since=place.message)

    async def _whisper(self, place: Place, callback: str, reply: Reply) -> bool:
        """Whether the answer went to the person who pressed or typed.

        Slack keeps no such message, so it cannot be found again: after a crash in the moment
        between it and its record, it is said twice.
        """
        rendered = await _rendered(reply)
        only, *more = rendered.messages
        if more or rendered.attachments:
            return False
        body: dict[str, Any] = {
            "response_type": "ephemeral",
            "replace_original": False,
            **_content(only),
        }
        if place.thread is not None:
            body["thread_ts"] = place.thread
        try:
            await self._api.respond(callback, body)
        except Refusal as refusal:
            log.info("slack response_url no longer taken", error=refusal.code)
            return False
        return True

    async def _deliver(self, spot: Spot, whole: "_Whole", *, since: str | None) -> Posted:
        key = whole.key
        done = await earlier(self._api, spot, key, since)
        if spot.thread is None and "0" in done.parts:  # the rest stands in a thread under it
            spot = Spot(spot.channel, done.parts["0"])
            done = await earlier(self._api, spot, key, done.parts["0"])
        try:
            return await self._send(spot, await _rendered(whole.reply, whole.job), key, done)
        except Refusal as refusal:
            if refusal.code not in _MALFORMED:
                raise
            log.exception("slack refused a rendered reply", error=str(refusal), key=key)
        return await self._send(spot, render_plainly(whole.reply), key, done)

    async def _send(self, spot: Spot, rendered: Rendered, key: str, done: Earlier) -> Posted:
        """Post the messages that are missing, then the files that are missing.

        Each is noted in `done`, so that the same reply, rendered in another way, repeats none.
        """
        luggage = await self._packer.pack(rendered.attachments, key)
        messages = {str(part): message for part, message in enumerate(rendered.messages)}
        if luggage.links:
            messages[LINKS] = links_message(luggage.links)
        parts = done.parts
        for part, message in messages.items():
            if part not in parts:
                parts[part] = await self._post(_under(spot, parts), message, key, part)
        missing = [upload for upload in luggage.uploads if upload.title not in done.files]
        if REFUSED not in parts:
            await self._upload(_under(spot, parts), missing, key)
        return _posted(spot, parts["0"], key)

    async def _upload(self, spot: Spot, uploads: Sequence[Upload], key: str) -> None:
        """Upload; where the workspace does not let us, link instead."""
        try:
            for start in range(0, len(uploads), UPLOADS_A_MESSAGE):
                batch = uploads[start : start + UPLOADS_A_MESSAGE]
                await self._api.upload(spot.channel, spot.thread, batch)
        except Refusal as refusal:
            log.warning("slack took no upload; files are linked", error=str(refusal))
            links = await self._packer.links(uploads, key)
            await self._post(spot, links_message(links), key, REFUSED)

    async def _post(self, spot: Spot, message: Message, key: str, part: str) -> str:
        """Post one message, joining a public channel if need be; returns its ts."""
        args = {**_content(message), "channel": spot.channel, "metadata": mark(key, part)}
        if spot.thread is not None:
            args["thread_ts"] = spot.thread
        try:
            answer = await self._api.call("chat.postMessage", args)
        except Refusal as refusal:
            if refusal.code not in _NOT_THERE or not await self._joined(spot.channel):
                raise
            answer = await self._api.call("chat.postMessage", args)
        return str(answer["ts"])

    async def _joined(self, channel: str) -> bool:
        """Whether we could let ourselves in: only into a public channel, and with the scope."""
        try:
            await self._api.call("conversations.join", {"channel": channel})
        except Refusal as refusal:
            log.info("slack channel not joined", error=refusal.code)
            return False
        return True

    async def _tell_remedy(self, place: Place, refusal: Refusal) -> None:
        if refusal.code not in _NOT_THERE or place.callback is None:
            return
        try:
            await self._api.respond(place.callback, {"response_type": "ephemeral", "text": REMEDY})
        except Refusal as silent:
            log.info("slack person not told", error=silent.code)


@asynccontextmanager
async def _refusals_final() -> AsyncGenerator[None]:
    """What Slack refused and nothing here could mend will not be mended by trying again."""
    try:
        yield
    except Refusal as refusal:
        raise Undeliverable(str(refusal)) from refusal


@dataclass(frozen=True)
class _Whole:
    """A reply to be delivered under `key`, of a job or of nothing."""

    reply: Reply
    key: str
    job: JobId | None = None


async def _rendered(reply: Reply, job: JobId | None = None) -> Rendered:
    """Rendering 200,000 characters takes up to half a second, which the loop has not."""
    return await asyncio.to_thread(render_reply, reply, job=job)


def _spot(place: Place) -> Spot:
    """The thread of the message; the channel for a slash command, which has neither."""
    return Spot(place.channel, place.thread or place.message)


def _under(spot: Spot, parts: Mapping[str, str]) -> Spot:
    """Where the next message goes: under the first one, if that stands in the channel itself."""
    return Spot(spot.channel, spot.thread or parts.get("0"))


def _posted(spot: Spot, ts: str, key: str) -> Posted:
    data = {"channel": spot.channel, "ts": ts, "thread": spot.thread or ts, "key": key}
    return Posted(message_key(spot.channel, ts), data)


def _content(message: Message) -> dict[str, Any]:
    return {
        "text": message.text,
        "blocks": list(message.blocks),
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _before(moment: datetime) -> str:
    """A Slack timestamp surely before it, whatever our clock and Slack's disagree by."""
    return f"{(moment - _CLOCK_SKEW).timestamp():.6f}"
