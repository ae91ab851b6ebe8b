"""The job behind `test` of a change: run the code before and after it, say what differs."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from engines.testing.behaviour.changed_files import changed_files
from engines.testing.behaviour.engine import diff_behaviour
from engines.testing.behaviour.types import BehaviourRequest
from jobs.changes_told import nothing_told, told
from jobs.desk import Desk, Done
from jobs.packages import missing_told
from jobs.requests import TestChanges


def run(request: TestChanges, desk: Desk) -> Done:
    """Compare what the code does before and after the change."""
    desk.watch.phase("checkout")
    desk.watch.report("checking out the code after the change")
    head = desk.checkout(request.source, request.path or ".")
    desk.watch.report("checking out the code before it")
    base = desk.checkout(request.base, request.path or ".")
    paths = tuple(_compared(request, base, head))
    if not paths:
        return nothing_told(request, desk.job)
    before, after = desk.environment(base), desk.environment(head)
    asked = BehaviourRequest(
        base, head, paths, request.cpu_s, request.seed, before.paths, after.paths
    )
    diff = diff_behaviour(asked, desk.sandbox(), desk.watch)
    missing = tuple(missing_told(after))
    request = request.model_copy(update={"notes": (*request.notes, *missing)})
    return told(request, diff, desk.job)


def _compared(request: TestChanges, base: Path, head: Path) -> Iterator[str]:
    """The files that differ, as far as they are asked for."""
    for path in changed_files(base, head):
        if not any(fnmatchcase(path, pattern) for pattern in request.ignore) and _is_within(
            path, request.path
        ):
            yield path


def _is_within(path: str, asked: str | None) -> bool:
    return asked in (None, ".", path) or path.startswith(f"{asked}/")
