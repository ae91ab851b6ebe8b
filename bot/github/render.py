"""Status messages, results and answers as GitHub comments and check runs; pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.document import as_paragraph
from bot.drafts import LONGEST, fitted
from bot.face import JobView
from bot.github.blocks import Fitted, Page, fit
from bot.github.harmless import code_span, escaped, inline, plain_line, unmentioned
from bot.github.marker import marker
from bot.text import clean, head, units
from jobs.match_buttons import VERB as MATCH
from jobs.messages import Action, Actions, Block, Reply, Text, Verdict
from storage.ids import JobId
from storage.states import JobState

COMMENT_ROOM = 65_000
"""GitHub takes 65,536 characters."""
DRAFT_ROOM = 16_000
"""Of what `bot.drafts.LONGEST` characters of a draft are made into."""
REMARK_ROOM = 8_000
"""More is read in the job's comment."""
CHECK_ROOM = 60_000
"""GitHub takes 65,535 for a check run's summary, which users measured in bytes too."""
PUSH, REVIEWERS = "push", "reviewers"
PARTS = (PUSH, REVIEWERS)
"""Of the comment that all jobs share which a repository asks for itself, in order; each is named in
the invisible line that ends it."""
REVIEWERS_ROOM = 8_000
"""The rest of such a comment is the pushes'."""
LONGEST_LINE = 300
LONGEST_TEXT = 400
LONGEST_CHECK_TITLE = 250
LONGEST_IDENTIFIER = 20
LONGEST_LABEL = 20
MOST_CHECK_ACTIONS = 3
_GAP = "\n\n"
_MINUTE_S = 60
_SIGN = {
    JobState.WAITING: "✋",
    JobState.QUEUED: "🕓",
    JobState.RUNNING: "⏳",
    JobState.SUCCEEDED: "✅",
    JobState.FAILED: "❌",
    JobState.CANCELLED: "🚫",
}
_CHECKED = {"changes": "behaviour"}
"""What a check run tells of, where the verb does not say it: so that one can be required alone."""
MOST_ANNOTATIONS = 50
"""GitHub takes no more at once."""
ANNOTATION_ROOM = 2_000
_VERDICT = {
    Verdict.PASSES: ("success", "notice"),
    Verdict.DIFFERS: ("neutral", "notice"),
    Verdict.FAILS: ("failure", "warning"),
}
"""The conclusion, and the level of what is said of lines."""
_CONCLUSION = {
    JobState.SUCCEEDED: "success",
    JobState.FAILED: "failure",
    JobState.CANCELLED: "cancelled",
}
_PURPOSE = {
    "apply": "Open a pull request with the files",
    "retry": "Run the same job again",
    "cancel": "Stop this job",
}


@dataclass(frozen=True)
class Whole:
    """Where everything is, when a comment holds only the beginning."""

    name: str
    address: str
    characters: int


def status_marker(job: JobId) -> str:
    """The invisible line of a job's one comment, in all its states."""
    return marker(f"{job}:status", job)


def render_status(view: JobView) -> str:
    """The job's comment until its result is there."""
    parts = [_status_line(view), *(fitted(view, LONGEST, _drafted) or ())]
    if not view.state.final:
        parts.append(f"<sub>Reply {code_span(f'/gryph cancel {view.job}')} to stop it.</sub>")
    return _GAP.join([*parts, _hidden(view)])


def _drafted(heading: str, markdown: str) -> tuple[str, str] | None:
    """What the job has written so far; None where that is too much for a comment."""
    made = fit((Text(markdown=markdown),), Page(link=str), DRAFT_ROOM)
    return (f"*{heading}*", made.text) if made.is_whole else None


def render_result(view: JobView, reply: Reply, page: Page, whole: Whole | None = None) -> Fitted:
    """The job's comment with its result; not whole when `whole` is needed."""
    first = _status_line(_unrepeated(view, reply))
    return _comment(first, reply, page, (_hidden(view), whole), _room(view))


def part_of(view: JobView) -> str:
    """Of the shared comment, which part is the job's."""
    return REVIEWERS if view.verb == MATCH else PUSH


def _room(view: JobView) -> int:
    if not view.is_push:
        return COMMENT_ROOM
    return REVIEWERS_ROOM if part_of(view) == REVIEWERS else COMMENT_ROOM - REVIEWERS_ROOM


def _hidden(view: JobView) -> str:
    if view.is_push:
        return marker(f"{part_of(view)}:{made_ms(view)}", view.job)
    return status_marker(view.job)


def made_ms(view: JobView) -> int:
    """When the job was made, in milliseconds: how it is known which of two is newer."""
    return int(view.created_at.timestamp() * 1000)


def render_answer(reply: Reply, page: Page, *, key: str, whole: Whole | None = None) -> Fitted:
    """An answer that stands by itself; not whole when `whole` is needed."""
    return _comment("", reply, page, (marker(key), whole))


def _comment(
    first: str, reply: Reply, page: Page, ending: tuple[str, Whole | None], most: int = COMMENT_ROOM
) -> Fitted:
    hidden, whole = ending
    note = [] if whole is None else [_rest(whole)]
    frame = [part for part in (first, *note, hidden) if part]
    room = most - sum(units(part) + len(_GAP) for part in frame)
    body = fit(reply.blocks, page, room)
    said = body.text
    if not said.strip() and not note:
        line = escaped(head(reply.summary, LONGEST_TEXT))
        said = as_paragraph(line) or ("" if first else "(empty)")
    parts = [part for part in (first, said, *note, hidden) if part]
    return Fitted(_GAP.join(parts), body.is_whole)


def _rest(whole: Whole) -> str:
    name = escaped(whole.name)
    return (
        f"✂️ **Cut here.** The whole answer, {whole.characters:,} characters, is in "
        f"[{name}]({whole.address})."
    )


def _unrepeated(view: JobView, reply: Reply) -> JobView:
    """The view without the text that the reply says anyway."""
    said = (block.markdown for block in reply.blocks if isinstance(block, Text))
    return replace(view, text="") if any(one.startswith(view.text) for one in said) else view


def _status_line(view: JobView) -> str:
    said = [_command(view), _state(view), *_progress(view)]
    by = "asked for in `.gryph.toml`" if view.is_push else f"asked by {_name(view)}"
    return " · ".join([*said, code_span(view.job), by])


def _state(view: JobView) -> str:
    """In a word; what never started has not failed."""
    if view.state is JobState.FAILED and view.started_at is None:
        return _SIGN[JobState.WAITING] + (f" {view.state.value}" if not view.text else "")
    return f"{_SIGN[view.state]} {view.state.value}"


def _command(view: JobView) -> str:
    verb, _, rest = " ".join(view.line.split()).partition(" ")
    shown = rest if len(rest) <= LONGEST_LINE else f"{head(rest, LONGEST_LINE)}…"
    return f"**{escaped(verb)}** {code_span(shown)}" if rest else f"**{escaped(verb)}**"


def _progress(view: JobView) -> list[str]:
    said: list[str] = []
    if view.in_line:
        said.append(view.in_line)
    text = " ".join(view.text.split())
    if text and text != view.state.value:
        short = head(text, LONGEST_TEXT)
        said.append(inline(short if short == text else f"{short}…"))
    if view.state is JobState.RUNNING and view.done is not None:
        said.append(f"{view.done:.0%}")
    if view.attempt > 1:
        said.append(f"attempt {view.attempt}")
    if view.started_at is not None and view.finished_at is not None:
        said.append(_duration((view.finished_at - view.started_at).total_seconds()))
    return said


def _name(view: JobView) -> str:
    return escaped(head(view.asked_by.name, 80))


def _duration(seconds: float) -> str:
    if seconds < _MINUTE_S:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), _MINUTE_S)
    return f"{minutes} min {rest} s"


def render_remark(markdown: str) -> str:
    """What is said of one line, as a comment of a review."""
    return fit((Text(markdown=markdown),), Page(link=str), REMARK_ROOM).text


def check_name(view: JobView) -> str:
    """What the job's check run is called."""
    return f"gryph / {_CHECKED.get(view.kind, view.verb)}"


def render_check(view: JobView) -> dict[str, Any]:
    """The check run's changing part until the result is there."""
    running = view.state is JobState.RUNNING
    cancel = Action(verb="cancel", label="Cancel", job=view.job)
    return {
        "status": "in_progress" if running else "queued",
        "output": {"title": _check_title(view, view.text), "summary": _status_line(view)},
        "actions": _check_actions((cancel,)),
    }


def render_check_result(view: JobView, reply: Reply, page: Page) -> dict[str, Any]:
    """The check run's changing part with the result; what does not fit is in the comment."""
    first = _status_line(_unrepeated(view, reply))
    body = _fit_bytes(reply.blocks, page, CHECK_ROOM - len(first.encode()))
    finished = view.finished_at or view.created_at
    retry = Action(verb="retry", label="Retry", job=view.job)
    asked = [each for block in reply.blocks if isinstance(block, Actions) for each in block.actions]
    wished = [each for each in asked if isinstance(each, Action) and each.verb in _PURPOSE]
    return {
        "status": "completed",
        "conclusion": _conclusion(view, reply),
        "completed_at": finished.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "output": {
            "title": _check_title(view, view.text or reply.summary),
            "summary": f"{first}{_GAP}{body.text}".rstrip(),
            **_annotated(reply),
        },
        "actions": _check_actions(tuple(wished) or (retry,)),
    }


def _fit_bytes(blocks: Sequence[Block], page: Page, most: int) -> Fitted:
    """As `fit`, in UTF-8, where a unit takes three bytes at most."""
    body = fit(blocks, page, most)
    return body if len(body.text.encode()) <= most else fit(blocks, page, most // 3)


def _annotated(reply: Reply) -> dict[str, Any]:
    """What is said of lines; annotations know no Markdown, and show it as it was written."""
    level = _VERDICT[reply.verdict][1] if reply.verdict else "notice"
    annotations = [
        {
            "path": each.path,
            "start_line": each.line,
            "end_line": each.line,
            "annotation_level": level,
            "message": head(unmentioned(clean(each.text)), ANNOTATION_ROOM),
        }
        for each in reply.remarks[:MOST_ANNOTATIONS]
    ]
    return {"annotations": annotations} if annotations else {}


def _conclusion(view: JobView, reply: Reply) -> str:
    """What never started says nothing about the code, so it is no failure of its author's."""
    if view.state is JobState.FAILED and view.started_at is None:
        return "neutral"
    if view.state is JobState.SUCCEEDED and reply.verdict is not None:
        return _VERDICT[reply.verdict][0]
    return _CONCLUSION.get(view.state, "neutral")


def _check_title(view: JobView, text: str) -> str:
    return head(plain_line(text), LONGEST_CHECK_TITLE) or view.state.value


def _check_actions(actions: tuple[Action, ...]) -> list[dict[str, str]]:
    return [
        {
            "label": head(plain_line(each.label), LONGEST_LABEL),
            "description": _PURPOSE[each.verb],
            "identifier": each.line,
        }
        for each in actions
        if len(each.line) <= LONGEST_IDENTIFIER
    ][:MOST_CHECK_ACTIONS]
