"""git where it is missing, old or cannot answer."""

from pathlib import Path

import pytest

from engines.matching.mining.git import GitFailed, Repository
from engines.matching.types import CannotMatch
from engines.watch import Unwatched
from tests.engines.matching.mining.stories import ANN, Story


def test_a_missing_git_is_to_be_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotMatch, match="git is not installed here; install it"):
        Repository(tmp_path, Unwatched())


def test_an_old_git_is_to_be_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "git"
    program.write_text("#!/bin/sh\necho git version 2.30.9\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotMatch, match=r"git version 2\.30\.9 is too old .*2\.31"):
        Repository(tmp_path, Unwatched())


def test_a_command_that_fails_says_what_git_said(tmp_path: Path) -> None:
    story = Story(tmp_path / "story")
    story.commit(ANN, "Begin")
    repository = Repository(story.write(), Unwatched())
    assert repository.line("cat-file", "-t", "HEAD") == "commit"
    with pytest.raises(GitFailed, match="Not a valid object name gone"):
        repository.line("cat-file", "-t", "gone")


def test_fields_are_what_lies_between_nuls(tmp_path: Path) -> None:
    story = Story(tmp_path / "story")
    story.commit(ANN, "Begin", {"a b": "1\n", "c": "2\n"})
    repository = Repository(story.write(), Unwatched())
    found = repository.fields("ls-tree", "-z", "--name-only", "HEAD")
    assert [*found] == [b"a b", b"c"]
