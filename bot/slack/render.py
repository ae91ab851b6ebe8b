"""A job's status and a reply as Slack messages; pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.drafts import fitted
from bot.face import JobView
from bot.slack.mrkdwn import from_inline
from bot.slack.pages import Message, Page, Piece, SlackBlock, close, fill
from bot.slack.pieces import WHOLE_ANSWER, Attachment, Pieces, button_rows, context
from bot.slack.prose import code, escape, escaped, literal
from bot.text import one_line, units
from bot.whole_answer import whole_answer
from handlers import Caller
from jobs.messages import Block, Reply, Text
from storage.ids import JobId
from storage.states import JobState

MOST_MESSAGES = 3
"""A longer answer is read better in a file than as a flood of messages."""
DRAFT_CHARACTERS = 3_000
"""Of a draft in a status message; more would push the thread out of sight with every edit."""
_SUMMARY_UNITS = 300
_LINE_UNITS = 600
_TEXT_UNITS = 900
_LINKS_A_BLOCK = 10
_MINUTE_S = 60
_ACCOUNT = re.compile(r"[UW][A-Z0-9]{1,30}")
_SIGNS = {
    JobState.WAITING: ":raised_hand:",
    JobState.QUEUED: ":hourglass_flowing_sand:",
    JobState.RUNNING: ":gear:",
    JobState.SUCCEEDED: ":white_check_mark:",
    JobState.FAILED: ":x:",
    JobState.CANCELLED: ":no_entry_sign:",
}


@dataclass(frozen=True)
class Rendered:
    """Messages in order, and the files that belong under them."""

    messages: tuple[Message, ...]
    attachments: tuple[Attachment, ...] = ()


def render_status(view: JobView, *, rooted: bool = False) -> Message:
    """Where the job is. `rooted`: the message starts a thread, so it says first what was asked."""
    verb, _, rest = one_line(view.line).partition(" ")
    command = f"*{escaped(verb, 100)}* {code(rest, _LINE_UNITS)}".rstrip()
    if rooted:
        asked = code(one_line(view.line), _LINE_UNITS)
        command = f"{_person(view.asked_by)} asked: {asked}\n{_SIGNS[view.state]}"
    else:
        command = f"{_SIGNS[view.state]} {command} ·"
    said = [f"*{view.state.value}*", *_progress(view)]
    section: SlackBlock = {
        "type": "section",
        "text": {"type": "mrkdwn", "text": f"{command} {' · '.join(said)}"},
    }
    if not view.state.final:
        section["accessory"] = _cancel(view)
    drafted = fitted(view, DRAFT_CHARACTERS, _drafted) or ()
    footing = context(" · ".join(_footing(view, rooted=rooted))).block
    plain = f"{escaped(one_line(view.line), _LINE_UNITS)}: {view.state.value} ({view.job})"
    return Message(plain, (section, *drafted, footing))


def _drafted(heading: str, markdown: str) -> tuple[SlackBlock, ...] | None:
    """What the job has written so far; None where that is too much for a message."""
    pieces = Pieces()
    pages, complete = fill(pieces.shown((Text(markdown=markdown),)), 1)
    if not complete or pieces.attachments:
        return None
    return (context(f"_{heading}_").block, *pages[0].blocks)


def _cancel(view: JobView) -> SlackBlock:
    return {
        "type": "button",
        "text": {"type": "plain_text", "text": "Cancel", "emoji": True},
        "action_id": f"g:cancel:{view.job}",
        "value": f"cancel {view.job}",
    }


def _progress(view: JobView) -> list[str]:
    """What there is to say about the state."""
    said: list[str] = []
    text = one_line(view.text)
    if view.in_line:
        said.append(view.in_line)
    if text and text.lower() != view.state.value:
        shown = from_inline(text)
        said.append(shown if units(shown) <= _TEXT_UNITS else escaped(text, _TEXT_UNITS))
    if view.state is JobState.RUNNING and view.done is not None:
        said.append(f"{round(view.done * 100)} % done")
    return said


def _footing(view: JobView, *, rooted: bool) -> list[str]:
    said = [code(view.job)]
    if not rooted:
        said.append(f"asked by {_person(view.asked_by)}")
    if view.attempt > 1:
        said.append(f"attempt {view.attempt}")
    if view.started_at is not None and view.finished_at is not None:
        said.append(f"took {_span((view.finished_at - view.started_at).total_seconds())}")
    return said


def _person(caller: Caller) -> str:
    """A mention, which Slack shows as the person's present name."""
    if _ACCOUNT.fullmatch(caller.account):
        return f"<@{caller.account}>"
    return escaped(one_line(caller.name), 200)


def _span(seconds: float) -> str:
    if seconds < _MINUTE_S:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), _MINUTE_S)
    return f"{minutes:,} min {rest} s"


def render_reply(
    reply: Reply, *, job: JobId | None = None, most_messages: int = MOST_MESSAGES
) -> Rendered:
    """The reply within Slack's limits, a job's with its id.

    What does not fit is in an attachment: single long blocks in their own, and the whole reply in
    `WHOLE_ANSWER` when its text is cut. Buttons stand at the end.
    """
    pieces = Pieces()
    blocks: tuple[Block, ...] = reply.blocks or (Text(markdown=literal(reply.summary)),)
    pages, complete = fill(pieces.shown(blocks), most_messages)
    attachments = tuple(pieces.attachments)
    endings: list[Piece] = []
    if not complete:
        endings.append(context(f":scissors: Cut here; all of it stands in `{WHOLE_ANSWER}`."))
    if not complete or pieces.incomplete:
        attachments += (_whole(reply),)
    if not pages[0].blocks and not pieces.buttons:
        endings.append(context("_(There is nothing to show.)_"))
    if job is not None:
        endings.append(context(code(job)))
    close(pages, [*endings, *button_rows(pieces.buttons)])
    return Rendered(_messages(reply, pages), attachments)


def render_plainly(reply: Reply) -> Rendered:
    """The reply as one line and a file: for the day Slack refuses what `render_reply` made."""
    summary = escaped(one_line(reply.summary), _SUMMARY_UNITS)
    text = f"{summary}\nThe whole answer stands in `{WHOLE_ANSWER}`."
    section: SlackBlock = {"type": "section", "text": {"type": "mrkdwn", "text": text}}
    return Rendered((Message(text, (section,)),), (_whole(reply),))


def _whole(reply: Reply) -> Attachment:
    content = whole_answer(reply).encode()
    return Attachment(WHOLE_ANSWER, len(content), content=content)


def _messages(reply: Reply, pages: Sequence[Page]) -> tuple[Message, ...]:
    text = escaped(one_line(reply.summary), _SUMMARY_UNITS) or "An answer"
    return tuple(Message(text, tuple(page.blocks)) for page in pages)


def links_message(links: Sequence[tuple[str, str]]) -> Message:
    """Files (name, address) that a person can open, where they cannot be uploaded."""
    lines = [f":paperclip: <{escape(address)}|{escape(name)}>" for name, address in links]
    rows = [
        context("\n".join(lines[start : start + _LINKS_A_BLOCK])).block
        for start in range(0, len(lines), _LINKS_A_BLOCK)
    ]
    return Message("Files", tuple(rows))
