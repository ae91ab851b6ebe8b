"""Status messages and replies as Discord messages; pure."""

from collections.abc import Callable

from bot.discord.blocks import Page, Upload, calls_nobody, harmless, inline, pieces_of
from bot.discord.buttons import button_of
from bot.discord.pages import CONTENT_LIMIT, Draft, is_visible, paginate
from bot.discord.plain import escaped, in_code_span
from bot.drafts import fitted
from bot.face import JobView
from bot.text import head, one_line, units
from bot.whole_answer import whole_answer
from jobs.messages import Action, Reply, Text
from storage.ids import ArtifactId, JobId
from storage.states import JobState

LONGEST_VERB = 40
LONGEST_NAME = 80
LONGEST_LINE = 300
LONGEST_TEXT = 400
LONGEST_THREAD_NAME = 100
_MINUTE_S = 60
_ASKED = " · asked by "
_SIGN = {
    JobState.WAITING: "✋",
    JobState.QUEUED: "🕓",
    JobState.RUNNING: "⏳",
    JobState.SUCCEEDED: "✅",
    JobState.FAILED: "❌",
    JobState.CANCELLED: "🚫",
}


def render_status(view: JobView) -> Draft:
    """The job's status message: what, which state, how far; below its id and who asked."""
    said = " · ".join([f"{_SIGN[view.state]} {_command(view)}", view.state.value, *_progress(view)])
    cancel = button_of(Action(verb="cancel", label="Cancel", job=view.job, destructive=True))
    buttons = () if view.state.final or cancel is None else (cancel,)
    below = f"{status_marker(view.job)}{_foot(view)}"
    room = CONTENT_LIMIT - units(said) - units(below) - 2
    shown = fitted(view, room, lambda heading, text: _drafted(heading, text, room))
    return Draft("\n".join([said, *([shown] if shown else []), below]), buttons=buttons)


def _drafted(heading: str, markdown: str, room: int) -> str | None:
    """What the job has written so far; None where there is no room for it."""
    pages = paginate(pieces_of([Text(markdown=markdown)], Page(link=str)), lambda: Upload("draft"))
    if len(pages) > 1 or any(page.uploads for page in pages):
        return None
    shown = "\n".join([f"**{heading}**", *(page.content for page in pages)])
    return shown if units(shown) <= room else None


def render_request(view: JobView) -> Draft:
    """The message a thread starts from after a slash command."""
    line = _code(f"/gryph {view.line}")
    return Draft(f"**{_name(view)}** asked: {line}\n{status_marker(view.job)}")


def render_reply(
    reply: Reply, *, link: Callable[[ArtifactId], str], job: JobId | None = None
) -> tuple[Draft, ...]:
    """The reply as one or more messages; a job's carry its id in their last line."""
    title = job or "reply"
    drafts = paginate(
        pieces_of(reply.blocks, Page(link, title)),
        lambda: Upload(f"{title}.md", text=whole_answer(reply, link)),
    )
    if not drafts:
        summary = inline(head(reply.summary, LONGEST_TEXT))
        drafts = (Draft(summary if is_visible(summary) else "(empty)"),)
    return drafts if job is None else _marked(drafts, job)


def thread_name(view: JobView) -> str:
    """What a job's thread is called."""
    tail = f" · {view.job}"
    line = one_line(view.line)
    return head(line, LONGEST_THREAD_NAME - len(tail)).rstrip() + tail


def status_marker(job: JobId) -> str:
    """How the last line of a job's message begins; it is found again by that after a crash."""
    return f"-# {job}"


def result_marker(job: JobId, number: int, count: int) -> str:
    """The last line of a result's message."""
    return f"-# {job} · result" if count == 1 else f"-# {job} · result {number}/{count}"


def marker_kind(content: str) -> str:
    """What tells a job's message from every other: its last line, but for a status message's
    changing part.
    """
    marker, asked, _ = content.rpartition("\n")[2].partition(_ASKED)
    return marker + asked


def _marked(drafts: tuple[Draft, ...], job: JobId) -> tuple[Draft, ...]:
    marked: list[Draft] = []
    for number, draft in enumerate(drafts, 1):
        marker = result_marker(job, number, len(drafts))
        content = f"{draft.content}\n{marker}".lstrip("\n")
        marked.append(Draft(content, draft.uploads, draft.buttons))
    return tuple(marked)


def _command(view: JobView) -> str:
    verb, _, rest = one_line(view.line).partition(" ")
    verb = escaped(harmless(head(verb, LONGEST_VERB)))
    return f"**{verb}** {_code(rest)}" if rest else f"**{verb}**"


def _code(line: str) -> str:
    line = in_code_span(calls_nobody(line))
    return f"`{line}`" if units(line) <= LONGEST_LINE else f"`{head(line, LONGEST_LINE)}…`"


def _progress(view: JobView) -> list[str]:
    said: list[str] = []
    if view.in_line:
        said.append(view.in_line)
    text = one_line(view.text)
    if text and text != view.state.value:
        short = head(text, LONGEST_TEXT)
        said.append(inline(short if short == text else f"{short}…"))
    if view.state is JobState.RUNNING and view.done is not None:
        said.append(f"{view.done * 100:.0f} %")
    return said


def _foot(view: JobView) -> str:
    said = [f"{_ASKED}{_name(view)}"]
    if view.attempt > 1:
        said.append(f"attempt {view.attempt}")
    if view.started_at is not None and view.finished_at is not None:
        said.append(f"took {_duration((view.finished_at - view.started_at).total_seconds())}")
    elif view.state is JobState.RUNNING and view.started_at is not None:
        said.append(f"started <t:{view.started_at.timestamp():.0f}:R>")
    return " · ".join(said)


def _name(view: JobView) -> str:
    return harmless("@" + escaped(head(view.asked_by.name, LONGEST_NAME)))


def _duration(seconds: float) -> str:
    if seconds < _MINUTE_S:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), _MINUTE_S)
    return f"{minutes} min {rest} s"
