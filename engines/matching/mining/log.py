"""A history as git tells it: commits with their parents, and what each changed on the mainline."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from engines.matching.mining.git import GitFailed, Repository
from engines.matching.types import Move, Signature, Touch

_FORMAT = "%H%x00%P%x00%an%x00%ae%x00%at%x00%ct%x00%B"
_FIELDS = 7
MOST_TOUCHES = 300
"""Of one task; the first by path."""
MOST_MOVES = 20_000
"""Of one task, beyond its touches."""
_LATEST_S, _DIGITS = 2**40, 14
"""Unix time of a commit, at most; no more digits than that has are read."""
_HEADER = b"commit "
_DIFF = (
    "-z",
    f"--format=%x00{_HEADER.decode()}%H",
    "--encoding=UTF-8",
    "--first-parent",
    "--diff-merges=first-parent",
    "--root",
    "-O/dev/null",
    "--ignore-submodules=none",
    "--submodule=short",
    "--no-ext-diff",
    "--no-textconv",
    "--no-relative",
    "--no-show-signature",
)
_COUNTED = ("--numstat", "--diff-algorithm=myers", "-M", "-l200")
_NAMED = ("--name-status", "-M100%")
"""Looks at no content."""


class Commit(NamedTuple):
    """As it was written; a signature may be empty, a time far off."""

    sha: str
    parents: tuple[str, ...]
    author: Signature
    authored_s: int
    committed_s: int
    message: str

    @property
    def subject(self) -> str:
        """The first line of the message."""
        return self.message.partition("\n")[0].strip()

    @property
    def is_merge(self) -> bool:
        """Whether it joins branches."""
        return len(self.parents) > 1


class Step(NamedTuple):
    """A commit on the mainline, and those that came with it if it is a merge, oldest first."""

    commit: Commit
    branch: tuple[Commit, ...]


class Changed(NamedTuple):
    """What a step changed on the mainline."""

    touches: tuple[Touch, ...] = ()
    """At most MOST_TOUCHES."""
    moved: tuple[Move, ...] = ()
    """Which of the others were renamed."""


def read_commits(repository: Repository, *revisions: str) -> dict[str, Commit]:
    """All commits of a range, merged branches included, by sha. Raises GitFailed, Stopped."""
    fields = repository.fields(
        "log",
        "-z",
        f"--format={_FORMAT}",
        "--encoding=UTF-8",
        "--no-show-signature",
        "--end-of-options",
        *revisions,
        "--",
    )
    commits: dict[str, Commit] = {}
    for sha, parents, name, email, authored, committed, message in zip(
        *[fields] * _FIELDS, strict=True
    ):
        commit = Commit(
            sha.decode(),
            tuple(parents.decode().split()),
            Signature(_text(name), _text(email)),
            _seconds(authored),
            _seconds(committed),
            _text(message),
        )
        commits[commit.sha] = commit
    return commits


def steps_of(commits: dict[str, Commit], tip: str, known_tip: str | None = None) -> list[Step]:
    """The mainline from its beginning, or from what is known, up to a commit, oldest first.

    Raises:
        LookupError: The mainline does not go on from what is known.
    """
    mainline: list[Commit] = []
    at = tip
    while commit := commits.get(at):
        mainline.append(commit)
        at = commit.parents[0] if commit.parents else ""
    if known_tip is not None and at != known_tip:
        raise LookupError
    mainline.reverse()
    reached: set[str] = set()
    return [Step(commit, _branch(commit, commits, reached)) for commit in mainline]


def _branch(merge: Commit, commits: dict[str, Commit], reached: set[str]) -> tuple[Commit, ...]:
    """What a merge brought: each commit of a history is walked once."""
    reached.add(merge.sha)
    brought: list[Commit] = []
    ahead = list(merge.parents[1:])
    while ahead:
        sha = ahead.pop()
        commit = commits.get(sha)
        if commit is None or sha in reached:
            continue
        reached.add(sha)
        brought.append(commit)
        ahead.extend(commit.parents)
    return tuple(sorted(brought, key=lambda commit: (commit.authored_s, commit.sha)))


def read_changes(
    repository: Repository, steps: Sequence[Step], *, counted: bool
) -> dict[str, Changed]:
    """What steps changed on the mainline, by sha.

    Where the content of a file is missing, or if nothing is to be `counted`, lines are 0 and
    renames are those that changed nothing else.

    Raises:
        GitFailed: More is missing than contents.
        Stopped: The caller asked for an end.
    """
    changes: dict[str, Changed] = {}
    shas = [step.commit.sha for step in reversed(steps)]
    while unread := shas[len(changes) :]:
        known, count = len(changes), f"-{len(unread)}"
        if not counted:
            changes.update(_changed(repository, *_NAMED, count, unread[0]))
        elif not _fill(changes, repository, count, unread[0]):
            # What could not be read is the first that is not among them, or the one after it.
            at = shas[len(changes)]
            if not _fill(changes, repository, "-1", at):
                changes.update(_changed(repository, *_NAMED, "-1", at))
        if len(changes) == known or next(reversed(changes)) != shas[len(changes) - 1]:
            raise GitFailed("what it says does not hang together")
    return changes


def _fill(changes: dict[str, Changed], repository: Repository, *which: str) -> bool:
    """Count the lines of some commits, newest first; whether that went well to the end."""
    try:
        changes.update(_changed(repository, *_COUNTED, *which))
    except GitFailed:
        return False
    return True


def _changed(repository: Repository, *arguments: str) -> Iterator[tuple[str, Changed]]:
    *options, tip = arguments
    fields = repository.fields("log", *_DIFF, *options, "--end-of-options", tip, "--")
    sha, found, moved = "", list[Touch](), list[Move]()
    for field in fields:
        if field.startswith(_HEADER):
            if sha:
                yield sha, Changed(tuple(found), tuple(moved))
            sha, found, moved = field.removeprefix(_HEADER).decode(), [], []
        elif field:
            touch = _touch(field, fields)
            if len(found) < MOST_TOUCHES:
                found.append(touch)
            elif touch.was is not None and len(moved) < MOST_MOVES:
                moved.append(Move(touch.was, touch.path))
    if sha:
        yield sha, Changed(tuple(found), tuple(moved))


def _touch(field: bytes, rest: Iterator[bytes]) -> Touch:
    """From counts and a path, or from a letter that a path follows; a rename has two."""
    if b"\t" not in field:
        was = _text(next(rest)) if field.lstrip().startswith(b"R") else None
        return Touch(_text(next(rest)), was)
    added, deleted, path = field.split(b"\t", 2)
    was = None
    if not path:
        was, path = _text(next(rest)), next(rest)
    return Touch(_text(path), was, _lines(added), _lines(deleted))


def _lines(count: bytes) -> int:
    count = count.lstrip()
    return 0 if count == b"-" else int(count)


def _seconds(told: bytes) -> int:
    """Nothing is told where a commit is malformed."""
    return min(int(told[:_DIGITS]), _LATEST_S) if told else 0


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")
