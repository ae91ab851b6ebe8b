"""What Slack would make of our messages and files."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, cast

from bot.slack.pages import Message
from bot.slack.render import Rendered, render_plainly, render_reply, render_status
from tests.acceptance.rendering.cases import JOB, Case
from tests.acceptance.rendering.judging import Fault, Timing, lost, parted, unseen
from tests.acceptance.rendering.read import TABLED, blocks_in, codes, codes_of
from tests.fakes.slack.limits import Refused, check_message, texts

FACE = "slack"
_PING = re.compile(
    r"<(!(channel|here|everyone|subteam|group|date)\b|[@#][A-Z0-9])|@(channel|here|everyone|group)\b",
    re.IGNORECASE,
)
_MOST_LINES = 10_000
"""Of a file that is read: a longer text stands in it as its own source."""
_LINK = re.compile(r"<(?!https?://|mailto:)[^<>\n]*\|")


def judge(case: Case, words: Sequence[str], timing: Timing) -> Iterator[Fault]:
    """Everything wrong with the status, the result or answer, and the files."""
    for rooted in (False, True) if case.has_job else ():
        yield from _message(render_status(case.view, rooted=rooted))
    job = JOB if case.has_job else None
    rendered, slow = timing.timed(FACE, lambda: render_reply(case.reply, job=job))
    yield from slow
    for message in (*rendered.messages, *render_plainly(case.reply).messages):
        yield from _message(message)
    shown = [_seen(message) for message in rendered.messages]
    attached = [(each.content or b"").decode() for each in rendered.attachments]
    names = [each.name for each in rendered.attachments]
    kept = "\n".join([*shown, *attached, *names])
    yield from lost(FACE, case, words, kept)
    yield from unseen(FACE, [*shown, *attached, *names])
    yield from parted(FACE, case, shown)
    if len({name.lower() for name in names}) != len(names):
        yield Fault(FACE, "limit", f"file names {names}")
    yield from _code(case, rendered, attached)


def _message(message: Message) -> Iterator[Fault]:
    blocks = [dict(block) for block in message.blocks]
    try:
        check_message(message.text, blocks)
    except Refused as refused:
        yield Fault(FACE, "limit", str(refused))
    if not message.text:
        yield Fault(FACE, "limit", "no fallback text")
    for block in blocks:
        if block["type"] == "markdown":
            yield from _markdown(block["text"])
            yield from _live(block["text"], is_markdown=True)
        for text in _mrkdwn(block):
            yield from _live(text, is_markdown=False)
    yield from _live(message.text, is_markdown=False)


def _mrkdwn(node: Any) -> Iterator[str]:
    """Texts in which Slack looks for mentions and links."""
    match node:
        case {"type": "mrkdwn", "text": str(text)}:
            yield text
        case dict():
            yield from _mrkdwn(list(cast("dict[str, Any]", node).values()))
        case list():
            for each in cast("list[Any]", node):
                yield from _mrkdwn(each)
        case _:
            pass


def _live(text: str, *, is_markdown: bool) -> Iterator[Fault]:
    text = re.sub(r"<@U1>", "", text)
    found = _PING.search(text) or (None if is_markdown else _LINK.search(text))
    if found is not None:
        yield Fault(FACE, "mention", repr(text[max(found.start() - 20, 0) :][:60]))


def _markdown(text: str) -> Iterator[Fault]:
    """Nothing in a block may take in what stands behind it."""
    last = blocks_in(f"{text}\n\nBEHIND", TABLED)[-2:]
    if last[0].content != "BEHIND" or last[1].level != 0:
        yield Fault(FACE, "fence", repr(text[-100:]))


def _seen(message: Message) -> str:
    said = [text for block in message.blocks for text in texts(block)]
    values = [element["value"] for block in message.blocks for element in _elements(block)]
    return "\n".join([*said, *values])


def _elements(block: dict[str, Any]) -> list[dict[str, Any]]:
    return block["elements"] if block["type"] == "actions" else []


def _code(case: Case, rendered: Rendered, attached: Sequence[str]) -> Iterator[Fault]:
    wanted = [_bare(code) for code in codes_of(case.reply.blocks)]
    blocks = [block for message in rendered.messages for block in message.blocks]
    markdown = [block["text"] for block in blocks if block["type"] == "markdown"]
    found = [_bare(code) for text in markdown for code in codes(f"{text}\n\nBEHIND", TABLED)]
    documents = [text for text in attached if text.count("\n") < _MOST_LINES]
    if len(documents) < len(attached):
        return
    inside = [_bare(code) for text in documents for code in codes(text, TABLED)]
    kept = {*found, *inside, *(_bare(text.rstrip("\n")) for text in attached)}
    for code in wanted:
        if code.strip() and code not in kept and not any(code in _bare(each) for each in attached):
            yield Fault(FACE, "code changed", repr(code[:200]))
    for code in found:
        if code.strip() and code not in wanted:
            yield Fault(FACE, "prose became code", repr(code[:200]))


def _bare(text: str) -> str:
    return text.replace("\u200b", "")
