"""The entries of a commit, judged before any of them is written."""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from storage.checkouts.types import (
    CheckoutPolicy,
    CheckoutRefused,
    shown,
    too_large,
    too_large_file,
    too_many_files,
)

DEEPEST = 100
"""Folders within each other; Python walks them by recursion."""
LONGEST_PATH = 2048
"""Bytes; systems stop at 4,096 with all that stands before."""
_LONGEST_NAME = 255
_UNSAFE = re.compile(rb"(^|/)(\.{0,2}|(\.git|git~\d+)[ .]*(:[^/]*)?)(/|$)", re.IGNORECASE)
"""A component that is empty, leads up, or is `.git` to some file system."""
_INVISIBLE = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")


@dataclass(frozen=True)
class Entry:
    """One line of `git ls-tree -r -t -l -z`."""

    kind: str
    """blob, tree, or commit (a submodule)."""
    size: str
    path: bytes


def judged(listing: bytes, repository: str, policy: CheckoutPolicy) -> list[str]:
    """The paths of submodules, when everything else may be written out.

    Raises:
        CheckoutRefused: It is too much, or a path is not one within a folder.
    """
    if listing.count(b"\0") > 2 * policy.max_files:
        raise too_many_files(repository, policy)
    entries = list(_entries(listing))
    _judge_sizes(entries, repository, policy)
    unsafe = next(_unsafe(entries), None)
    if unsafe is not None:
        path, reason = unsafe
        raise CheckoutRefused(
            f"`{shown(repository)}` is not checked out: its path `{shown(os.fsdecode(path))}` "
            f"{reason}."
        )
    return [os.fsdecode(entry.path) for entry in entries if entry.kind == "commit"]


def is_safe(path: bytes) -> bool:
    """Whether the path stays within its folder and out of `.git`, whatever the file system."""
    if _UNSAFE.search(path):
        return False
    if path.isascii():
        return True
    visible = _INVISIBLE.sub("", path.decode(errors="surrogateescape"))
    return _UNSAFE.search(visible.encode(errors="surrogateescape")) is None


def fits(path: bytes) -> bool:
    """Whether file systems, and those who walk them, can cope with the path."""
    return (
        len(path) <= LONGEST_PATH
        and path.count(b"/") < DEEPEST
        and max(map(len, path.split(b"/"))) <= _LONGEST_NAME
    )


def _entries(listing: bytes) -> Iterator[Entry]:
    for line in listing.split(b"\0"):
        if line:
            facts, _, path = line.partition(b"\t")
            _, kind, _, size = facts.decode("ascii").split()
            yield Entry(kind, size, path)


def _judge_sizes(entries: Iterable[Entry], repository: str, policy: CheckoutPolicy) -> None:
    total_bytes = files = 0
    for entry in entries:
        if entry.kind != "blob":
            continue
        if not entry.size.isdecimal():
            raise CheckoutRefused(f"`{shown(repository)}` is damaged: git lacks a part of it.")
        files += 1
        total_bytes += int(entry.size)
        if int(entry.size) > policy.max_file_bytes:
            raise too_large_file(repository, os.fsdecode(entry.path), policy)
    if files > policy.max_files:
        raise too_many_files(repository, policy)
    if total_bytes > policy.max_bytes:
        raise too_large(repository, policy)


def _unsafe(entries: list[Entry]) -> Iterator[tuple[bytes, str]]:
    """Paths that are not written, and why."""
    folders = {entry.path for entry in entries if entry.kind == "tree"}
    seen: set[bytes] = set()
    for entry in entries:
        parent, slash, _ = entry.path.rpartition(b"/")
        if not is_safe(entry.path):
            yield entry.path, "leads out of its folder or into `.git`"
        elif not fits(entry.path):
            yield entry.path, "is longer or deeper than any file system should have to bear"
        elif entry.path in seen or (slash and parent not in folders):
            yield entry.path, "is there twice, or lies in something that is no folder"
        seen.add(entry.path)
