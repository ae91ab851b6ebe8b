from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engines.matching.protocol import (
    Floats,
    Part,
    Question,
    Walk,
    Who,
    as_json,
    evaluate,
    part_of,
)
from engines.matching.types import Merged, Mode, Signature, Touch
from tests.engines.matching.histories import DAY_S, task

ALL = tuple(Part)


class Counting:
    """Scores by tasks so far; remembers what it had been shown at each question."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.joined: list[tuple[int, int]] = []
        self.counts: dict[int, int] = {}
        self.known: list[tuple[int, tuple[str, ...]]] = []

    def observe(self, task: Merged, who: Who) -> None:
        self.shown.append(task.sha)
        if who.author is not None:
            self.counts[who.author] = self.counts.get(who.author, 0) + 1

    def join(self, kept: int, gone: int) -> None:
        self.joined.append((kept, gone))
        self.counts[kept] = self.counts.get(kept, 0) + self.counts.pop(gone, 0)

    def scores(self, question: Question) -> Floats:
        self.known.append((question.position, tuple(self.shown)))
        return np.array([float(self.counts.get(one, 0)) for one in question.candidates])


def five(author: Signature | str, at_s: int, *paths: str) -> list[Merged]:
    return [task(author, at_s + i, *(paths or ("f",))) for i in range(5)]


def test_a_question_sees_exactly_what_had_been_merged_before_its_start() -> None:
    tasks = [
        task("a", 10, "f"),
        task("b", 20, "f"),
        task("a", 30, "f", started_s=15),  # a long branch: b's task is unknown
        task("c", 40, "f", started_s=40),
        task("c", 40, "f", started_s=40),  # the same second: unknown
    ]
    scorer = Counting()
    rows = evaluate(tasks, Mode.AUTHOR, scorer, ALL)
    known = {position: len(shown) for position, shown in scorer.known}
    assert known == {0: 0, 1: 1, 2: 1, 3: 3, 4: 3}
    assert [row.prefix for row in rows] == [0, 1, 1, 3, 3]
    assert [row.history for row in rows] == ["", "a 10", "a 10", "a 30", "a 30"]
    for position, shown in scorer.known:
        assert list(shown) == [task.sha for task in tasks[: known[position]]]


def test_a_task_that_begins_after_its_own_merge_does_not_see_itself() -> None:
    tasks = [task("a", 10, "f"), task("b", 20, "f", started_s=99), task("b", 30, "f")]
    assert [row.prefix for row in evaluate(tasks, Mode.AUTHOR, Counting(), ALL)] == [0, 1, 2]


def test_candidates_have_five_tasks_behind_them() -> None:
    tasks = [*five("a", 10), *five("b", 20), task("a", 30, "f")]
    rows = evaluate(tasks, Mode.AUTHOR, Counting(), ALL)
    assert [len(row.ranking) for row in rows] == [0] * 5 + [1] * 5 + [2]
    assert [row.covered for row in rows] == [False] * 10 + [True]
    assert rows[-1].truth == ("a@x",)
    assert rows[-1].ranking == (("a@x", 5.0), ("b@x", 5.0))


def test_bots_big_merges_and_empty_tasks_are_history_but_never_asked() -> None:
    tasks = [
        replace(task("bot", 1, "f"), by_bot=True),
        task("a", 2, "f", commits=61),
        task("a", 3, "f", commits=60),
        task("a", 4),
    ]
    walk, scorer = Walk(tasks, Mode.AUTHOR), Counting()
    assert [one.position for one in walk.questions([scorer])] == [2]
    assert scorer.shown == ["bot 1", "a 2"]
    assert scorer.counts == {0: 1}  # nobody is known by the bot's


def test_parts_follow_the_mainline() -> None:
    parts = [part_of(rank, 100) for rank in range(100)]
    assert (
        parts == [Part.WARM_UP] * 45 + [Part.TRAINING] * 35 + [Part.STOPPING] * 5 + [Part.TEST] * 15
    )
    assert [part_of(rank, 3) for rank in range(3)] == [Part.WARM_UP, Part.WARM_UP, Part.TRAINING]
    tasks = [task("a", i, "f") for i in range(100)]
    assert [row.at_s for row in evaluate(tasks, Mode.AUTHOR, Counting())] == list(range(85, 100))


def test_people_are_joined_when_a_history_shows_that_they_are_one_and_not_before() -> None:
    work, home = Signature("Ann Lee", "ann@work"), Signature("ann", "ann@home")
    both = Signature("Ann Lee", "ann@home")
    tasks = [
        *five(work, 10),
        *five(home, 20),
        task(home, 30, "f"),
        task(both, 40, "f"),
        task(home, 50, "f"),
    ]
    scorer = Counting()
    rows = evaluate(tasks, Mode.AUTHOR, scorer, ALL)
    apart, joined = rows[10], rows[12]
    assert [key for key, _ in apart.ranking] == ["ann@work", "ann@home"]
    assert apart.truth == ("ann@work",)  # either is right; this one is ranked better
    assert joined.ranking == (("ann@work", 12.0),)
    assert scorer.joined == [(0, 1)]


def test_a_new_address_of_somebody_known_is_a_right_answer() -> None:
    tasks = [
        *five(Signature("Ann Lee", "ann@work"), 10),
        task(Signature("Ann Lee", "ann@new"), 20, "f"),
    ]
    row = evaluate(tasks, Mode.AUTHOR, Counting(), ALL)[-1]
    assert (row.covered, row.truth) == (True, ("ann@work",))


def test_somebody_never_seen_is_not_covered() -> None:
    row = evaluate([*five("a", 10), task("b", 20, "f")], Mode.AUTHOR, Counting(), ALL)[-1]
    assert (row.covered, row.truth, row.ranking) == (False, ("b@x",), (("a@x", 5.0),))


def test_reviewers_are_ranked_without_the_author_and_any_of_them_is_right() -> None:
    reviewed = [task("a", 10 + i, "f", reviewers="bc") for i in range(5)]
    tasks = [*reviewed, task("d", 20, "f"), task("b", 30, "f", reviewers="ce")]
    rows = evaluate(tasks, Mode.REVIEWER, Counting(), ALL)
    assert len(rows) == 6  # d's task has no reviewer
    assert rows[-1].ranking == (("c@x", 0.0),)
    assert rows[-1].truth == ("c@x", "e@x")
    assert rows[-1].author == "b@x"


def test_who_reviews_only_themselves_is_not_asked_about() -> None:
    ann = Signature("Ann Lee", "ann@work")
    alone = replace(task(ann, 1, "f"), reviewers=(Signature("Ann Lee", "x@y"),))
    assert evaluate([alone], Mode.REVIEWER, Counting(), ALL) == []


def test_a_session_begins_after_six_quiet_hours() -> None:
    hour = 3600
    tasks = [
        task("a", DAY_S, "f"),
        task("a", DAY_S + 6 * hour, "f"),  # 6 h later: still the same
        task("b", DAY_S + 7 * hour, "f"),
        task("a", DAY_S + 12 * hour + 1, "f"),
    ]
    rows = evaluate(tasks, Mode.AUTHOR, Counting(), ALL)
    assert [row.session_first for row in rows] == [True, False, True, True]


def test_files_are_asked_about_as_they_were_before() -> None:
    moved = replace(task("a", 9), touches=(Touch("new", "old"), Touch("made")))
    assert evaluate([moved], Mode.AUTHOR, Counting(), ALL)[0].files == ("old", "made")


def test_a_row_reads_as_the_dump_of_the_command() -> None:
    tasks = [*five("a", 10), task("a", 20, "f", text="fix it")]
    row = evaluate(tasks, Mode.AUTHOR, Counting(), ALL)[-1]
    assert as_json(row, Mode.AUTHOR) == {
        "task": "a 20",
        "at": 20,
        "history": "a 14",
        "files": ["f"],
        "text": "fix it",
        "truth": "a@x",
        "covered": True,
        "session_first": False,
        "confidence": None,
        "ranking": [["a@x", 5.0]],
    }
    reviewed = [task("a", 10 + i, "f", reviewers="bc") for i in range(6)]
    row = evaluate(reviewed, Mode.REVIEWER, Counting(), ALL)[-1]
    found = as_json(row, Mode.REVIEWER)
    assert (found["author"], found["truth"]) == ("a@x", ["b@x", "c@x"])
    assert evaluate(reviewed, Mode.REVIEWER, Counting(), ALL)[0].author == ""  # nobody knew them


def test_every_prefix_gives_the_answer_that_the_whole_history_gives() -> None:
    rng = np.random.default_rng(7)
    tasks: list[Merged] = []
    for i in range(120):
        start = i * 100 - int(rng.integers(0, 3000))
        tasks.append(task("abcd"[rng.integers(4)], i * 100, "f", started_s=start))
    whole = evaluate(tasks, Mode.AUTHOR, Counting(), ALL)
    for row in whole:
        cut: Sequence[Merged] = tasks[: row.prefix]
        scorer, walk = Counting(), Walk([*cut, task("z", 10**9, "f")], Mode.AUTHOR)
        *_, last = walk.questions([scorer])
        assert last.row(scorer.scores(last)).ranking == row.ranking
