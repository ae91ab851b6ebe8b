"""Whether the readers of a repository's tests have Hypothesis."""

import re
from collections.abc import Iterator
from pathlib import Path

_DECLARED = (
    "pyproject.toml", "setup.cfg", "setup.py", "tox.ini", "noxfile.py", "Pipfile",
    "environment.yml", "constraints.txt",
)  # fmt: skip
_TEST_FILES = 40
_READ_CHARS = 1 << 18


def has_hypothesis(root: Path) -> bool:
    """Whether the repository declares it, or uses it in a test already."""
    declared = [root / name for name in _DECLARED]
    declared += [*root.glob("*requirements*.txt"), *root.glob("requirements/*.txt")]
    word = re.compile(r"(?<![\w/-])hypothesis(?![\w/-])", re.IGNORECASE)
    if any(word.search(_text(path)) for path in declared):
        return True
    used = re.compile(r"^(from|import) hypothesis\b", re.MULTILINE)
    return any(used.search(_text(path)) for path in _tests(root))


def _tests(root: Path) -> Iterator[Path]:
    yield root / "conftest.py"
    for folder in (root / "tests", root / "test"):
        yield from sorted(folder.glob("*.py"))[:_TEST_FILES]


def _text(path: Path) -> str:
    if not path.is_file():
        return ""
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.read(_READ_CHARS)
