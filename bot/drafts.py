"""What a running job has written so far, made fit to be shown; what it comes to is the result."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from bot.face import JobView
from storage.drafts import KEPT, ending
from storage.redaction import Redactor
from storage.states import JobState
from storage.tables.drafts import DraftRow

LONGEST = KEPT // 2
"""Characters that any face shows. A secret that begins before them is still seen as a whole."""
LEAST = 80
"""Fewer are not worth showing."""

Made = TypeVar("Made")


def with_draft(
    view: JobView, draft: DraftRow | None, redactor: Redactor, most: int = LONGEST
) -> JobView:
    """The view of a running job with the end of its draft, without secrets."""
    if draft is None or view.state is not JobState.RUNNING:
        return view
    text = ending(redactor.redacted(draft.text), most)
    return replace(view, draft=text, draft_length=draft.length)


def fitted(view: JobView, most: int, render: Callable[[str, str], Made | None]) -> Made | None:
    """What `render` makes of the longest end of the draft that fits, of at most so many characters.

    `render` gets a line that says what it is, and Markdown; it returns None for what is too long.
    """
    if not view.draft.strip():
        return None
    while most >= LEAST:
        text = ending(view.draft, most)
        made = render(_heading(view, is_whole=text == view.draft), text)
        if made is not None:
            return made
        most = min(most, len(view.draft)) * 2 // 3
    return None


def _heading(view: JobView, *, is_whole: bool) -> str:
    if is_whole and view.draft_length <= LONGEST:
        return "Draft, not checked yet:"
    return f"The end of a draft of {view.draft_length:,} characters, not checked yet:"
