"""What is believed of the newest tasks, for prices to be learned from."""

from pathlib import Path

import pytest

from engines.matching.engine import open_matcher
from engines.matching.protocol import query_of
from engines.matching.ranking import learner
from engines.matching.recent import RECENT
from engines.matching.types import Mode
from engines.watch import Unwatched
from tests.engines.matching.written import write_repository

COMMITS = 130


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Too young for a lesson of its own."""
    folder = tmp_path_factory.mktemp("recent")
    write_repository(folder, COMMITS)
    return folder


def test_each_is_ranked_by_what_was_known_when_it_was_begun(repository: Path) -> None:
    matcher = open_matcher(repository)
    recent = matcher.recent(Mode.AUTHOR)
    assert len(recent) == RECENT
    for back in (1, 60):
        task = matcher.tasks[-back]
        asked = open_matcher(repository, f"main~{back}").rank(query_of(task, Mode.AUTHOR))
        assert recent[-back] == asked


def test_it_serves_until_there_is_much_that_is_newer(repository: Path) -> None:
    before = open_matcher(repository, "main~60")
    found = before.recent(Mode.AUTHOR)
    soon = open_matcher(repository, "main~20", earlier=before)
    assert soon.recent(Mode.AUTHOR) is found
    later = open_matcher(repository, earlier=soon)
    assert later.recent(Mode.AUTHOR) == open_matcher(repository).recent(Mode.AUTHOR)


def test_it_is_kept_for_other_processes(repository: Path, tmp_path: Path) -> None:
    kept = open_matcher(repository, kept=tmp_path).recent(Mode.AUTHOR)
    file = tmp_path / "recent.author.json"
    written = file.stat()
    assert open_matcher(repository, kept=tmp_path).recent(Mode.AUTHOR) == kept
    assert file.stat().st_mtime_ns == written.st_mtime_ns
    file.write_text('{"format": 1, "tasks": 130}')
    assert open_matcher(repository, kept=tmp_path).recent(Mode.AUTHOR) == kept


def test_a_lesson_tells_the_same_as_asking_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of questions that the next lesson will have no room for."""
    monkeypatch.setattr(learner, "MOST_ROWS", 400)
    write_repository(tmp_path / "history", 290)
    taught = open_matcher(tmp_path / "history", kept=tmp_path / "kept")
    taught.learn(Mode.AUTHOR, Unwatched())
    file = tmp_path / "kept" / "recent.author.json"
    assert file.exists()
    told = taught.recent(Mode.AUTHOR)
    file.unlink()
    assert open_matcher(tmp_path / "history", kept=tmp_path / "kept").recent(Mode.AUTHOR) == told
