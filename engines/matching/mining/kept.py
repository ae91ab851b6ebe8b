"""A history in files: most of it in one, and in another, which is small, what was merged since.

Tasks are plain columns for JSON: signatures and paths are told once, and meant by number.
"""

import json
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from engines.matching.collector import held_collector
from engines.matching.mining.history import History
from engines.matching.mining.mainline import Mainline
from engines.matching.types import Merged, Move, Signature, Touch

FORMAT = 5
"""Goes up with whatever changes what is mined, or how it is written down."""
MOST_LATER = 500
"""Tasks in the second file."""
HISTORY = "history.json"
"""What the first is called in a folder of what was learned of a repository."""
_T = TypeVar("_T")


def save_history(history: History, file: Path) -> History:
    """Keep a history for `kept_history`; returns it, to be given with what is merged from now on.
    Each file is replaced at once or not at all.
    """
    later, mainline, count = file.with_suffix(".later.json"), history.reader, len(history.tasks)
    is_little = 0 < history.whole <= count <= history.whole + MOST_LATER
    if mainline is not None and is_little and file.exists():
        document = {
            "format": FORMAT,
            "after": history.tasks[history.whole - 1].sha,
            "tip": history.tip,
            "last_s": mainline.last_s,
            **packed(history.tasks[history.whole :]),
        }
        _write(document, later)
        return history
    document = {
        "format": FORMAT,
        "tip": history.tip,
        "notes": history.notes,
        **packed(history.tasks),
        "mainline": None if mainline is None else mainline.as_json(),
    }
    later.unlink(missing_ok=True)
    _write(document, file)
    return replace(history, whole=count)


def kept_history(file: Path) -> History | None:
    """What was kept; None if nothing was, or by a version that read otherwise."""
    with held_collector():
        return _kept_history(file)


def _kept_history(file: Path) -> History | None:
    try:
        kept = _read(file)
        mainline = Mainline.restored(kept["mainline"]) if kept["mainline"] else None
        tasks = unpacked(kept)
        history = History(tasks, kept["tip"], tuple(kept["notes"]), mainline, len(tasks))
    except (OSError, RecursionError, AttributeError, LookupError, TypeError, ValueError):
        return None
    try:
        kept = _read(file.with_suffix(".later.json"))
        if kept["after"] != tasks[-1].sha:
            return history
        later, tip, last_s = unpacked(kept), str(kept["tip"]), int(kept["last_s"])
    except (OSError, RecursionError, LookupError, TypeError, ValueError):
        return history
    if mainline is not None:
        mainline.follow(later, last_s)
    return replace(history, tasks=[*tasks, *later], tip=tip)


def _write(document: dict[str, Any], file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False, encoding="ascii") as new:
        new.write(json.dumps(document, separators=(",", ":"), check_circular=False))
    Path(new.name).replace(file)


def _read(file: Path) -> dict[str, Any]:
    """Raises OSError, RecursionError, LookupError, TypeError or ValueError."""
    kept = json.loads(file.read_bytes())
    if kept["format"] != FORMAT:
        raise ValueError(kept["format"])
    return kept


def packed(tasks: Sequence[Merged]) -> dict[str, list[Any]]:
    """Tasks as JSON can hold them."""
    signatures: dict[Signature, int] = {}
    paths: dict[str | None, int] = {}
    touches = [touch for task in tasks for touch in task.touches]
    return {
        "sha": [task.sha for task in tasks],
        "started_s": [task.started_s for task in tasks],
        "merged_s": [task.merged_s for task in tasks],
        "author": _numbered((task.author for task in tasks), signatures),
        "others": [len(task.others) for task in tasks],
        "other": _numbered((who for task in tasks for who in task.others), signatures),
        "reviewers": [len(task.reviewers) for task in tasks],
        "reviewer": _numbered((who for task in tasks for who in task.reviewers), signatures),
        "touches": [len(task.touches) for task in tasks],
        "path": _numbered((touch.path for touch in touches), paths),
        "was": _numbered((touch.was for touch in touches), paths),
        "added": [touch.added for touch in touches],
        "deleted": [touch.deleted for touch in touches],
        "text": [task.text for task in tasks],
        "commits": [task.commits for task in tasks],
        "by_bot": [task.by_bot for task in tasks],
        "branch_of": [task.branch_of for task in tasks],
        "moved": [len(task.moved) for task in tasks],
        "moved_was": _numbered((move.was for task in tasks for move in task.moved), paths),
        "moved_path": _numbered((move.path for task in tasks for move in task.moved), paths),
        "signatures": [*signatures],
        "paths": [*paths],
    }


def unpacked(kept: dict[str, list[Any]]) -> list[Merged]:
    """The tasks that `packed` was given. Raises LookupError, TypeError or ValueError for what it
    did not write.
    """
    signatures = [Signature(name, email) for name, email in kept["signatures"]]
    paths = kept["paths"]
    touches = map(
        Touch,
        map(paths.__getitem__, kept["path"]),
        map(paths.__getitem__, kept["was"]),
        kept["added"],
        kept["deleted"],
    )
    moves = map(
        Move,
        map(paths.__getitem__, kept["moved_was"]),
        map(paths.__getitem__, kept["moved_path"]),
    )
    columns: list[Iterable[Any]] = [
        kept["sha"],
        kept["started_s"],
        kept["merged_s"],
        map(signatures.__getitem__, kept["author"]),
        _grouped(map(signatures.__getitem__, kept["other"]), kept["others"]),
        _grouped(map(signatures.__getitem__, kept["reviewer"]), kept["reviewers"]),
        _grouped(touches, kept["touches"]),
        kept["text"],
        kept["commits"],
        kept["by_bot"],
        kept["branch_of"],
        _grouped(moves, kept["moved"]),
    ]
    return [Merged(*row) for row in zip(*columns, strict=True)]


def _numbered(values: Iterable[_T], numbers: dict[_T, int]) -> list[int]:
    return [numbers.setdefault(value, len(numbers)) for value in values]


def _grouped(values: Iterable[_T], sizes: Iterable[int]) -> Iterable[tuple[_T, ...]]:
    rest = iter(values)
    return (tuple(islice(rest, size)) for size in sizes)
