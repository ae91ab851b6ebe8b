"""Lessons that are waited for, and lessons that others learn meanwhile."""

import fcntl
import shutil
from pathlib import Path

import pytest

from engines.matching import lessons
from engines.matching.__main__ import NOTHING_NEW, main
from engines.matching.engine import Matcher, open_matcher
from engines.matching.lessons import teach
from engines.matching.ranking import learner, model
from engines.matching.ranking.boosting import TreesMissing
from engines.matching.ranking.forest import Forest
from engines.matching.ranking.lists import Lists
from engines.matching.ranking.model import BLENDS, Blend
from engines.matching.types import CannotMatch, Mode, Query, Ranking
from tests.engines.matching.written import write_repository

COMMITS = 530
"""Lessons are after 250 and 500."""
EARLIER = "main~60"
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
    kept, copied = tmp_path / "kept", tmp_path / "copied"
    earlier = _unhurried(repository, kept, EARLIER)
    teach(kept, Mode.AUTHOR)
    earlier.catch_up()
    assert earlier.behind == ()
    later = open_matcher(repository, kept=kept, earlier=earlier, waits=False)
    anew = _unhurried(repository, kept)
    assert later.rank(ASKED) == anew.rank(ASKED) != taught
    for one in (later, anew):
        assert one.behind == (Mode.AUTHOR,)
        assert not one.is_untaught(Mode.AUTHOR)
    shutil.copytree(kept, copied)
    teach(kept, Mode.AUTHOR)
    for one in (later, anew):
        one.catch_up()
        assert one.rank(ASKED) == taught
    assert _unhurried(repository, kept, EARLIER).behind == (), "both lessons are kept"
    assert open_matcher(repository, kept=copied).rank(ASKED) == taught, "who waits learns"


def test_a_lesson_of_another_mixture_is_none(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    matcher = _unhurried(repository, tmp_path, EARLIER)
    monkeypatch.setitem(BLENDS, Mode.AUTHOR, Blend(0.1, 0.1, 0.1))
    teach(tmp_path, Mode.AUTHOR)
    monkeypatch.undo()
    matcher.catch_up()
    assert matcher.behind == (Mode.AUTHOR,)


def test_what_could_not_be_learned_is_said_by_whoever_takes_the_lesson(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_lists: Lists, **_weights: object) -> Forest:
        raise TreesMissing("no trees here")

    monkeypatch.setattr(model, "grow", missing)
    matcher = _unhurried(repository, tmp_path, EARLIER)
    teach(tmp_path, Mode.AUTHOR)
    matcher.catch_up()
    assert matcher.notes == ("no trees here",)


def test_lessons_that_nobody_needs_any_more_are_removed(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learner, "MOST_ROWS", 100)  # too few to learn from, which is soon done
    monkeypatch.setattr(lessons, "MOST_KEPT", 1)
    for tip in (EARLIER, "main"):
        matcher = _unhurried(repository, tmp_path, tip)
        assert teach(tmp_path, Mode.AUTHOR)
        matcher.catch_up()
        assert matcher.behind == ()
        assert len([*tmp_path.glob("author.*.safetensors")]) == 1


def test_a_young_history_has_no_lesson(repository: Path, tmp_path: Path) -> None:
    matcher = _unhurried(repository, tmp_path, "main~400")
    assert matcher.behind == ()
    assert matcher.is_untaught(Mode.AUTHOR)


def test_nobody_waits_for_the_newest_tasks_either(repository: Path, tmp_path: Path) -> None:
    matcher = _unhurried(repository, tmp_path, "main~400")
    assert matcher.recent(Mode.AUTHOR) == ()
    assert matcher.behind == (Mode.AUTHOR,)
    assert teach(tmp_path, Mode.AUTHOR)
    matcher.catch_up()
    recent = matcher.recent(Mode.AUTHOR)
    assert recent == open_matcher(repository, "main~400").recent(Mode.AUTHOR)
    assert matcher.behind == ()
    later = open_matcher(repository, "main~300", kept=tmp_path, earlier=matcher, waits=False)
    assert later.recent(Mode.AUTHOR) == recent, "it serves until there is something newer"
    assert later.behind == (Mode.AUTHOR,)


def test_two_do_not_learn_the_same(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _unhurried(repository, tmp_path)
    with (tmp_path / "author.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert main(["learn", str(tmp_path)]) == NOTHING_NEW
    assert "is being learned" in capsys.readouterr().out
    assert not [*tmp_path.glob("author.*.safetensors")]


def test_who_waits_does_not_go_on_from_who_did_not(repository: Path, tmp_path: Path) -> None:
    hasty = _unhurried(repository, tmp_path, EARLIER)
    with pytest.raises(ValueError, match="waits"):
        open_matcher(repository, earlier=hasty)


def test_where_no_history_is_kept_there_is_nothing_to_learn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in (tmp_path, tmp_path / "gone"):
        with pytest.raises(CannotMatch):
            teach(folder, Mode.AUTHOR)
        assert main(["learn", str(folder)]) == 1
        assert "no history is kept" in capsys.readouterr().err
