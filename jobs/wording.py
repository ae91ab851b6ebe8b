"""Words and blocks that the replies of several jobs share."""

import re
from collections.abc import Sequence

from jobs.messages import Action, Block, Text
from storage.ids import JobId

_TICKS = re.compile(r"`+")
_MARKS = re.compile(r"[\\`*_\[\]<>|~]")


def count(number: int, noun: str) -> str:
    """ "1 test", "2,000 tests"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def code(text: str, most: int = 200) -> str:
    """A code span, whatever the text holds; a long one is cut."""
    line = " ".join(text.split("\n"))
    shown = line if len(line) <= most else f"{line[: most - 1]}…"
    longest = max((len(run) for run in _TICKS.findall(shown)), default=0)
    ticks = "`" * (longest + 1)
    edge = " " if shown.startswith("`") or shown.endswith("`") or not shown.strip() else ""
    return f"{ticks}{edge}{shown}{edge}{ticks}"


def one_line(text: str, most: int = 80) -> str:
    """What somebody called something, for where Markdown means nothing."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def plain(text: str, most: int = 80) -> str:
    """What somebody called something, on one line and without a meaning in Markdown."""
    return _MARKS.sub(r"\\\g<0>", one_line(text, most))


def notes_of(notes: Sequence[str]) -> list[Block]:
    """What the answer tells besides, as a list."""
    return [Text(markdown="\n".join(f"- {note}" for note in notes))] if notes else []


def retry_button(job: JobId) -> Action:
    """The button that asks for the same job again."""
    return Action(verb="retry", label="Retry", job=job)


def opinion_buttons(job: JobId) -> tuple[Action, ...]:
    """Again, and how it was."""
    return (
        retry_button(job),
        Action(verb="feedback", label="👍", job=job, words="up"),
        Action(verb="feedback", label="👎", job=job, words="down"),
    )
