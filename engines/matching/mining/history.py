"""A mainline as tasks: what reached it in one step, who did it, and who accepted it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from engines.matching.mining.git import GitFailed, Repository
from engines.matching.mining.log import Changed, Step, read_changes, read_commits, steps_of
from engines.matching.mining.mainline import Mainline
from engines.matching.types import CannotMatch, Merged
from engines.watch import Stopped, Unwatched, Watch

_UNWATCHED = Unwatched()
_STEPS_BETWEEN = 100
"""Tasks between two looks at whether anybody still waits."""
_SHALLOW = (
    "the clone is shallow, so that older tasks are not seen: `git fetch --unshallow` brings them"
)
_PARTIAL = (
    "the clone is partial, so that lines are not counted and a file that was renamed and changed "
    "is taken for a new one: `git fetch --refetch --no-filter` brings the rest"
)
_REMEDY = "; clone it again, without a filter"


@dataclass(frozen=True)
class History:
    """The tasks of a mainline up to a commit."""

    tasks: list[Merged]
    """Oldest first."""
    tip: str
    """The commit that the mainline ends with."""
    notes: tuple[str, ...]
    """What a reader has to know of it."""
    mainline: Mainline | None = field(default=None, compare=False, repr=False)
    """What has read this, and may have read on."""
    whole: int = field(default=0, compare=False)
    """How many of the tasks stand in the file that is not written anew each time."""

    @property
    def reader(self) -> Mainline | None:
        """The mainline, if it ends where this history does."""
        is_here = self.mainline is not None and len(self.mainline) == len(self.tasks)
        return self.mainline if is_here else None


def read_history(
    repository: Path,
    at: str = "HEAD",
    *,
    before: History | None = None,
    watch: Watch = _UNWATCHED,
) -> History:
    """The history that a git directory holds up to a commit: a function of what is reachable from
    it, so that the history at an older commit of the mainline is its beginning.

    Of what `before` holds only the rest is read, unless the mainline was rewritten.

    Raises:
        CannotMatch: There is no history to read; says why.
        Stopped: The watch asked for it.
    """
    git = Repository(repository, watch)
    tip = _tip(git, at)
    notes = _notes(git)
    # Where a shallow clone begins may have changed as well.
    if before is not None and before.notes == notes and _SHALLOW not in notes:
        if before.tip == tip:
            return before
        later = _read_after(git, tip, before, watch)
        if later is not None:
            return later
    try:
        steps = steps_of(read_commits(git, tip), tip)
        changes = read_changes(git, steps, counted=_PARTIAL not in notes)
    except GitFailed as failure:
        raise CannotMatch(f"git cannot read the history: {failure}{_REMEDY}") from None
    if _SHALLOW in notes:
        # What the oldest changed is not known: all files seem to be new in it.
        changes[steps[0].commit.sha] = Changed()
    mainline = Mainline()
    return History(mainline.read(_watched(steps, watch), changes), tip, notes, mainline)


def _tip(git: Repository, at: str) -> str:
    try:
        return git.line("rev-parse", "--verify", "--end-of-options", f"{at}^{{commit}}")
    except GitFailed:
        if at == "HEAD":
            raise CannotMatch("HEAD names no commit; commit something, or name a branch") from None
        raise CannotMatch(f"the repository has no commit {at!r}; fetch it") from None


def _notes(git: Repository) -> tuple[str, ...]:
    notes = [_SHALLOW] if git.line("rev-parse", "--is-shallow-repository") == "true" else []
    return (*notes, _PARTIAL) if _is_partial(git) else (*notes,)


def _is_partial(git: Repository) -> bool:
    """Whether contents of files were left with the host."""
    try:
        return bool(
            git.line("config", "--get-regexp", r"^(extensions\.partialclone|remote\..*\.promisor)$")
        )
    except GitFailed:  # there is no such setting
        return False


def _read_after(git: Repository, tip: str, before: History, watch: Watch) -> History | None:
    """What has been merged since; None if the mainline was rewritten."""
    try:
        steps = steps_of(read_commits(git, tip, f"^{before.tip}"), tip, before.tip)
        changes = read_changes(git, steps, counted=_PARTIAL not in before.notes)
        mainline = _mainline(git, before)
    except (GitFailed, LookupError):
        return None
    tasks = mainline.read(_watched(steps, watch), changes)
    return History([*before.tasks, *tasks], tip, before.notes, mainline, before.whole)


def _mainline(git: Repository, before: History) -> Mainline:
    """What reads on from a history. Raises GitFailed."""
    mainline = before.reader
    if mainline is not None:
        return mainline
    last = read_commits(git, f"{before.tip}^!")
    mainline = Mainline()
    mainline.follow(before.tasks, last[before.tip].committed_s)
    return mainline


def _watched(steps: list[Step], watch: Watch) -> Iterator[Step]:
    for number, step in enumerate(steps):
        if number % _STEPS_BETWEEN == 0:
            watch.report("reading the history", number / len(steps))
            if watch.stop_requested():
                raise Stopped
        yield step
