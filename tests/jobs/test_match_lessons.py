"""Lessons in a process of their own."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from engines.matching.engine import open_matcher
from engines.matching.types import Mode, Query
from jobs import match_lessons
from jobs.desk import Desk
from jobs.match_history import Pasts
from jobs.match_lessons import Lessons
from jobs.match_work import Finder
from jobs.requests import MatchTask, Source, Wanted
from storage.database import Database
from tests.engines.matching.written import write_repository
from tests.jobs.asked import asked
from tests.jobs.match_bench import ASKED_AT, HistoryDesk, shown

COMMITS = 260
ASKED = Query(2_000_000_000, ("web/f3.py",), "Mend the page")
PATIENCE_S = 150.0


@pytest.fixture
def lessons() -> Iterator[Lessons]:
    found = Lessons()
    yield found
    found.close()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With one lesson in it."""
    folder = tmp_path_factory.mktemp("history")
    write_repository(folder, COMMITS)
    return folder


@pytest.fixture
def kept(repository: Path, tmp_path: Path) -> Path:
    """What was read of it."""
    open_matcher(repository, kept=tmp_path / "learned", waits=False).rank(ASKED)
    return tmp_path / "learned"


def _until(condition: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.05)


def _weights(kept: Path) -> list[Path]:
    return [*kept.glob("author.*.safetensors")]


def _at_it(lessons: Lessons) -> int:
    """The process that learns."""
    _until(lambda: lessons.process is not None)
    assert lessons.process is not None
    return lessons.process


def _answer(finder: Finder, desk: Desk) -> str:
    """What is answered."""
    request = MatchTask(
        task=Wanted(named="web/f3.py", files=("web/f3.py",)),
        source=Source(repository="o/r"),
        repository="o/r",
        asked_at=ASKED_AT,
    )
    return shown(finder.task(request, desk).reply)


async def test_an_answer_comes_before_the_lesson_and_later_ones_know_it(
    repository: Path,
    sqlite: Database,
    lessons: Lessons,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(match_lessons, "NICE", 1)  # the machine of the tests may be busy
    (tmp_path / "desk").mkdir()
    root = tmp_path / "desk" / "history"
    root.symlink_to(repository)
    desk, finder = HistoryDesk(root, await asked(sqlite)), Finder(sqlite, Pasts(lessons))
    untaught = "go by what holds in other histories"
    assert untaught in _answer(finder, desk)
    _until(lambda: _weights(tmp_path / "desk" / "learned"))
    assert untaught not in _answer(finder, desk)


def test_it_is_learned_once(kept: Path, lessons: Lessons, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(match_lessons, "NICE", 1)  # the machine of the tests may be busy
    with capture_logs() as logs:
        assert lessons.begin(kept, Mode.AUTHOR)
        assert not lessons.begin(kept, Mode.AUTHOR)
        _until(lambda: logs)
    assert [one["event"] for one in logs] == ["lesson learned"]
    assert _weights(kept)


def test_what_another_worker_learns_is_left_to_it(kept: Path, lessons: Lessons) -> None:
    with (kept / "author.lock").open("w") as lock, capture_logs() as logs:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert lessons.begin(kept, Mode.AUTHOR)
        _at_it(lessons)
        _until(lambda: lessons.process is None)
    assert logs == []
    assert lessons.begin(kept, Mode.AUTHOR), "it has not failed"


def test_where_no_process_can_be_started_that_is_told(
    kept: Path, lessons: Lessons, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(match_lessons.sys, "executable", str(kept / "gone"))
    with capture_logs() as logs:
        assert lessons.begin(kept, Mode.AUTHOR)
        _until(lambda: logs)
    assert "no process could be started" in logs[0]["error"]


def test_a_worker_that_ends_takes_the_lesson_with_it(kept: Path, lessons: Lessons) -> None:
    lessons.begin(kept, Mode.AUTHOR)
    process = _at_it(lessons)
    assert os.getpriority(os.PRIO_PROCESS, process) >= match_lessons.NICE
    lessons.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    lessons.begin(kept, Mode.AUTHOR)
    assert not _weights(kept)


def test_what_fails_is_told_and_not_tried_again_at_once(
    tmp_path: Path, lessons: Lessons, monkeypatch: pytest.MonkeyPatch
) -> None:
    with capture_logs() as logs:
        assert lessons.begin(tmp_path, Mode.AUTHOR)
        _until(lambda: logs)
    assert "no history is kept" in logs[0]["error"]
    assert not lessons.begin(tmp_path, Mode.AUTHOR)
    monkeypatch.setattr(match_lessons, "AGAIN_S", 0.0)
    assert lessons.begin(tmp_path, Mode.AUTHOR)


def test_a_lesson_that_never_ends_is_ended(
    kept: Path, lessons: Lessons, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(match_lessons, "LIMIT_S", 0.2)
    with capture_logs() as logs:
        lessons.begin(kept, Mode.AUTHOR)
        _until(lambda: logs)
    assert "longer than" in logs[0]["error"]
