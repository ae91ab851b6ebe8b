"""A command that somebody gives, and everything that was shown about it, with the times."""

import random
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import Any

from typing_extensions import override


class Face(StrEnum):
    """Where a command is given."""

    SLACK = "slack"
    DISCORD = "discord"
    GITHUB = "github"


EDIT_INTERVAL_S = {Face.SLACK: 1.2, Face.DISCORD: 1.5, Face.GITHUB: 6.0}
"""The least time between two edits of a status message: Slack takes about one a second of a
channel, Discord five in five seconds, GitHub 80 writes a minute of an installation."""
DRAFT = "not checked yet"
"""Stands above every draft."""
STATUS, RESULT, COMMENT, FILE = "status", "result", "comment", "file"


def now_s() -> float:
    """Seconds since 1970, by which everything here is timed: the platforms' and the traces' too."""
    return time.time()


class Stamped(list[Any]):
    """What a message showed, one after the other, and when it began to, in seconds since 1970."""

    def __init__(self, shown: Iterable[Any], at_s: float) -> None:
        """`at_s` is when the message was posted."""
        super().__init__(shown)
        self.at_s = [at_s] * len(self)

    @override
    def append(self, value: Any) -> None:
        """Note the time too."""
        super().append(value)
        self.at_s.append(now_s())


@dataclass(frozen=True)
class Shown:
    """A message of ours. `kind` is "status", "result 0", "file" …; "comment" is both on GitHub."""

    thread: str
    kind: str
    history: Stamped

    @property
    def drafts_s(self) -> list[float]:
        """When a draft was shown."""
        moments = zip(self.history, self.history.at_s, strict=True)
        return [at_s for text, at_s in moments if DRAFT in str(text)]


@dataclass
class Command:
    """One person's command."""

    number: int
    face: Face
    sent_s: float = 0.0
    acknowledged_s: float | None = None
    """None where nobody acknowledges, as on Discord's gateway."""
    thread: str = ""
    """Where the answer belongs."""
    shown: list[Shown] = field(default_factory=list[Shown])

    @property
    def line(self) -> str:
        """What is asked."""
        return f'generate "count the words, way {self.number}" in={self.path} --tests'

    @property
    def path(self) -> str:
        """Of the file that is asked for; no other command has it."""
        return f"text/way_{self.number}.py"

    @property
    def status(self) -> Shown | None:
        """The message that is edited."""
        return next((each for each in self.shown if each.kind in (STATUS, COMMENT)), None)

    @property
    def is_answered(self) -> bool:
        """Whether the whole answer stands in its thread, and nothing twice."""
        return not self.lacks and not self.doubled

    @property
    def lacks(self) -> list[str]:
        """The messages that are missing."""
        kinds = {each.kind.split()[0] for each in self.shown}
        due = {COMMENT} if self.face is Face.GITHUB else {STATUS, RESULT}
        return sorted(due - kinds)

    @property
    def doubled(self) -> list[str]:
        """What stands there more than once."""
        kinds = [each.kind for each in self.shown if each.kind != FILE]
        return sorted({kind for kind in kinds if kinds.count(kind) > 1})

    @property
    def answered_s(self) -> float:
        """When the result was posted."""
        if self.face is Face.GITHUB:
            return max(each.history.at_s[-1] for each in self.shown)
        return min(each.history.at_s[0] for each in self.shown if each.kind.startswith(RESULT))

    @property
    def whole_s(self) -> float:
        """When the last part of the result was: Slack takes one message a second of a channel, and
        files come as messages.
        """
        parts = [each for each in self.shown if each.kind.startswith((RESULT, FILE))]
        return max((each.history.at_s[0] for each in parts), default=self.answered_s)

    @property
    def edits(self) -> int:
        """Of its status message."""
        return len(self.status.history) - 1 if self.status else 0

    @property
    def intervals_s(self) -> list[float]:
        """Between two things that the status message showed; on GitHub without the last, which is
        the result and does not wait.
        """
        if self.status is None:
            return []
        found = [after - before for before, after in pairwise(self.status.history.at_s)]
        return found[:-1] if self.face is Face.GITHUB else found

    @property
    def draft_s(self) -> float | None:
        """When the first draft was seen."""
        return min(self.status.drafts_s, default=None) if self.status else None


def asked(count: int, seed: int) -> list[Command]:
    """So many commands, as many on each face, in an order of the seed's."""
    faces = [list(Face)[number % len(Face)] for number in range(count)]
    random.Random(seed).shuffle(faces)  # noqa: S311 - a benchmark's seed
    return [Command(number, face) for number, face in enumerate(faces)]


def of_face(commands: Iterable[Command], face: Face) -> Iterator[Command]:
    """Those given there."""
    return (each for each in commands if each.face is face)
