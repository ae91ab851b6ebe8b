"""Mainlines as tasks, read from small repositories that git wrote."""

import shutil
from itertools import pairwise
from pathlib import Path

import pytest
from typing_extensions import override

from engines.matching.mining.history import History, read_history
from engines.matching.mining.log import MOST_TOUCHES
from engines.matching.types import CannotMatch, Merged, Signature, Touch
from engines.watch import Stopped, Unwatched
from tests.engines.matching.mining.stories import (
    ANN,
    BOB,
    BORS,
    BOT,
    CYD,
    HOUR_S,
    START_S,
    Files,
    Moved,
    Story,
    git,
    tell_random,
)

DAY_S = 86_400


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """A repository to be told."""
    return Story(tmp_path / "story")


def _tasks(story: Story, tip: int | None = None) -> list[Merged]:
    return read_history(story.write(tip)).tasks


def test_a_commit_is_a_task_of_its_author(story: Story) -> None:
    story.commit(ANN, "Add a door\n\nIt opens.", {"door.py": "a\nb\n"})
    story.commit(BOB, "Paint it (#12)", {"door.py": "a\nred\nc\n"})
    first, second = _tasks(story)
    assert (first.author, first.text, first.commits) == (ANN, "Add a door", 1)
    assert first.touches == (Touch("door.py", added=2),)
    assert first.started_s == first.merged_s == START_S + HOUR_S
    assert (second.author, second.text) == (BOB, "Paint it")
    assert second.touches == (Touch("door.py", added=2, deleted=1),)
    assert not second.by_bot
    assert (second.others, second.reviewers, second.branch_of) == ((), (), "")


def test_a_merge_is_one_task_of_who_wrote_most_of_it(story: Story) -> None:
    base = story.commit(ANN, "Begin")
    one = story.commit(BOB, "Try a lock", {"lock.py": "1\n"}, after=[base])
    two = story.commit(CYD, "Oil the lock", {"oil.py": "1\n"})
    three = story.commit(CYD, "Oil it again", {"oil.py": "2\n"})
    story.commit(ANN, "Else", {"else.py": "1\n"}, after=[base])
    story.commit(ANN, "Merge branch 'lock'\n\nA lock that is oiled", {}, after=[5, three])
    *_, task = _tasks(story)
    assert task.author == CYD
    assert task.others == (BOB,)
    assert task.reviewers == (ANN,)
    assert task.commits == 3
    assert task.started_s == START_S + one * HOUR_S
    assert task.merged_s == START_S + 6 * HOUR_S
    assert task.touches == (Touch("lock.py", added=1), Touch("oil.py", added=1))
    assert task.text == "A lock that is oiled\nTry a lock\nOil the lock\nOil it again"
    assert two == one + 1


def test_of_two_who_wrote_the_same_share_the_earlier_is_the_author(story: Story) -> None:
    story.commit(ANN, "Begin")
    story.commit(CYD, "One", after=[1])
    story.commit(BOB, "Two")
    story.commit(ANN, "Merge branch 'x'", {}, after=[1, 3])
    assert _tasks(story)[-1].author == CYD


def test_somebody_who_signs_in_two_ways_counts_once(story: Story) -> None:
    home = Signature(BOB.name, "bob@home.org")
    story.commit(ANN, "Begin")
    story.commit(CYD, "One", after=[1])
    story.commit(CYD, "Two")
    story.commit(BOB, "Three")
    story.commit(home, "Four")
    story.commit(home, "Five")
    story.commit(ANN, "Merge branch 'x'", {}, after=[1, 6])
    task = _tasks(story)[-1]
    assert (task.author, task.others) == (BOB, (CYD,))


def test_commits_that_a_branch_took_from_the_mainline_are_not_its_own(story: Story) -> None:
    story.commit(ANN, "Begin")
    story.commit(BOB, "Work", after=[1])
    story.commit(CYD, "Meanwhile", after=[1])
    story.commit(BOB, "Merge branch 'main' into work", {}, after=[2, 3])
    story.commit(BOB, "More work")
    story.commit(ANN, "Merge branch 'work'", {}, after=[3, 5])
    task = _tasks(story)[-1]
    assert (task.commits, task.author, task.others) == (2, BOB, ())
    assert [touch.path for touch in task.touches] == ["f2", "f5"]


def test_an_octopus_brings_all_its_branches(story: Story) -> None:
    story.commit(ANN, "Begin")
    story.commit(BOB, "Left", after=[1])
    story.commit(CYD, "Right", after=[1])
    story.commit(ANN, "Merge branches 'left' and 'right'", {}, after=[1, 2, 3])
    task = _tasks(story)[-1]
    assert (task.commits, task.author, task.others) == (2, BOB, (CYD,))


def test_a_rename_is_followed(story: Story) -> None:
    story.commit(ANN, "Begin", {"old/name.py": "1\n2\n3\n4\n5\n6\n"})
    story.commit(ANN, "Move", {"new/name.py": Moved("old/name.py")})
    touches = _tasks(story)[-1].touches
    assert touches == (Touch("new/name.py", was="old/name.py"),)


def test_paths_and_messages_may_be_any_bytes(story: Story) -> None:
    paths: Files = {
        "two\nlines": "1\n",
        b"latin-\xe9": "1\n",
        "a\tb": "1\n",
        'quo"te': b"\x00\x01binary",
        "commit fff": "1\n",
    }
    story.commit(ANN, b"Caf\xe9 \x01\x1b[31m\n\nbody \xff", paths)
    (task,) = _tasks(story)
    assert [touch.path for touch in task.touches] == [
        "a\tb",
        "commit fff",
        "latin-\ufffd",
        'quo"te',
        "two\nlines",
    ]
    assert task.touches[3] == Touch('quo"te')
    assert task.text.startswith("Caf\ufffd")


def test_a_commit_that_changes_nothing_touches_nothing(story: Story) -> None:
    story.commit(ANN, "Begin")
    story.commit(BOB, "Nothing", {})
    story.commit(CYD, "", {"x": "1"})
    assert [(task.touches == (), task.text) for task in _tasks(story)] == [
        (False, "Begin"),
        (True, "Nothing"),
        (False, ""),
    ]


def test_of_a_huge_change_the_first_files_are_told(story: Story) -> None:
    story.commit(ANN, "Vendor", {f"v/{number:04}": "1\n" for number in range(MOST_TOUCHES + 50)})
    story.commit(BOB, "Mend", {"v/0000": "2\n"})
    huge, small = _tasks(story)
    assert len(huge.touches) == MOST_TOUCHES
    assert huge.touches[-1].path == f"v/{MOST_TOUCHES - 1:04}"
    assert small.touches == (Touch("v/0000", added=1, deleted=1),)


def test_bots_do_nobodys_work(story: Story) -> None:
    story.commit(BOT, "Bump x", {"lock": "1\n"})
    story.commit(ANN, "Begin")
    story.commit(BOT, "Bump y", after=[2])
    story.commit(BOB, "Merge pull request #3 from dependabot/y", {}, after=[2, 3])
    tasks = _tasks(story)
    assert [task.by_bot for task in tasks] == [True, False, True]
    assert tasks[2].author == BOT
    assert tasks[2].reviewers == ()


def test_people_come_before_the_bots_of_their_branch(story: Story) -> None:
    story.commit(ANN, "Begin")
    story.commit(BOB, "Work", after=[1])
    story.commit(BOT, "Format")
    story.commit(BOT, "Format again")
    story.commit(ANN, "Merge pull request #3 from bob/work\n\nThe work", {}, after=[1, 4])
    task = _tasks(story)[-1]
    assert (task.author, task.others, task.by_bot, task.branch_of) == (BOB, (), False, "bob")


def test_reviewers_are_named_by_trailers_and_by_who_merged(story: Story) -> None:
    story.commit(ANN, "Begin")
    story.commit(
        BOB,
        "Work\n\nReviewed-by: Cyd Noe <cyd@work.org>\nAcked-by: Bob Moe <bob@home.org>\n"
        "Co-authored-by: Dan Poe <dan@work.org>\nCo-authored-by: x[bot] <x[bot]@work.org>",
        after=[1],
    )
    story.commit(
        ANN, "Merge branch 'work'\n\nWork\n\nAcked-by: Cyd Noe <c@x.org>", {}, after=[1, 2]
    )
    task = _tasks(story)[-1]
    assert task.others == (Signature("Dan Poe", "dan@work.org"),)
    assert task.reviewers == (CYD, ANN)


def test_a_handle_is_its_owners_once_a_branch_or_an_address_told(story: Story) -> None:
    story.commit(ANN, "Begin")
    for number in range(1, 9, 2):
        story.commit(CYD, f"Work {number}", after=[number])
        story.commit(
            BORS, "Auto merge of #7 - noey:work, r=moe\n\nTitle", {}, after=[number, number + 1]
        )
    story.commit(BOB, "More", after=[9])
    story.commit(BORS, "Auto merge of #8 - moe:more, r=noey,moe", {}, after=[9, 10])
    *earlier, last = _tasks(story)
    assert {task.reviewers for task in earlier[1:]} == {
        (Signature("moe", "moe@users.noreply.github.com"),)
    }
    assert earlier[1].branch_of == "noey"
    assert last.author == BOB
    assert last.reviewers[0] == CYD


def test_who_signs_with_a_handle_is_found_by_it(story: Story) -> None:
    moe = Signature("Bob Moe", "12+Moe@users.noreply.github.com")
    story.commit(moe, "Begin")
    story.commit(CYD, "Work", after=[1])
    story.commit(BORS, "Merge #7\n\n7: Title r=moe a=noey", {}, after=[1, 2])
    task = _tasks(story)[-1]
    assert task.reviewers == (moe,)
    assert (task.branch_of, task.text) == ("noey", "Title\nWork")


def test_a_late_clock_does_not_turn_time_back(story: Story) -> None:
    for at_s in (START_S, START_S - 5 * DAY_S, START_S + 10):
        story.commit(ANN, "x", committed_s=at_s, authored_s=at_s)
    tasks = _tasks(story)
    assert [task.merged_s - START_S for task in tasks] == [0, 0, 10]
    assert [task.started_s - START_S for task in tasks] == [0, -5 * DAY_S, 10]


def test_a_clock_in_the_far_future_is_not_believed_alone(story: Story) -> None:
    for at_s in (0, 4000 * DAY_S, 50, 900 * DAY_S, 900 * DAY_S + 7, 900 * DAY_S + 9):
        story.commit(ANN, "x", committed_s=START_S + at_s, authored_s=START_S + at_s)
    tasks = _tasks(story)
    assert [task.merged_s - START_S for task in tasks] == [
        0,
        0,
        50,
        50,
        900 * DAY_S,
        900 * DAY_S + 9,
    ]
    assert all(task.started_s <= task.merged_s for task in tasks)


def test_a_task_does_not_take_longer_than_sixty_days(story: Story) -> None:
    story.commit(ANN, "x", authored_s=START_S - 900 * DAY_S, committed_s=START_S)
    story.commit(ANN, "y", authored_s=START_S + 900 * DAY_S, committed_s=START_S + 60)
    first, second = _tasks(story)
    assert first.started_s == START_S - 60 * DAY_S
    assert second.started_s == START_S + 60


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_history_at_an_older_commit_is_the_beginning_of_history(story: Story, seed: int) -> None:
    tell_random(story, seed)
    repository = story.write()
    whole = read_history(repository)
    assert len(whole.tasks) == 41
    assert all(one.merged_s <= other.merged_s for one, other in pairwise(whole.tasks))
    for known in (1, 2, 7, 20, 33, 40):
        cut = read_history(repository, whole.tasks[known - 1].sha)
        assert cut.tasks == whole.tasks[:known]
        assert read_history(repository, before=cut) == whole


def test_a_rewritten_mainline_is_read_anew(story: Story) -> None:
    story.commit(ANN, "Begin")
    story.commit(ANN, "Lost")
    before = read_history(story.write())
    story.commit(BOB, "Kept", after=[1])
    after = read_history(story.write(), before=before)
    assert [task.author for task in after.tasks] == [ANN, BOB]
    # The old tip is among what is merged, but no longer on the mainline.
    story.commit(CYD, "Merge branch 'lost'", {}, after=[3, 2])
    again = read_history(story.write(), before=before)
    assert [task.sha for task in again.tasks][:2] == [task.sha for task in after.tasks]
    assert again == read_history(story.write())


def test_what_git_no_longer_has_is_read_anew(story: Story) -> None:
    story.commit(ANN, "Begin")
    repository = story.write()
    gone = History([], "0" * 40, ())
    assert read_history(repository, before=gone) == read_history(repository)


def test_a_worktree_a_clone_and_a_git_folder_read_the_same(story: Story, tmp_path: Path) -> None:
    story.commit(ANN, "Begin", {"a.py": "1\n", "big.txt": "1\n2\n"})
    story.commit(BOB, "More", {".gitattributes": "*.py -diff\n", "a.py": "2\n3\n"})
    bare = story.write()
    expected = read_history(bare)
    assert expected.tasks[1].touches[1] == Touch("a.py", added=2, deleted=1)
    git(tmp_path, "clone", "--quiet", bare, "clone")
    clone = tmp_path / "clone"
    git(clone, "worktree", "add", "--quiet", tmp_path / "tree")
    for folder in (clone, clone / ".git", tmp_path / "tree"):
        assert read_history(folder) == expected


def test_settings_of_the_repository_change_nothing_and_run_nothing(
    story: Story, tmp_path: Path
) -> None:
    story.commit(ANN, "Begin", {"a.py": "1\n2\n3\n4\n"})
    story.commit(BOB, "Move", {"b.py": Moved("a.py")})
    repository = story.write()
    expected = read_history(repository)
    ran = tmp_path / "ran"
    for name, value in {
        "log.showSignature": "true",
        "log.showRoot": "false",
        "log.date": "relative",
        "gpg.program": f"touch {ran}",
        "diff.external": f"touch {ran};",
        "diff.renames": "false",
        "diff.orderFile": "/nonexistent",
        "diff.relative": "true",
        "core.fsmonitor": f"touch {ran}",
        "core.pager": f"touch {ran};",
        "i18n.logOutputEncoding": "utf-16",
        "core.quotePath": "true",
        "mailmap.blob": "HEAD:a.py",
    }.items():
        git(repository, "config", name, value)
    assert read_history(repository) == expected
    assert not ran.exists()


def test_a_shallow_clone_is_read_as_far_as_it_goes(story: Story, tmp_path: Path) -> None:
    for _ in range(5):
        story.commit(ANN, "Work")
    whole = read_history(story.write())
    git(tmp_path, "clone", "--quiet", "--depth=2", f"file://{story.write()}", "shallow")
    shallow = read_history(tmp_path / "shallow")
    assert [task.sha for task in shallow.tasks] == [task.sha for task in whole.tasks[-2:]]
    assert [task.touches for task in shallow.tasks] == [(), whole.tasks[-1].touches]
    assert "shallow" in shallow.notes[0]
    git(tmp_path / "shallow", "fetch", "--quiet", "--unshallow")
    assert read_history(tmp_path / "shallow", before=shallow) == whole


def test_a_partial_clone_is_read_without_contents(story: Story, tmp_path: Path) -> None:
    story.commit(ANN, "Begin", {"a.py": "1\n2\n3\n"})
    story.commit(BOB, "Move", {"b.py": Moved("a.py")})
    repository = story.write()
    git(repository, "config", "uploadpack.allowFilter", "true")
    source = f"file://{repository}"
    git(tmp_path, "clone", "--quiet", "--bare", "--filter=blob:none", source, "partial")
    partial = read_history(tmp_path / "partial")
    assert "partial" in partial.notes[0]
    assert [task.touches for task in partial.tasks] == [
        (Touch("a.py"),),
        (Touch("b.py", was="a.py"),),
    ]


def test_without_trees_there_is_nothing_to_read(story: Story, tmp_path: Path) -> None:
    story.commit(ANN, "Begin")
    repository = story.write()
    git(repository, "config", "uploadpack.allowFilter", "true")
    source = f"file://{repository}"
    git(tmp_path, "clone", "--quiet", "--bare", "--filter=tree:0", source, "partial")
    with pytest.raises(CannotMatch, match="without a filter"):
        read_history(tmp_path / "partial")


def test_a_lost_content_costs_only_its_own_counts(story: Story) -> None:
    for number in range(1, 6):
        story.commit(ANN, f"Work {number}", {"a.py": f"{number}\n" * number})
    repository = story.write()
    before = read_history(repository).tasks
    _lose(repository, git(repository, "rev-parse", f"{before[2].sha}:a.py"))
    after = read_history(repository).tasks
    lost = [(one.touches, two.touches) for one, two in zip(before, after, strict=True)]
    assert [one == two for one, two in lost] == [True, True, False, False, True]
    assert lost[2][1] == (Touch("a.py"),)


def _lose(repository: Path, blob: str) -> None:
    """Unpack everything, then forget one content."""
    packs = repository / "objects" / "pack"
    kept = repository / "kept"
    shutil.move(packs, kept)
    packs.mkdir()
    for pack in kept.glob("*.pack"):
        git(repository, "-c", f"alias.unpack=!git unpack-objects -q < {pack}", "unpack")
    (repository / "objects" / blob[:2] / blob[2:]).unlink()


def test_what_cannot_be_read_is_said_in_one_line(story: Story, tmp_path: Path) -> None:
    with pytest.raises(CannotMatch, match="is not a git repository"):
        read_history(tmp_path)
    git(tmp_path, "init", "--quiet", "empty")
    with pytest.raises(CannotMatch, match="HEAD names no commit"):
        read_history(tmp_path / "empty")
    story.commit(ANN, "Begin")
    repository = story.write()
    for name in ("gone", "--all", "HEAD --all", ""):
        with pytest.raises(CannotMatch, match="has no commit"):
            read_history(repository, name)


def test_a_folder_inside_a_repository_is_not_that_repository(story: Story, tmp_path: Path) -> None:
    story.commit(ANN, "Begin", {"sub/a.py": "1\n"})
    git(tmp_path, "clone", "--quiet", story.write(), "clone")
    with pytest.raises(CannotMatch, match="is not a git repository"):
        read_history(tmp_path / "clone" / "sub")


class _Impatient(Unwatched):
    @override
    def stop_requested(self) -> bool:
        return True


def test_who_does_not_wait_gets_nothing(story: Story) -> None:
    story.commit(ANN, "Begin")
    repository = story.write()
    with pytest.raises(Stopped):
        read_history(repository, watch=_Impatient())
