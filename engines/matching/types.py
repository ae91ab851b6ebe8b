"""What goes into matching and what comes out."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

_ADDRESS = re.compile(r"([^\s@<>()]+)@[^\s@<>()]+")


class CannotMatch(Exception):
    """There is nothing to rank from, or what was asked cannot be read; says why in one line."""


class Mode(StrEnum):
    """Which of a task's people is looked for."""

    AUTHOR = "author"
    """Who should take it."""
    REVIEWER = "reviewer"
    """Who should look at it."""


class Signature(NamedTuple):
    """How a person signed one commit: nothing says yet which signatures are one person."""

    name: str
    email: str


class Touch(NamedTuple):
    """A file as one task changed it."""

    path: str
    was: str | None = None
    """The path before, where the task renamed it."""
    added: int = 0
    deleted: int = 0
    """Lines; 0 and 0 for what is binary."""


class Move(NamedTuple):
    """A file that has another path since a task."""

    was: str
    path: str


@dataclass(frozen=True, slots=True)
class Merged:
    """A task of the past: what reached the mainline in one step (a merge, a squash, a commit)."""

    sha: str
    """Of the commit on the mainline."""
    started_s: int
    """Earliest author date of its commits, at most 60 days before it was merged: Unix time."""
    merged_s: int
    """When it reached the mainline. Never before the task that the mainline holds before it: where
    a clock was wrong, as late as that one."""
    author: Signature
    """Of most of its commits."""
    others: tuple[Signature, ...]
    """Who else wrote commits of it, or is named as its co-author."""
    reviewers: tuple[Signature, ...]
    """Who accepted it, from trailers, `r=` and the merge's own author; never the author."""
    touches: tuple[Touch, ...]
    """The first 300 by path."""
    text: str
    """Subjects and title, scrubbed of people, numbers, hashes and addresses."""
    commits: int
    """How many it consists of: 1 for a squash."""
    by_bot: bool
    """Nobody's work: it moves files, but nobody knows them by it."""
    branch_of: str = ""
    """The handle on GitHub, in lower case, under which the merged branch lay, where a merge tells:
    that of the author, as a rule, or of an organisation. `People.take` learns from it."""
    moved: tuple[Move, ...] = ()
    """Files beyond the touches that it renamed: nobody's work, but what is known of them stays."""

    def moves(self) -> Iterator[Move]:
        """Every file that has another path now."""
        for touch in self.touches:
            if touch.was is not None and touch.was != touch.path:
                yield Move(touch.was, touch.path)
        yield from self.moved


@dataclass(frozen=True, slots=True)
class Person:
    """Signatures that are one person, as far as a history shows."""

    key: str
    """The e-mail address of the earliest signature, or that signature where the address is
    anybody's. It stays while history grows, unless two people turn out to be one."""
    name: str
    """As in the latest signature."""

    @property
    def shown(self) -> str:
        """A name to show: of an address only what stands before the @, and never one that pings."""
        for name in (" ".join(self.name.split()), self.key):
            said = _ADDRESS.sub(r"\1", name).replace("@", "")
            if any(map(str.isalnum, said)):
                return said
        return "somebody without a name"


@dataclass(frozen=True, slots=True)
class Query:
    """A task for which somebody is looked for."""

    at_s: int
    """Unix time. Nothing that was merged at or after it is known."""
    files: tuple[str, ...] = ()
    """Paths as they are at that time; none for an issue."""
    text: str = ""
    mode: Mode = Mode.AUTHOR
    author: Signature | None = None
    """Who wrote it, where a reviewer is looked for: never a candidate."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A person in a ranking."""

    person: Person
    score: float
    """Share of the ranker's belief: the scores of a ranking add up to 1."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """Candidates for one task, best first."""

    candidates: tuple[Candidate, ...]
    confidence: float
    """Calibrated probability that the first is the one, in [0, 1]; 0 where there is none."""


MERGED_BEFORE = 5
"""Earlier tasks (looking for reviewers: earlier reviews) that make a person a candidate."""


def known_by(history: Sequence[Merged], at_s: int) -> int:
    """How many tasks of a mainline, oldest first, had been merged before a time."""
    low, high = 0, len(history)
    while low < high:
        middle = (low + high) // 2
        if history[middle].merged_s < at_s:
            low = middle + 1
        else:
            high = middle
    return low
