"""Tasks as plain columns for JSON: signatures and paths are told once, and meant by number."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, TypeVar

from engines.matching.types import Merged, Signature, Touch

FORMAT = 3
"""Goes up with whatever changes what is mined, or how it is written down."""
_T = TypeVar("_T")


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
    ]
    return [Merged(*row) for row in zip(*columns, strict=True)]


def _numbered(values: Iterable[_T], numbers: dict[_T, int]) -> list[int]:
    return [numbers.setdefault(value, len(numbers)) for value in values]


def _grouped(values: Iterable[_T], sizes: Iterable[int]) -> Iterable[tuple[_T, ...]]:
    rest = iter(values)
    return (tuple(islice(rest, size)) for size in sizes)
