"""Blame: who wrote the lines, kept line by line along the mainline instead of asked of `git blame`.

The hunks of each step of the mainline move the owners of lines as the step moves the lines, which
is what `git blame --first-parent` finds, at a price that allows all tasks instead of a sample.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from typing_extensions import override

from engines.matching.mining.git import Repository
from engines.matching.protocol import Question, Who
from engines.matching.types import Merged, Mode
from engines.watch import Unwatched
from tests.benchmarks.matching.heuristics import Example, Heuristic
from tests.benchmarks.matching.watching import DAY_S

LINES, RECENCY = 10.0, 5.0
MOST_FILES = 20
BEFORE_INSERTION = 5
"""Weights and limits of kubernetes-sigs/prow, pkg/plugins/rifle/blame.go."""

_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_SHA = re.compile(rb"[0-9a-f]{40}|[0-9a-f]{64}")


class Hunk(NamedTuple):
    """Lines that take the place of others."""

    at: int
    """How many lines of the old file are before it."""
    old: int
    new: int


@dataclass(frozen=True, slots=True)
class Change:
    """A text file as one step of the mainline changes it; None where it is not there."""

    was: str | None
    path: str | None
    hunks: tuple[Hunk, ...]


def read_changes(repository: Path, tip: str) -> dict[str, list[Change]]:
    """Of each step of a mainline, against the step before it."""
    git = Repository(repository, Unwatched())
    fields = git.fields(
        *("-c", "core.quotePath=false", "log", "--first-parent", "--diff-merges=first-parent"),
        *("-p", "-U0", "-M", "--no-color", "--no-ext-diff", "--no-textconv"),
        *("--src-prefix=a/", "--dst-prefix=b/", "--format=tformat:%x00%H", tip, "--"),
    )
    found: dict[str, list[Change]] = {}
    sha, diff = "", b""
    for field in fields:
        head, _, rest = field.partition(b"\n")
        if _SHA.fullmatch(head):
            found[sha] = list(_changes(diff.split(b"\n")))
            sha, diff = head.decode(), rest
        else:
            diff += field  # a text may hold a NUL
    found[sha] = list(_changes(diff.split(b"\n")))
    del found[""]
    return found


def _changes(lines: list[bytes]) -> Iterator[Change]:
    was: str | None = None
    path: str | None = None
    hunks: list[Hunk] = []
    at, begun = 0, False
    while at < len(lines):
        line = lines[at]
        at += 1
        if line.startswith(b"diff --git "):
            if begun:
                yield Change(was, path, tuple(hunks))
            was, path, hunks, begun = None, None, [], False
        elif hunk := _HUNK.match(line):
            start, old, new = int(hunk[1]), int(hunk[2] or b"1"), int(hunk[3] or b"1")
            hunks.append(Hunk(start - 1 if old else start, old, new))
            at = _after(lines, at, old + new)
        elif line.startswith((b"--- ", b"rename from ")):
            was, begun = _name(line, b"--- a/", b"rename from "), True
        elif line.startswith((b"+++ ", b"rename to ")):
            path = _name(line, b"+++ b/", b"rename to ")
    if begun:
        yield Change(was, path, tuple(hunks))


def _after(lines: list[bytes], at: int, content: int) -> int:
    """Where a hunk ends: a line of it may look like anything."""
    while content and at < len(lines):
        content -= not lines[at].startswith(b"\\")
        at += 1
    return at


def _name(line: bytes, *prefixes: bytes) -> str | None:
    for prefix in prefixes:
        if line.startswith(prefix) and not line.startswith(prefix + b'"'):
            return line[len(prefix) :].rstrip(b"\t").decode(errors="replace")
    # Quoted as in C, for the sake of a tab or a quote.
    quoted, side = re.fullmatch(rb'[^"]*"(.*)"\t?', line), rb"[ab]/"
    if quoted is None:
        return None  # /dev/null
    name = quoted[1] if line.startswith(b"rename") else re.sub(side, b"", quoted[1], count=1)
    return name.decode("unicode_escape").encode("latin-1").decode(errors="replace")


class Written(NamedTuple):
    """A line's origin."""

    author: int | None
    merged_s: int


class Lines:
    """Owners of all lines along a mainline."""

    def __init__(self, changes: dict[str, list[Change]]) -> None:
        """Of the mainline's steps by their sha."""
        self.changes = changes
        self._files: dict[str, list[int]] = {}
        self.written: list[Written] = []

    def observe(self, task: Merged, who: Who) -> None:
        """The next step of the mainline."""
        number = len(self.written)
        self.written.append(Written(who.author, task.merged_s))
        moved: list[tuple[str, list[int]]] = []
        for change in self.changes.get(task.sha, ()):
            owners = [] if change.was is None else self._files.pop(change.was, [])
            for at, old, new in reversed(change.hunks):
                owners[at : at + old] = [number] * new
            if change.path is not None:
                moved.append((change.path, owners))
        self._files.update(moved)

    def join(self, kept: int, gone: int) -> None:
        """Who asks adds up the indices of one person."""

    def owners(self, path: str) -> list[int]:
        """For each line of a file the number of the step that wrote it."""
        return self._files.get(path, [])


class Blame(Heuristic):
    """Who wrote the lines of these files; or, as rifle does, those that the task changes.

    The second sees more than anybody else here: the task's own diff. A newly inserted line stands
    for the five before it.
    """

    def __init__(self, mode: Mode, lines: Lines, *, changed_only: bool) -> None:
        """`lines` is one for all, and observes by itself."""
        super().__init__(mode)
        self._lines = lines
        self._changed_only = changed_only

    @override
    def learn(self, seen: Example) -> None:
        pass

    @override
    def points(self, question: Question) -> Iterable[tuple[int, float]]:
        found: defaultdict[int, float] = defaultdict(float)
        at_s = question.query.at_s
        changes = {
            change.was: change.hunks for change in self._lines.changes.get(question.task.sha, ())
        }
        for path in spread(question.query.files, MOST_FILES):
            owners = self._lines.owners(path)
            if self._changed_only:
                owners = [one for hunk in changes.get(path, ()) for one in _of_hunk(owners, hunk)]
            for person, points in self._of_lines(owners, at_s).items():
                found[person] += points
        return found.items()

    def _of_lines(self, owners: Iterable[int], at_s: int) -> dict[int, float]:
        counts: defaultdict[int, int] = defaultdict(int)
        latest: dict[int, int] = {}
        for number in owners:
            author, merged_s = self._lines.written[number]
            if author is not None:
                counts[author] += 1
                latest[author] = max(latest.get(author, 0), merged_s)
        return {
            person: LINES * count + RECENCY / (1 + (at_s - latest[person]) / DAY_S)
            for person, count in counts.items()
        }


def _of_hunk(owners: list[int], hunk: Hunk) -> list[int]:
    if hunk.old:
        return owners[hunk.at : hunk.at + hunk.old]
    return owners[max(hunk.at - BEFORE_INSERTION, 0) : hunk.at]


def spread(paths: Iterable[str], most: int) -> list[str]:
    """At most so many files, from all folders in turn."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for path in dict.fromkeys(paths):
        groups[path.rpartition("/")[0]].append(path)
    turns = [(turn, path) for group in groups.values() for turn, path in enumerate(group)]
    return [path for _, path in sorted(turns, key=lambda pair: pair[0])][:most]
