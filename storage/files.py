"""Whole files or none: what a crash may not leave half written."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

PRIVATE_DIR = 0o700
SCRATCH = ".fresh-"
"""How the names of unfinished files begin."""


def private_folder(path: Path) -> None:
    """Make a folder that nobody else can look into; one that is there stays as it is."""
    path.mkdir(mode=PRIVATE_DIR, parents=True, exist_ok=True)


def write_whole(path: Path, content: bytes) -> None:
    """Replace `path` in one step; readers see the old content or the new, owner-readable only."""
    fresh = _fresh(path, content)
    try:
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def read_or_create(path: Path, make: Callable[[], bytes]) -> bytes:
    """The content of a private file that is made once: of processes that try together, one wins."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        path.parent.mkdir(mode=PRIVATE_DIR, parents=True, exist_ok=True)
    fresh = _fresh(path, make())
    try:
        path.hardlink_to(fresh)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return path.read_bytes()


def _fresh(path: Path, content: bytes) -> Path:
    """A complete, synced file beside `path` (mkstemp makes it mode 0600)."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=SCRATCH)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return Path(name)
