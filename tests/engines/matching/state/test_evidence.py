"""What is known at one point of a history."""

from dataclasses import replace

import numpy as np

from engines.matching.state.evidence import Evidence, folders_of, kinds_of
from engines.matching.types import Merged, Mode, Query, Signature, Touch
from tests.engines.matching.histories import DAY_S, signed, task


def _seen(*tasks: Merged) -> Evidence:
    evidence = Evidence()
    for one in tasks:
        evidence.observe(one)
    return evidence


def test_five_earlier_tasks_make_a_candidate() -> None:
    evidence = _seen(*(task("a", day * DAY_S, "x.py") for day in range(4)))
    assert evidence.candidates(Query(5 * DAY_S)) == []
    evidence.observe(task("a", 4 * DAY_S, "x.py"))
    assert evidence.candidates(Query(5 * DAY_S)) == [0]


def test_five_reviews_make_a_candidate_for_reviewing_but_never_of_ones_own_work() -> None:
    evidence = _seen(
        *(task("a", day * DAY_S, "x.py", reviewers=["r"]) for day in range(5)),
        *(task("r", day * DAY_S, "x.py", reviewers=["a"]) for day in range(5, 10)),
    )
    asked = Query(20 * DAY_S, mode=Mode.REVIEWER, author=signed("a"))
    assert [evidence.people.person(one).name for one in evidence.candidates(asked)] == ["r"]
    of_a_stranger = replace(asked, author=signed("z"))
    assert len(evidence.candidates(of_a_stranger)) == 2


def test_a_bot_moves_files_and_is_nobody() -> None:
    moved = Touch("new.py", was="old.py")
    bot = replace(task("bot", 6 * DAY_S), touches=(moved,), by_bot=True)
    evidence = _seen(*(task("a", day * DAY_S, "old.py") for day in range(5)), bot)
    assert evidence.candidates(Query(9 * DAY_S)) == [0]
    assert "new.py" in evidence.files
    assert "old.py" not in evidence.files


def test_a_person_of_two_addresses_is_one_candidate_once_they_meet() -> None:
    home, work = Signature("Ann Lee", "ann@home"), Signature("ann", "ann@work")
    evidence = _seen(
        *(task(home, day * DAY_S, "x.py") for day in range(3)),
        *(task(work, day * DAY_S, "x.py") for day in range(3, 6)),
    )
    assert evidence.candidates(Query(9 * DAY_S)) == []
    evidence.observe(task(Signature("Ann Lee", "ann@work"), 7 * DAY_S, "y.py"))
    assert evidence.candidates(Query(9 * DAY_S)) == [0]
    gathered = evidence.files.gather(["x.py"], evidence.row_of([0]))
    assert gathered.values[:, 0].tolist() == [6.0]
    assert (evidence.work.people == 0).all()


def test_files_that_change_together_are_neighbours() -> None:
    evidence = _seen(*(task("a", day * DAY_S, "x.py", "y.py") for day in range(4)))
    assert evidence.neighbours(["x.py"]) == {"y.py": 4 / 6}
    assert evidence.neighbours(["x.py", "y.py"]) == {}


def test_the_places_of_candidates_are_found_by_their_indices() -> None:
    evidence = _seen(task("a", 0, "x"), task("b", 1, "x"), task("c", 2, "x"))
    assert np.array_equal(evidence.row_of([2, 0])[:3], [1, -1, 0])


def test_folders_and_endings_of_paths() -> None:
    assert folders_of(["a/b/c.py", "a/d.py", "e.md"]) == ["a/b/", "a/", "/"]
    assert kinds_of(["a/b.PY", "Makefile", "c.py"]) == ["py", "makefile"]
