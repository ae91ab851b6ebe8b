"""Folders that are kept from job to job, each with one holder at a time, within a bound."""

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from storage.checkouts.types import CheckoutFailed, CheckoutStopped

_POLL_S = 0.1
_LOCK = ".lock"


@dataclass(frozen=True)
class Shelf:
    """A folder of folders, shared by the processes of one user."""

    folder: Path
    max_bytes: int
    """Of all together; those not used for longest are removed, but none that somebody holds."""

    @contextmanager
    def held(self, key: str, *, wait_s: float, stop: Callable[[], bool]) -> Generator[Path]:
        """The folder of this name, made if it is not there; nobody else has it meanwhile.

        Raises:
            CheckoutFailed: Somebody else has it for longer than `wait_s`.
            CheckoutStopped: `stop` said so.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        handle = _opened(self._lock_of(key))
        try:
            deadline = time.monotonic() + wait_s
            while not _taken(handle):
                if stop():
                    raise CheckoutStopped
                if time.monotonic() > deadline:
                    raise CheckoutFailed("another job is still reading the same repository")
                time.sleep(_POLL_S)
            os.utime(handle)
            folder = self.folder / key
            folder.mkdir(exist_ok=True)
            yield folder
        finally:
            os.close(handle)
        self._make_room(spared=key)

    def _lock_of(self, key: str) -> Path:
        return self.folder / f"{key}{_LOCK}"

    def _make_room(self, spared: str) -> None:
        """Remove what was not used for longest; locks stay, since somebody may wait for them."""
        sizes = {path.name: _bytes_in(path) for path in self.folder.iterdir() if path.is_dir()}
        total_bytes = sum(sizes.values())
        for key in sorted(sizes, key=self._used):
            if total_bytes <= self.max_bytes:
                return
            if key != spared and self._removed(key):
                total_bytes -= sizes[key]

    def _used(self, key: str) -> float:
        try:
            return self._lock_of(key).stat().st_mtime
        except FileNotFoundError:
            return 0.0

    def _removed(self, key: str) -> bool:
        handle = _opened(self._lock_of(key))
        try:
            if not _taken(handle):
                return False
            shutil.rmtree(self.folder / key, ignore_errors=True)
            return True
        finally:
            os.close(handle)


def _opened(lock: Path) -> int:
    return os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _taken(handle: int) -> bool:
    """Whether it is ours now: jobs of one process, too, keep each other out."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _bytes_in(folder: Path) -> int:
    return sum(_sizes(folder))


def _sizes(folder: Path) -> Iterator[int]:
    for parent, _, files in os.walk(folder):
        for name in files:
            with suppress(FileNotFoundError):  # somebody else's, and gone meanwhile
                yield Path(parent, name).lstat().st_size
