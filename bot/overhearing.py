"""What stood in a chat when a command was given, for jobs that read it.

A look is made once for a message, whatever number of commands it holds, and only where the command
stands: its thread, or the message that it answers. What cannot be read is told in the answer; it
stops no command.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence

import structlog

from bot.face import Busy, Conversation, Face, Remarks, Undeliverable
from bot.grammar import snippets_of
from handlers import Invocation, Platform, Topic
from jobs.requests import Remark, Snippet, Talk

log = structlog.get_logger()

TITLE_MAX, BODY_MAX, REMARK_MAX = 300, 20_000, 4_000
"""Characters."""
REMARKS_MAX = 50
BLOCKS_MAX = 40_000
"""Characters of all blocks of code in remarks; the newest are kept."""
LOOK_S = 20.0
KEPT = 32
"""Looks that are remembered, for the next command of the same message."""


class Overhearing:
    """Looks back into chats."""

    def __init__(self, faces: Mapping[Platform, Face]) -> None:
        """A platform without a conversation is not looked into."""
        self._conversations = {
            platform: face.conversation
            for platform, face in faces.items()
            if face.conversation is not None
        }
        self._kept: OrderedDict[str, Talk] = OrderedDict()

    async def talk(self, asked: Invocation) -> Talk | None:
        """What was said before a command, with a note of what could not be read; None where there
        is nothing to look into.
        """
        conversation = self._conversations.get(asked.place.platform)
        if conversation is None:
            return None
        key = asked.model_dump_json(include={"place", "said_at", "received_at"})
        if key not in self._kept:
            self._kept[key] = await talk_of(await _said(conversation, asked), None)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return self._kept[key]


async def _said(conversation: Conversation, asked: Invocation) -> Remarks:
    try:
        async with asyncio.timeout(LOOK_S):
            return await conversation.said_before(asked)
    except (Busy, TimeoutError) as busy:
        why, reason = "does not answer now", str(busy)
    except Undeliverable as closed:
        why, reason = "does not let me", str(closed)
    log.warning("thread not read", platform=asked.place.platform, reason=reason)
    return Remarks(notes=(unread(f"{asked.place.platform.title()} {why}"),))


def unread(why: str) -> str:
    """The note of a thread that could not be read; `why` is Markdown without a full stop."""
    return f"I could not read the thread: {why}."


async def talk_of(said: Remarks, topic: Topic | None, *, with_snippets: bool = True) -> Talk:
    """What is kept of a conversation; finding the blocks of code in it takes its time."""
    kept = said.remarks[-REMARKS_MAX:]
    found: Sequence[tuple[Snippet, ...]] = [()] * len(kept)
    if with_snippets:
        found = await asyncio.to_thread(lambda: list(_snippets(kept)))
    remarks = (
        Remark(author=one.author, text=one.text[:REMARK_MAX], at=one.at, snippets=snippets)
        for one, snippets in zip(kept, found, strict=True)
    )
    topic = topic or Topic()
    return Talk(
        title=topic.title[:TITLE_MAX],
        body=topic.body[:BODY_MAX],
        author=topic.author,
        remarks=tuple(remarks),
        left_out=said.left_out + len(said.remarks) - len(kept),
        snippets=said.attached,
        notes=said.notes,
    )


def _snippets(remarks: Sequence[Remark]) -> Iterator[tuple[Snippet, ...]]:
    """The blocks of code of each remark before the files that came with it."""
    room, kept = BLOCKS_MAX, list[tuple[Snippet, ...]]()
    for remark in reversed(remarks):
        blocks: list[Snippet] = []
        for block in reversed(snippets_of(remark.text)):
            room -= len(block.text)
            if room >= 0:
                blocks.insert(0, block)
        kept.append((*blocks, *remark.snippets))
    yield from reversed(kept)
