"""What people had said in a Slack thread when a command was given in it.

Slack tells a thread from its beginning on, a page at a time; what counts most is its end. An app
that is sold outside of Slack's marketplace gets one page of fifteen messages a minute: then the
beginning has to do. https://docs.slack.dev/reference/methods/conversations.replies
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from pydantic import ValidationError

from bot.attached import BYTES_MAX, AttachedFiles
from bot.face import Busy, Remarks, Undeliverable
from bot.overhearing import REMARKS_MAX, unread
from bot.slack.api import Refusal, SlackApi
from bot.slack.hosted import attached
from bot.slack.mrkdwn import to_markdown
from bot.slack.normalize import PEOPLES_SUBTYPES, moment
from bot.slack.payloads import Written
from bot.text import clean
from handlers import Attached, Invocation
from jobs.requests import Remark

PAGE, PAGES_MAX = 200, 5
LONGEST_MESSAGE = 20_000
"""Characters of one that are read."""


@dataclass(frozen=True)
class _Said:
    """One message of a person."""

    written: Written
    at: datetime

    def is_changed(self, since: datetime) -> bool:
        """Whether it was edited after that."""
        edited = self.written.edited
        return edited is not None and (moment(edited.ts) or since) > since


class SlackThreads:
    """See `bot.face.Conversation`."""

    def __init__(self, api: SlackApi) -> None:
        """One workspace's API."""
        self._api = api

    async def said_before(self, asked: Invocation) -> Remarks:
        """See `bot.face.Conversation.said_before`; outside of threads, the command's own files."""
        files = AttachedFiles(self._download)
        own = await files.read(asked.attached, tells=True)
        if asked.place.thread is None:
            return Remarks(attached=own, notes=tuple(files.notes))
        until = asked.said_at or asked.received_at
        found, notes = await self._thread(asked.place.channel, asked.place.thread, until)
        there = [one for one in found if one.at <= until and one.written.ts != asked.place.message]
        unchanged = [one for one in there if not one.is_changed(until)]
        remarks: list[Remark] = []
        for one in reversed(unchanged[-REMARKS_MAX:]):
            snippets = await files.read(attached(one.written.files))
            text = clean(to_markdown(one.written.text[:LONGEST_MESSAGE], None))
            author = one.written.user or ""
            remarks.append(Remark(author=author, text=text, at=one.at, snippets=snippets))
        return Remarks(
            tuple(reversed(remarks)),
            len(there) - len(remarks),
            own,
            (*notes, *files.notes),
        )

    async def _thread(
        self, channel: str, root: str, until: datetime
    ) -> tuple[list[_Said], list[str]]:
        """The messages of people, oldest first, and what could not be read."""
        found: dict[str, _Said] = {}
        args: dict[str, Any] = {
            "channel": channel,
            "ts": root,
            "latest": f"{until.timestamp():.6f}",
            "inclusive": True,
            "limit": PAGE,
        }
        for _ in range(PAGES_MAX):
            try:
                answer = await self._api.call("conversations.replies", args)
            except Refusal as refusal:
                return [], [unread(refusal.in_words)]
            except Busy:
                if not found:
                    raise
                return list(found.values()), ["I read only the beginning of the thread."]
            found |= _read(cast("list[dict[str, Any]]", answer.get("messages") or []))
            further: dict[str, Any] = answer.get("response_metadata") or {}
            args["cursor"] = further.get("next_cursor")
            if not args["cursor"]:
                return list(found.values()), []
        return list(found.values()), ["I read only the beginning of the thread."]

    async def _download(self, file: Attached) -> bytes:
        try:
            return await self._api.download(file.address, BYTES_MAX)
        except Refusal as refusal:
            raise Undeliverable(refusal.in_words) from refusal


def _read(messages: list[dict[str, Any]]) -> dict[str, _Said]:
    """What people wrote, by timestamp; bots and ourselves are left out."""
    found: dict[str, _Said] = {}
    for message in messages:
        try:
            written = Written.model_validate(message)
        except ValidationError:
            continue
        at = moment(written.ts)
        is_a_persons = not written.bot_id and written.user and written.subtype in PEOPLES_SUBTYPES
        if at is not None and is_a_persons:
            found[written.ts] = _Said(written, at)
    return found
