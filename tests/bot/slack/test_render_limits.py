"""Whatever a reply holds, what comes out passes Slack's rules and loses nothing."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bot.face import JobView
from bot.slack.pages import Message
from bot.slack.pieces import WHOLE_ANSWER
from bot.slack.prose import defuse
from bot.slack.render import MOST_MESSAGES, render_plainly, render_reply, render_status
from bot.whole_answer import whole_answer
from handlers import Caller, Platform
from jobs.messages import Actions, Block, Code, Collapsible, File, Picture, Reply, Text, say
from storage.ids import JobId
from storage.states import JobState
from tests.bot.slack.replies import replies, texts
from tests.fakes.slack.limits import check_message
from tests.fakes.slack.limits import texts as texts_of

PING = re.compile(r"<(!(channel|here|everyone|subteam)|[@#][A-Z0-9])|@(channel|here|everyone)\b")
BUTTONS_MOST = 2
WORD = re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]{1,60}(?![A-Za-z0-9])")
"""Not the long ones, which are cut where a message ends."""
_parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable("inline")
_unhurried = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


def shown(messages: tuple[Message, ...]) -> str:
    return "\n".join(t for m in messages for b in m.blocks for t in texts_of(b))


def markdown_of(message: Message) -> list[str]:
    return [block["text"] for block in message.blocks if block["type"] == "markdown"]


def open_fences(markdown: str) -> list[str]:
    """Fences that only the end of the block closes."""
    lines = markdown.split("\n")
    found: list[str] = []
    for token in _parser.parse(markdown):
        if token.type == "fence" and token.level == 0 and token.map:
            last = lines[token.map[1] - 1].strip()
            if token.map[1] - token.map[0] < 2 or not last.startswith(token.markup):
                found.append(lines[token.map[0]])
    return found


def check(messages: tuple[Message, ...]) -> None:
    for message in messages:
        check_message(message.text, [dict(block) for block in message.blocks])
        assert message.text
        for markdown in markdown_of(message):
            assert not open_fences(markdown)


@_unhurried
@given(replies())
def test_any_reply_passes_slacks_limits(reply: Reply) -> None:
    rendered = render_reply(reply)
    check(rendered.messages)
    assert len(rendered.messages) <= MOST_MESSAGES + BUTTONS_MOST
    names = [attachment.name.lower() for attachment in rendered.attachments]
    assert len(names) == len(set(names))
    check(render_plainly(reply).messages)


@_unhurried
@given(texts())
def test_no_text_pings_anybody(text: str) -> None:
    rendered = render_reply(Reply(summary=text, blocks=(Text(markdown=text), Code(text=text))))
    for message in rendered.messages:
        assert not PING.search(message.text)
    assert not PING.search(shown(rendered.messages))


@_unhurried
@given(texts())
def test_every_word_of_a_text_is_shown_or_attached(text: str) -> None:
    rendered = render_reply(say(text))
    attached = "".join((a.content or b"").decode() for a in rendered.attachments)
    seen = re.sub(r"\u200b", "", shown(rendered.messages) + attached)
    for word in set(WORD.findall(text)):
        assert word in seen, word
    if any(a.name == WHOLE_ANSWER for a in rendered.attachments):
        assert whole_answer(say(text)).encode() in [a.content for a in rendered.attachments]


def artifacts_in(blocks: tuple[Block, ...]) -> int:
    return sum(
        artifacts_in(block.blocks)
        if isinstance(block, Collapsible)
        else isinstance(block, File | Picture)
        for block in blocks
    )


def actions_in(blocks: tuple[Block, ...]) -> list[str]:
    found: list[str] = []
    for block in blocks:
        match block:
            case Collapsible():
                found += actions_in(block.blocks)
            case Actions():
                found += [action.line for action in block.actions]
            case _:
                pass
    return found


@_unhurried
@given(replies())
def test_no_file_and_no_button_is_lost(reply: Reply) -> None:
    rendered = render_reply(reply)
    kept = [a for a in rendered.attachments if a.artifact is not None]
    assert len(kept) == artifacts_in(reply.blocks)
    values: list[str] = [
        element["value"]
        for message in rendered.messages
        for block in message.blocks
        if block["type"] == "actions"
        for element in block["elements"]
    ]
    complete = WHOLE_ANSWER not in [a.name for a in rendered.attachments]
    wanted = [line for line in actions_in(reply.blocks) if line.split()]
    if complete and len(wanted) <= 25 and all(len(line) < 100 for line in wanted):
        said = shown(rendered.messages)
        for line in {" ".join(line.split()) for line in wanted if line.isprintable()}:
            assert line in values or defuse(line.replace("`", "\u02cb")) in said


@_unhurried
@given(
    line=texts(),
    text=texts(),
    name=st.text(max_size=200),
    state=st.sampled_from(JobState),
    rooted=st.booleans(),
)
def test_any_status_passes_slacks_limits(**drawn: Any) -> None:
    rooted = drawn.pop("rooted")
    message = render_status(status(**drawn), rooted=rooted)
    check((message,))
    assert not PING.search(message.text)
    assert not PING.search(shown((message,)))


def status(line: str, text: str, name: str, state: JobState) -> JobView:
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    return JobView(
        job=JobId("J7K2M9Q"),
        verb="test",
        line=line,
        state=state,
        text=text,
        done=0.5,
        attempt=2,
        asked_by=Caller(platform=Platform.SLACK, account="not an id", name=name),
        created_at=now,
        started_at=now,
        finished_at=now + timedelta(days=400),
        ahead=10**9,
    )
