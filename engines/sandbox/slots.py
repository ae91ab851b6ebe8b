"""Unprivileged uids to run untrusted code as: one per concurrent run, so that each can be bounded.

The kernel counts processes per uid, and does not count those of uid 0 at all.
"""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from engines.sandbox.types import NoIsolation

# Above ordinary accounts and below systemd's dynamic users (61184 to 65519).
_FIRST_UID = 60600
_SLOTS = 64
LOCKS = Path("/tmp/gryph-sandbox-slots")  # noqa: S108 - its owner is checked
"""One place for the whole machine, whatever a process' TMPDIR: two runs with one uid would kill
each other."""


def is_slot(uid: int) -> bool:
    """Whether a uid is one of those lent; a killed host may have left files to it."""
    return _FIRST_UID <= uid < _FIRST_UID + _SLOTS


@contextmanager
def unprivileged_uid() -> Generator[int | None]:
    """Lend a uid that no other run on this machine has; None where we are not root.

    Raises:
        NoIsolation: All slots are taken.
    """
    if os.geteuid() != 0:
        yield None
        return
    with _take_slot(_lock_folder()) as slot:
        yield _FIRST_UID + slot


def _lock_folder() -> Path:
    folder = LOCKS
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        raise NoIsolation(f"{folder} belongs to someone else; remove it")
    return folder


@contextmanager
def _take_slot(folder: Path) -> Generator[int]:
    for slot in range(_SLOTS):
        lock = os.open(folder / str(slot), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        try:
            yield slot
        finally:
            os.close(lock)
        return
    raise NoIsolation(f"all {_SLOTS} sandbox slots of this machine are in use; try again later")
