"""Lessons that are waited for, and lessons that others learn meanwhile."""

import fcntl
from pathlib import Path

import pytest

from engines.matching.__main__ import main
from engines.matching.engine import Matcher, open_matcher
from engines.matching.lessons import teach
from engines.matching.types import CannotMatch, Mode, Query, Ranking
from tests.engines.matching.written import write_repository

COMMITS = 530
"""Lessons are after 250 and 500."""
ASKED = Query(2_000_000_000, ("web/f3.py",), "Mend the page")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("history")
    write_repository(folder, COMMITS)
    return folder


@pytest.fixture(scope="module")
def taught(repository: Path) -> Ranking:
    """What somebody says who waited for the lesson."""
    return open_matcher(repository).rank(ASKED)


def _unhurried(repository: Path, kept: Path, at: str = "main") -> Matcher:
    matcher = open_matcher(repository, at, kept=kept, waits=False)
    matcher.rank(ASKED)
    return matcher


def test_who_does_not_wait_goes_by_other_histories_until_this_one_is_learned(
    repository: Path, taught: Ranking, tmp_path: Path
) -> None:
    matcher = _unhurried(repository, tmp_path)
    assert matcher.behind == (Mode.AUTHOR,)
    assert matcher.is_untaught(Mode.AUTHOR)
    before = matcher.rank(ASKED)
    assert before.candidates[0].person == taught.candidates[0].person
    assert before != taught
    matcher.catch_up()
    assert matcher.rank(ASKED) == before, "nobody has learned anything yet"

    assert teach(tmp_path, Mode.AUTHOR)
    matcher.catch_up()
    assert matcher.behind == ()
    assert matcher.rank(ASKED) == taught
    assert _unhurried(repository, tmp_path).rank(ASKED) == taught
    assert not teach(tmp_path, Mode.AUTHOR), "it is learned already"


def test_an_earlier_lesson_serves_until_the_next_is_learned(
    repository: Path, taught: Ranking, tmp_path: Path
) -> None:
    earlier = _unhurried(repository, tmp_path, "main~60")
    teach(tmp_path, Mode.AUTHOR)
    earlier.catch_up()
    assert earlier.behind == ()
    later = open_matcher(repository, kept=tmp_path, earlier=earlier, waits=False)
    anew = _unhurried(repository, tmp_path)
    assert later.rank(ASKED) == anew.rank(ASKED) != taught
    for one in (later, anew):
        assert one.behind == (Mode.AUTHOR,)
        assert not one.is_untaught(Mode.AUTHOR)
    teach(tmp_path, Mode.AUTHOR)
    for one in (later, anew):
        one.catch_up()
        assert one.rank(ASKED) == taught


def test_who_waits_learns_although_an_earlier_lesson_was_kept(
    repository: Path, taught: Ranking, tmp_path: Path
) -> None:
    open_matcher(repository, "main~60", kept=tmp_path).rank(ASKED)
    assert open_matcher(repository, kept=tmp_path).rank(ASKED) == taught


def test_a_young_history_has_no_lesson(repository: Path, tmp_path: Path) -> None:
    matcher = _unhurried(repository, tmp_path, "main~400")
    assert matcher.behind == ()
    assert not matcher.is_untaught(Mode.AUTHOR)
    assert not teach(tmp_path, Mode.AUTHOR)
    assert not teach(tmp_path, Mode.REVIEWER)


def test_two_do_not_learn_the_same(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _unhurried(repository, tmp_path)
    with (tmp_path / "lesson.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert main(["learn", str(tmp_path)]) == 0
    assert "nobody else" in capsys.readouterr().out
    assert not (tmp_path / "author.safetensors").exists()


def test_where_no_history_is_kept_there_is_nothing_to_learn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CannotMatch):
        teach(tmp_path, Mode.AUTHOR)
    assert main(["learn", str(tmp_path / "gone")]) == 1
    assert "no history is kept" in capsys.readouterr().err
