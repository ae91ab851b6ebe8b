"""A git host, and the files of a checkout as a mapping."""

from pathlib import Path

import pytest

from tests.fakes.git_host import GitHost


@pytest.fixture
def host(tmp_path: Path) -> GitHost:
    """A host without repositories."""
    return GitHost(tmp_path / "host")
