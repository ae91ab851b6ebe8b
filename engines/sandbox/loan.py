"""Lends a folder to an unprivileged uid for one run and takes it back, whatever is in it then."""

import os
import shutil
import stat
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engines.sandbox.slots import is_slot

MAX_DEPTH = 100
"""Folders nested deeper could neither be walked nor removed by ordinary means."""
_MAX_PATH_BYTES = 3000
_ENTRY_BYTES = 4096
_BLOCK_BYTES = 512
_MAX_ENTRIES = 200_000


@dataclass(frozen=True)
class Extent:
    """What a folder holds: bytes on disk (a page at least for each entry) and its nesting."""

    used_bytes: int
    is_unbounded: bool
    """More entries, or deeper nesting, than can be measured."""


@contextmanager
def lent(folder: Path, uid: int | None) -> Generator[None]:
    """Make `uid` the owner of all that is in `folder`; afterwards the former owner is again.

    Afterwards every file and folder in it can be read and removed by its owner, no file is
    set-uid, and what lies deeper than `MAX_DEPTH` is gone.

    Raises:
        ValueError: A file in it has a second name, perhaps outside: writing it, or owning it,
            would reach beyond the folder.
    """
    owner = _owner(folder)
    _refuse_hard_links(folder)
    try:
        if uid is not None:
            _give(folder, uid)
        yield
    finally:
        _take_back(folder, *owner)


def _owner(folder: Path) -> tuple[int, int]:
    found = folder.stat()
    if is_slot(found.st_uid):  # a host that was killed could not take it back
        return os.geteuid(), os.getegid()
    return found.st_uid, found.st_gid


def extent(folder: Path) -> Extent:
    """Measure a folder that may be changing, without following links."""
    used_bytes = 0
    entries = 0
    pending = [(str(folder), 0)]
    while pending:
        path, depth = pending.pop()
        for entry in _scan(path):
            entries += 1
            used_bytes += _ENTRY_BYTES + _size_of(entry)
            if entry.is_dir(follow_symlinks=False):
                pending.append((entry.path, depth + 1))
        if entries > _MAX_ENTRIES or _is_too_deep(path, depth):
            return Extent(used_bytes, is_unbounded=True)
    return Extent(used_bytes, is_unbounded=False)


def _scan(path: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            return list(entries)
    except OSError:
        return []  # gone, or closed to us, which then ends with the run


def _size_of(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_blocks * _BLOCK_BYTES
    except OSError:
        return 0


def _refuse_hard_links(folder: Path) -> None:
    for path, _, files in os.walk(folder):
        for name in files:
            if os.lstat(os.path.join(path, name)).st_nlink > 1:  # noqa: PTH118 - a hot loop
                raise ValueError(f"{path}/{name} has more than one name; work on a real copy")


def _give(folder: Path, uid: int) -> None:
    os.chown(folder, uid, uid)
    for path, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(Path(path, name), uid, uid, follow_symlinks=False)


def _take_back(folder: Path, uid: int, gid: int) -> None:
    """Restore owner and modes top down; nothing of the run is alive that could interfere."""
    pending = [(str(folder), 0)]
    _restore(str(folder), uid, gid)
    while pending:
        path, depth = pending.pop()
        for entry in os.scandir(path):
            if entry.is_dir(follow_symlinks=False) and _is_too_deep(entry.path, depth):
                _remove_deep(path, entry.name)
                continue
            _restore(entry.path, uid, gid)
            if entry.is_dir(follow_symlinks=False):
                pending.append((entry.path, depth + 1))


def _is_too_deep(path: str, depth: int) -> bool:
    return depth >= MAX_DEPTH or len(os.fsencode(path)) > _MAX_PATH_BYTES


def _restore(path: str, uid: int, gid: int) -> None:
    found = os.lstat(path)
    if os.geteuid() == 0:
        os.chown(path, uid, gid, follow_symlinks=False)
    if stat.S_ISDIR(found.st_mode):
        _set_mode(path, found.st_mode, 0o700)
    elif stat.S_ISREG(found.st_mode):
        _set_mode(path, found.st_mode, 0o400)


def _set_mode(path: str, mode: int, owner_bits: int) -> None:
    wanted = stat.S_IMODE(mode) & 0o777 | owner_bits
    if wanted != stat.S_IMODE(mode):
        Path(path).chmod(wanted)


def _remove_deep(parent: str, name: str) -> None:
    """Remove by rm, which needs no recursion of ours and no path longer than the kernel's."""
    rm = shutil.which("rm", path="/usr/bin:/bin") or "rm"
    subprocess.run([rm, "-rf", "--", name], cwd=parent, check=True)  # noqa: S603 - our own arguments
