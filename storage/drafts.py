"""What a running job has written so far, kept in one place and written over.

A draft is no event: it is worth nothing once there is a newer one, and nothing at all once the job
has ended. Only its end is kept. Secrets are taken out when it is shown; what is kept here is
cut so that this can be done: never within a secret, neither at its end nor at its beginning.
"""

import re
import unicodedata
from dataclasses import dataclass

from sqlmodel import Session, col, delete

from storage.database import insert_returning
from storage.ids import JobId
from storage.redaction import Redactor
from storage.redaction.unfinished import finished
from storage.tables.drafts import DraftRow

KEPT = 8_000
"""Characters of a draft; twice what any face shows, so that a secret is seen from its beginning."""
_KEY = "PRIVATE KEY"
_LONGEST_KEY = 20_000
_FENCE_ROOM = 60
_LONGEST_INFO = 40
_SPACE_WITHIN = 200
_FENCE = re.compile(
    r"^[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(`{3,}(?=[^`\n]*$)|~{3,})[ \t]*([^\n]*)$",
    re.MULTILINE,
)
_OVER_THE_OLDER = (
    "ON CONFLICT (job_id) DO UPDATE SET revision = drafts.revision + 1, text = excluded.text, "
    "length = excluded.length RETURNING revision"
)
_JOINER = "\u200d"


@dataclass(frozen=True)
class Draft:
    """The end of what was written, as it is kept."""

    text: str = ""
    length: int = 0
    """Characters written so far, those before `text` included."""


def kept(written: str) -> Draft:
    """What is kept of a text that is still being written: its end, without the last word."""
    text = written[: finished(written)]
    if len(text) <= KEPT:
        return Draft(text, len(text))
    length = len(text)
    if _KEY in text:  # it may begin before what is kept
        text = Redactor().redacted(text[-KEPT - _LONGEST_KEY :])
    return Draft(ending(text, KEPT), length)


def ending(markdown: str, most: int) -> str:
    """The end of a text in at most so many characters, from the beginning of a line on where one
    is near. Of a fence it has the first line again.
    """
    if len(markdown) <= most:
        return markdown
    least = len(markdown) - most + min(_FENCE_ROOM, most // 2)
    at = _line_from(markdown, least, most)
    opened = _opened(markdown[:at])
    return f"{opened}\n{markdown[at:]}" if opened else markdown[at:]


def keep(session: Session, job: JobId, draft: Draft) -> None:
    """Write it over the job's older one, whose lease the caller holds."""
    values = {"job_id": job, "revision": 1, "text": draft.text, "length": draft.length}
    insert_returning(session, DraftRow, values, _OVER_THE_OLDER)


def find(session: Session, job: JobId) -> DraftRow | None:
    """What the job has written so far, if it runs and has written anything."""
    return session.get(DraftRow, job)


def drop(session: Session, job: JobId) -> None:
    """The job no longer runs."""
    session.exec(delete(DraftRow).where(col(DraftRow.job_id) == job))


def _line_from(text: str, least: int, most: int) -> int:
    """Where a line begins at `least` or soon behind it; else a word, else a character."""
    line = text.find("\n", least - 1, least + most // 2)
    if line >= 0:
        return line + 1
    space = text.find(" ", least, least + _SPACE_WITHIN)
    at = space + 1 if space >= 0 else least
    while at < len(text) and _goes_on(text, at):
        at += 1
    return at


def _goes_on(text: str, at: int) -> bool:
    """Whether a reader sees one character on both sides."""
    after = text[at]
    is_mark = unicodedata.category(after)[0] == "M" or "\U0001f3fb" <= after <= "\U0001f3ff"
    return is_mark or _JOINER in (after, text[at - 1])


def _opened(before: str) -> str:
    """The first line of the fence that is open behind a text, or nothing."""
    fence = info = ""
    for found in _FENCE.finditer(before):
        marks, said = found[1], found[2].strip()
        if not fence:
            fence, info = marks, said
        elif marks[0] == fence[0] and len(marks) >= len(fence) and not said:
            fence = ""
    return f"{fence[: _FENCE_ROOM // 3]}{info[:_LONGEST_INFO]}" if fence else ""
