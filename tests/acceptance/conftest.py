"""A stack that a file's tests share, and a small real repository."""

import subprocess
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.acceptance.stack import Stack, running

SLUGS = '''\
"""Turns titles into slugs."""


def slug(title: str, longest: int = 40) -> str:
    """The title in lower case, its words joined by hyphens."""
    if longest < 1:
        raise ValueError("longest must be positive")
    words = "".join(c if c.isalnum() else " " for c in title.lower()).split()
    return "-".join(words)[:longest].rstrip("-")


def is_slug(text: str) -> bool:
    """Whether the text is a slug already."""
    return text == slug(text, max(1, len(text)))
'''
SLOW = '''\
"""Takes a while for each call, so that a search uses its whole budget."""


def settle(seed: int, rounds: int = 3) -> int:
    """Stir a number for a while."""
    value = abs(seed) % 1_000
    for step in range(100_000 * max(1, min(rounds, 5))):
        value = (value * 31 + step) % 65_521
    return value
'''
FILES = {
    "slow.py": SLOW.encode(),
    "text/__init__.py": b"",
    "text/slugs.py": SLUGS.encode(),
    "broken.py": b"def half(:\n    pass\n",
    "blob.py": bytes(range(256)),
    "lonely.py": b"import a_package_that_nobody_has\n\n\ndef f() -> int:\n    return 1\n",
    "empty.py": b'"""Nothing in it."""\n',
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository with a file worth testing and some that are not."""
    root = tmp_path / "repository"
    for name, content in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for command in (
        ["git", "init", "--quiet"],
        ["git", "add", "."],
        ["git", "-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-qm", "first"],
    ):
        subprocess.run(command, cwd=root, check=True)
    return root


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncGenerator[Stack]:
    """`gryph up` in an empty home."""
    async with running(tmp_path / "home") as stack:
        yield stack
