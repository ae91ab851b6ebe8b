"""Histories that are kept in files, and what of a task is kept."""

from pathlib import Path

import pytest

from engines.matching.knowledge import Knowledge
from engines.matching.mining.history import History, read_history
from engines.matching.mining.kept import kept_history, save_history
from engines.matching.mining.log import MOST_TOUCHES
from engines.matching.people import People
from engines.matching.state.evidence import Evidence
from tests.engines.matching.mining.stories import ANN, BOB, CYD, Moved, Story, tell_random


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """A repository to be told."""
    return Story(tmp_path / "story")


def test_a_folder_of_many_files_that_moves_takes_what_is_known_of_them_along(story: Story) -> None:
    count = MOST_TOUCHES + 100
    names = [f"f{number:04}" for number in range(count)]
    for number in range(5):
        story.commit(ANN, "Work", {f"old/{name}": f"{number} {name}\n" for name in names[-2:]})
    story.commit(BOB, "Vendor", {f"old/{name}": f"{name}\n" for name in names[:-2]})
    story.commit(CYD, "Move", {f"new/{name}": Moved(f"old/{name}") for name in names})
    tasks = read_history(story.write()).tasks
    moving = tasks[-1]
    assert len(moving.touches) == MOST_TOUCHES
    assert [move.path for move in moving.moved] == [f"new/{name}" for name in names[-100:]]
    assert len(list(moving.moves())) == count
    evidence, knowledge = Evidence(), Knowledge(People())
    for task in tasks:
        evidence.observe(task)
        knowledge.observe(task)
    assert f"new/{names[-1]}" in evidence.files
    assert f"old/{names[-1]}" not in evidence.files
    assert evidence.neighbours([f"new/{names[-1]}"])
    changes = knowledge.changes_of(f"new/{names[-1]}")
    assert [change.position for change in changes] == [0, 1, 2, 3, 4]


def test_a_history_can_be_kept(story: Story, tmp_path: Path) -> None:
    tell_random(story, 4, steps=15)
    history = read_history(story.write())
    file = tmp_path / "made" / "history.json"
    assert kept_history(file) is None
    save_history(history, file)
    assert kept_history(file) == history
    save_history(History([], history.tip, ("short",)), file)
    assert kept_history(file) == History([], history.tip, ("short",))
    assert [one.name for one in file.parent.iterdir()] == [file.name]


def test_what_was_merged_since_is_kept_in_a_small_file_beside_it(
    story: Story, tmp_path: Path
) -> None:
    tell_random(story, 5, steps=30)
    repository = story.write()
    whole, file = read_history(repository), tmp_path / "history.json"
    kept = save_history(read_history(repository, whole.tasks[9].sha), file)
    written = file.read_bytes()
    for known in (12, 20, len(whole.tasks)):
        grown = read_history(repository, whole.tasks[known - 1].sha, before=kept)
        kept = save_history(grown, file)
        assert file.read_bytes() == written
        again = kept_history(file)
        assert again is not None
        assert again == kept
        assert again.tasks == whole.tasks[:known]
        assert again.reader is not None
        # Read on from what was kept, without what is in memory.
        assert read_history(repository, before=again) == whole
    later = next(file.parent.glob("*.later.json"))
    rest = later.read_bytes()
    for broken in (b"", rest[:-9], rest.replace(whole.tasks[9].sha.encode(), b"0" * 40)):
        later.write_bytes(broken)
        first = kept_history(file)
        assert first is not None
        assert first.tasks == whole.tasks[:10]
    save_history(read_history(repository), file)
    assert kept_history(file) == whole
    assert not later.exists()


def test_once_much_was_merged_since_all_is_written_anew(
    story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engines.matching.mining.kept.MOST_LATER", 5)
    tell_random(story, 6, steps=12)
    repository, file = story.write(), tmp_path / "history.json"
    whole = read_history(repository)
    kept = save_history(read_history(repository, whole.tasks[3].sha), file)
    for known, alone in ((9, False), (10, True), (12, False)):
        kept = save_history(read_history(repository, whole.tasks[known - 1].sha, before=kept), file)
        assert kept_history(file) == kept
        assert (
            [one.name for one in tmp_path.iterdir() if one.suffix == ".json"] == [file.name]
        ) == alone


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 1}', '{"format":4,"tip":"x"}'])
def test_what_is_no_history_is_not_taken_for_one(tmp_path: Path, content: str) -> None:
    file = tmp_path / "history.json"
    file.write_text(content)
    assert kept_history(file) is None
