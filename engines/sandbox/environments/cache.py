"""Keeps built environments by what they were built from, within a bound, for all workers."""

import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import mkdtemp

from engines.sandbox.environments.types import Built, Refusal
from engines.sandbox.loan import extent

_NOTE = "environment.json"
PACKAGES = "packages"
_IN_USE_S = 3600.0
"""An environment used so recently may be in a run now."""
_INCOMPLETE_S = 3600.0
"""After so long it is tried again whether what was missing can be had."""


@dataclass(frozen=True)
class Cache:
    """A folder of environments, shared by the processes of one user."""

    folder: Path
    max_bytes: int = 10 << 30

    @contextmanager
    def alone_with(self, key: str, wait: Callable[[], None]) -> Generator[None]:
        """Let no other process build the same one meanwhile; `wait` is called while one does."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(self.folder / f"{key}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while not _taken(lock):
                wait()
            yield
        finally:
            os.close(lock)

    def find(self, key: str) -> tuple[Path, Built] | None:
        """The packages' folder and how they were built, if that is known and still holds."""
        note = self.folder / key / _NOTE
        try:
            found = json.loads(note.read_text())
            age_s = time.time() - float(found["built"])
            missing = tuple(Refusal(**one) for one in found["missing"])
            log = str(found["log"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if missing and age_s > _INCOMPLETE_S:
            return None
        os.utime(note)
        return self.folder / key / PACKAGES, Built(missing, log)

    def fresh_folder(self) -> Path:
        """Where to build; `keep` takes it in."""
        folder = Path(mkdtemp(prefix=".building-", dir=self.folder))
        (folder / PACKAGES).mkdir()
        return folder

    def keep(self, key: str, folder: Path, built: Built) -> Path:
        """Take a built folder in, whole or not at all, and make room; returns its packages."""
        note = {
            "built": time.time(),
            "bytes": extent(folder).used_bytes,
            "missing": [asdict(one) for one in built.missing],
            "log": built.log,
        }
        (folder / _NOTE).write_text(json.dumps(note))
        folder.chmod(0o755)
        target = self.folder / key
        shutil.rmtree(target, ignore_errors=True)
        folder.rename(target)
        self._make_room(spared=key)
        return target / PACKAGES

    def _make_room(self, *, spared: str) -> None:
        """Remove those unused for longest until the rest fits, and what killed builds left."""
        now_s = time.time()
        for left in self.folder.glob(".building-*"):
            if now_s - left.stat().st_mtime > _IN_USE_S:
                shutil.rmtree(left, ignore_errors=True)
        kept = sorted((_used_s(note), _bytes(note), note.parent) for note in self._notes())
        total = sum(size for _, size, _ in kept)
        for used_s, size, folder in kept:
            if total <= self.max_bytes:
                return
            if folder.name != spared and now_s - used_s > _IN_USE_S:
                shutil.rmtree(folder, ignore_errors=True)
                total -= size

    def _notes(self) -> list[Path]:
        return list(self.folder.glob(f"*/{_NOTE}"))


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _used_s(note: Path) -> float:
    return note.stat().st_mtime


def _bytes(note: Path) -> int:
    try:
        return int(json.loads(note.read_text())["bytes"])
    except (ValueError, KeyError, TypeError):
        return 0
