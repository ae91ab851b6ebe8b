"""The Python files that two checkouts do not share byte for byte, and the test files of one."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_SKIPPED = frozenset({"node_modules", "site-packages", "__pycache__", "venv", "build", "dist"})
_TEST_FOLDERS = frozenset({"tests", "test"})
_FILE_LIMIT = 20_000


def changed_files(base: Path, head: Path) -> list[str]:
    """Paths relative to both; tests, hidden and installed folders are left out."""
    found = sorted({*_sources(base), *_sources(head)})
    return [one for one in found if _bytes(base / one) != _bytes(head / one)]


def test_files(root: Path) -> list[str]:
    """Paths of the files that pytest would collect tests from."""
    return sorted(
        one for one in _python_files(root) if is_test_file(one) and not one.endswith("conftest.py")
    )


def is_test_file(path: str) -> bool:
    """Whether pytest would collect the file, or read it as settings."""
    name = PurePosixPath(path).name
    return name == "conftest.py" or (
        name.endswith(".py") and (name.startswith("test_") or name.endswith("_test.py"))
    )


def _sources(root: Path) -> Iterator[str]:
    for one in _python_files(root):
        if not is_test_file(one) and not _TEST_FOLDERS & set(PurePosixPath(one).parts):
            yield one


def _bytes(file: Path) -> bytes | None:
    return file.read_bytes() if file.is_file() else None


def _python_files(root: Path) -> Iterator[str]:
    waiting = [root]
    count = 0
    while waiting and count < _FILE_LIMIT:
        for entry in waiting.pop().iterdir():
            if entry.name.startswith(".") or entry.name in _SKIPPED or entry.is_symlink():
                continue
            if entry.is_dir():
                waiting.append(entry)
            elif entry.suffix == ".py":
                count += 1
                yield entry.relative_to(root).as_posix()
