"""Where compiled kernels are kept, and when they are stale.

Numba's own caches know a function by its file's time alone: they keep a kernel whose callee in
another file has changed, compile again after a copy, and refuse to work where nothing can be
written. Here a kernel is as old as the text of all that it was made from, and in a place that is
only read its kernels are copied out first.
"""

import atexit
import hashlib
import re
import shutil
import tempfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

ENGINE = Path(__file__).parent
_ROOT = ENGINE.parent.parent
_IMPORTED = re.compile(r"^from (engines\.planning[\w.]*) import", re.MULTILINE)


class TreeLocator:
    """Numba's protocol for finding the cache of one function, for functions of this engine."""

    def __init__(self, source: Path) -> None:
        """`source` holds the function."""
        self._source = source
        self._folder = kernels_in(source.parent / "__pycache__")

    @classmethod
    def from_function(cls, py_func: Callable[..., Any], py_file: str) -> Self | None:
        """The locator of a function; None for a function that is not of this engine."""
        del py_func
        source = Path(py_file)
        return cls(source) if source.is_relative_to(ENGINE) else None

    def get_cache_path(self) -> str:
        """The folder that holds the compiled function."""
        return str(self._folder)

    def ensure_cache_path(self) -> None:
        """Make the folder, where it is not there."""
        self._folder.mkdir(parents=True, exist_ok=True)

    def get_source_stamp(self) -> str:
        """Changes with the text of the function's file, and of those that it imports."""
        return source_stamp(self._source)

    def get_disambiguator(self) -> str:
        """What tells functions of one name apart: nothing, for in a file each has its own."""
        return ""


@lru_cache(maxsize=1_000)
def source_stamp(source: Path) -> str:
    """A digest of a file of this engine and of all files of it that it imports, near and far."""
    seen: dict[Path, bytes] = {}
    waiting = [source]
    while waiting:
        path = waiting.pop()
        if path in seen or not path.is_file():
            continue
        seen[path] = path.read_bytes()
        modules = _IMPORTED.findall(seen[path].decode())
        waiting += [_ROOT / f"{module.replace('.', '/')}.py" for module in modules]
    digest = hashlib.sha256()
    for path in sorted(seen):
        digest.update(seen[path])
    return digest.hexdigest()


@lru_cache(maxsize=1_000)
def kernels_in(folder: Path) -> Path:
    """The folder itself, or a copy that only this process has, where nothing can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        own = Path(tempfile.mkdtemp(prefix="gryph-kernels-"))
        atexit.register(shutil.rmtree, own, ignore_errors=True)
        for kernel in folder.glob("*.nb[ic]"):
            shutil.copy(kernel, own)
        return own
    return folder
