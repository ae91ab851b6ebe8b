"""Lays a checkout out for a run in the sandbox, with files of a change in their places.

Folders that lead to a changed file or to a test that is run are made, and what lies in them is
copied, as pytest and Python look such files up by their real place. All else is links to the
checkout, which the jail can read and not write.
"""

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

_SKIPPED = frozenset(
    {".git", ".hg", ".svn", ".venv", "venv", "node_modules", "__pycache__", ".pytest_cache",
     ".mypy_cache", ".ruff_cache", ".tox", ".nox", ".eggs"}
)  # fmt: skip
_COPIED_BYTES = 1 << 20
_ENTRIES = 20_000


def lay_out(root: Path, folder: Path, files: Mapping[str, str], tests: Iterable[str] = ()) -> None:
    """Make `folder` look like the checkout `root` with `files` written to it.

    Args:
        root: The checkout; it stays as it is.
        folder: Is made.
        files: Texts by path.
        tests: Paths or pytest ids of tests that will be run.
    """
    base = root.resolve()
    paths = [*files, *(one.partition("::")[0] for one in tests)]
    real = {above for path in paths for above in PurePosixPath(path).parents}
    left = _ENTRIES
    for inner in sorted({PurePosixPath(), *real}, key=lambda one: len(one.parts)):
        (folder / inner).mkdir(parents=True, exist_ok=True)
        source = base / inner
        if not source.is_dir() or not source.resolve().is_relative_to(base):
            continue
        for entry in os.scandir(source):
            left -= 1
            if left >= 0 and entry.name not in _SKIPPED and inner / entry.name not in real:
                _place(Path(entry.path), folder / inner / entry.name, base, folder)
    for path, text in files.items():
        (folder / path).unlink(missing_ok=True)
        (folder / path).write_text(text, encoding="utf-8", errors="surrogatepass", newline="")


def _place(source: Path, target: Path, root: Path, folder: Path) -> None:
    """A small file is copied; a folder or a large file is a link; a link out is left out."""
    if source.is_symlink():
        goal = source.resolve()
        if goal.is_relative_to(root) and goal.exists():
            target.symlink_to(folder / goal.relative_to(root))
    elif source.is_file() and source.stat().st_size <= _COPIED_BYTES:
        shutil.copy(source, target)
    elif source.is_file() or source.is_dir():
        target.symlink_to(source)
