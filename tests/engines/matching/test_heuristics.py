"""The benchmark's heuristics and its reference ranker: what ours is held against."""

import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engines.matching.mining.history import read_history
from engines.matching.protocol import Part, Question, Row, Scorer, Walk, Who, evaluate
from engines.matching.types import Merged, Mode, Touch
from tests.benchmarks.matching.answers import Setting
from tests.benchmarks.matching.blame import Blame, Lines, read_changes, spread
from tests.benchmarks.matching.heuristics import (
    Activity,
    AuthorPair,
    FileExperience,
    FileOwner,
    FolderOwner,
    FrozenOwners,
)
from tests.benchmarks.matching.learners import examples_of, fit_boosted, fit_linear, mrr
from tests.benchmarks.matching.likeness import Index, PathLikeness, WordNeighbours, likenesses
from tests.benchmarks.matching.pair_features import PairFeatures
from tests.benchmarks.matching.reference import BOOSTED, LINEAR, reference
from tests.engines.matching.histories import DAY_S, task

START_S = 1_600_000_000
A, B = "a@x", "b@x"


def known(*paths: str) -> list[Merged]:
    """a and b become candidates by the same amount of work, long ago."""
    old = [task("ab"[i % 2], START_S + i, *(paths or ("old",))) for i in range(10)]
    return [replace(one, sha=f"old {number}") for number, one in enumerate(old)]


def days(number: float) -> int:
    return START_S + round(number * DAY_S)


def last(scorer: Scorer, tasks: Sequence[Merged], mode: Mode = Mode.AUTHOR) -> dict[str, float]:
    """What a scorer says of the last task."""
    row: Row = evaluate(tasks, mode, scorer, tuple(Part))[-1]
    return dict(row.ranking)


def test_activity_halves_in_its_half_life() -> None:
    tasks = [*known(), task("a", days(100), "f"), task("b", days(130), "f")]
    asked = [*tasks, task("z", days(160), "f")]
    found = last(Activity(Mode.AUTHOR, 30.0), asked)
    old = 5 * 2 ** (-160 / 30)
    assert found == pytest.approx({A: 1 / 4 + old, B: 1 / 2 + old}, rel=1e-4)
    assert last(Activity(Mode.AUTHOR), asked) == {A: 6.0, B: 6.0}


def test_the_owner_of_a_file_is_followed_through_its_renames() -> None:
    moved = replace(task("b", days(2)), touches=(Touch("new", "old file"),))
    tasks = [*known(), task("a", days(1), "old file"), moved, task("b", days(2.1), "other")]
    found = last(FileOwner(Mode.AUTHOR), [*tasks, task("z", days(3), "new")])
    assert found[A] == pytest.approx(0.5, abs=0.01)
    assert found[A] < found[B]  # who moved it touched it later
    assert last(FileOwner(Mode.AUTHOR), [*tasks, task("z", days(3), "none")])[A] < 1e-4


def test_the_owner_of_a_folder_owns_those_below_less_and_less() -> None:
    tasks = [*known(), task("a", days(1), "x/y/1"), task("b", days(1), "x/2")]
    found = last(FolderOwner(Mode.AUTHOR), [*tasks, task("z", days(1.01), "x/y/3")])
    root = 1 / 8  # twelve tasks, six of each
    assert found == pytest.approx({A: 1 + 1 / 4 + root, B: 1 / 4 + root}, abs=0.01)


def test_frozen_owners_learn_nothing_anew() -> None:
    tasks = [
        *known("x/1"),
        *(task("b", days(1), "x/1") for _ in range(5)),
        task("z", days(2), "x/1"),
    ]
    assert last(FrozenOwners(Mode.AUTHOR, 10), tasks) == {A: 0.5, B: 0.5}
    assert last(FrozenOwners(Mode.AUTHOR, 15), tasks) == pytest.approx({A: 1 / 3, B: 2 / 3})


def test_experience_is_count_and_days_and_recency() -> None:
    work = [task("a", days(1), "f"), task("a", days(1.1), "f"), task("b", days(3), "f")]
    found = last(FileExperience(Mode.AUTHOR), [*known(), *work, task("z", days(4), "f")])
    assert found == pytest.approx({A: 2 / 3 + 1 / 2 + 1 / 3, B: 1 / 3 + 1 / 2 + 1})


def test_reviewers_of_an_author_come_first() -> None:
    tasks = [task("x", days(i), "f", reviewers="ab") for i in range(5)]
    tasks += [task("y", days(6), "f", reviewers="b"), task("y", days(7), "f", reviewers="ab")]
    found = last(AuthorPair(Mode.REVIEWER), tasks, Mode.REVIEWER)
    assert found[B] == pytest.approx(1.0, abs=0.01)
    assert found[A] < 1e-4


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("a/b/c", "a/b/d", (2 / 3, 0, 2 / 3, 2 / 3)),
        ("a/b/c", "x/b/c", (0, 2 / 3, 2 / 3, 2 / 3)),
        ("a/x/b/c", "a/b/y/c", (1 / 4, 1 / 4, 1 / 4, 3 / 4)),
        ("a", "a", (1, 1, 1, 1)),
        ("a", "b/c", (0, 0, 0, 0)),
    ],
)
def test_paths_are_alike_in_four_ways(
    one: str, other: str, expected: tuple[float, float, float, float]
) -> None:
    assert likenesses(one, other) == pytest.approx(expected)


def test_who_worked_on_paths_like_these_comes_first() -> None:
    tasks = [*known(), task("a", days(1), "lib/http/x.py"), task("b", days(1), "docs/y.rst")]
    found = last(PathLikeness(Mode.AUTHOR), [*tasks, task("z", days(2), "lib/http/z.py")])
    assert found[A] > found[B]


def test_cosines_by_hand() -> None:
    index = Index()
    index.add({"red": 1, "car": 1})
    index.add({"blue": 1})
    red = index.rarity("red")
    assert red == pytest.approx(np.log(4 / 2))
    assert list(index.cosines({"red": 1})) == pytest.approx([1 / np.sqrt(2), 0], abs=0.2)
    assert list(index.cosines({"green": 1})) == [0, 0]


@pytest.mark.parametrize("recent", [True, False])
def test_who_did_what_reads_like_this_comes_first(*, recent: bool) -> None:
    work = [
        task("a", days(1), "f", text="flaky websocket reconnect"),
        task("b", days(1), "f", text="spelling of the manual"),
    ]
    asked = task("z", days(2), "g", text="websocket closes early")
    found = last(WordNeighbours(Mode.AUTHOR, recent=recent), [*known(), *work, asked])
    assert found[A] > found[B]


def test_twenty_files_come_from_all_folders() -> None:
    paths = [f"a/{i}" for i in range(30)] + ["b/1", "c/1"]
    found = spread(paths, 20)
    assert len(found) == 20
    assert {"b/1", "c/1", "a/0", "a/17"} <= set(found)


def commit(folder: Path, message: str, at: int, *, author: str = "Ann Lee") -> None:
    env = {
        "HOME": str(folder),
        "PATH": "/usr/bin:/bin",
        "GIT_AUTHOR_DATE": f"{START_S + at} +0000",
        "GIT_COMMITTER_DATE": f"{START_S + at} +0000",
    }
    who = ["-c", f"user.name={author}", "-c", f"user.email={author.split()[0]}@x"]
    for command in (["add", "-A"], ["commit", "-q", "-m", message]):
        subprocess.run(["git", *who, *command], cwd=folder, env=env, check=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Lines that look like a diff's own, a rename, a file without a last newline, one deleted."""
    subprocess.run(["git", "init", "-q", "-b", "main", str(tmp_path)], check=True)
    (tmp_path / "a b.txt").write_text("one\ntwo\nthree\nfour\n")
    (tmp_path / "gone").write_text("x\n")
    commit(tmp_path, "begin", 0)
    (tmp_path / "a b.txt").write_text("one\n-- 2\n++ 2\n@@ -1 +1 @@\nthree\nfour")
    (tmp_path / "gone").unlink()
    commit(tmp_path, "change", 1, author="Bob Roe")
    (tmp_path / "a b.txt").rename(tmp_path / "naïve\tname")
    commit(tmp_path, "rename", 2)
    (tmp_path / "naïve\tname").write_text("zero\none\n++ 2\n@@ -1 +1 @@\nthree\nfive\n")
    commit(tmp_path, "again", 3)
    return tmp_path


def test_lines_are_owned_as_git_blames_them(repository: Path) -> None:
    history = read_history(repository)
    lines = Lines(read_changes(repository, history.tip))
    for number, one in enumerate(history.tasks):
        lines.observe(one, Who(number))
    assert lines.owners("gone") == lines.owners("a b.txt") == []
    blamed = subprocess.run(
        ["git", "blame", "--first-parent", "-s", "-l", "--root", "HEAD", "--", "naïve\tname"],
        cwd=repository,
        capture_output=True,
        check=True,
    ).stdout.splitlines()
    shas = [history.tasks[number].sha for number in lines.owners("naïve\tname")]
    assert shas == [line[:40].decode() for line in blamed]
    assert lines.owners("naïve\tname") == [3, 0, 1, 1, 0, 3]


def test_blame_counts_lines_of_the_files_or_of_the_change(repository: Path) -> None:
    history = read_history(repository)
    lines = Lines(read_changes(repository, history.tip))
    for mode_of_lines, expected in ((False, {0: 2, 1: 4}), (True, {1: 2})):
        walk = Walk(history.tasks, Mode.AUTHOR)
        blame = Blame(Mode.AUTHOR, fresh := Lines(lines.changes), changed_only=mode_of_lines)
        *_, asked = walk.questions([fresh, blame])
        points = dict(blame.points(asked))
        counts = {person: int(value // 10) for person, value in points.items()}
        assert counts == expected


def busy(count: int) -> list[Merged]:
    """Everybody has files of their own, and some are more active than others."""
    rng = np.random.default_rng(5)
    letters = rng.choice(list("abcdef"), size=count, p=[0.3, 0.25, 0.2, 0.1, 0.1, 0.05])
    return [
        task(str(one), days(number / 4), f"src/{one}/{rng.integers(3)}.py", text=f"mend {one}{one}")
        for number, one in enumerate(letters)
    ]


def test_the_reference_learns_who_owns_what() -> None:
    found = reference(Setting(Path(), Mode.AUTHOR, busy(300), "", 1))
    for name in (LINEAR, BOOSTED):
        rows = found[name].rows
        assert len(rows) == 45
        assert np.mean([row.ranking[0][0] in row.truth for row in rows]) > 0.95
        assert all(abs(sum(score for _, score in row.ranking) - 1) < 1e-9 for row in rows)


def test_the_learners_find_the_one_feature_that_tells() -> None:
    rng = np.random.default_rng(1)
    matrices = [rng.random((6, 4)) for _ in range(120)]
    examples = examples_of(matrices, [[int(matrix[:, 2].argmax())] for matrix in matrices])
    assert mrr(examples, fit_linear(examples, examples).scores(examples)) > 0.95
    assert mrr(examples, fit_boosted(examples, examples, 1).scores(examples)) > 0.95


@pytest.mark.parametrize("mode", list(Mode))
def test_features_are_finite_and_named_the_same_for_every_question(mode: Mode) -> None:
    tasks = [replace(one, reviewers=busy(3)[:1][0].reviewers) for one in busy(60)]
    tasks = [
        replace(one, reviewers=(tasks[at - 1].author,) if at else ())
        for at, one in enumerate(tasks)
    ]
    features = PairFeatures(mode)
    names: set[tuple[str, ...]] = set()
    question: Question
    for question in Walk(tasks, mode).questions([features]):
        if question.candidates:
            columns = features.features(question)
            names.add(tuple(columns))
            assert all(
                values.shape == (len(question.candidates),) and np.isfinite(values).all()
                for values in columns.values()
            )
    assert len(names) == 1
