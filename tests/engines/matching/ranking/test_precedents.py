"""Which earlier tasks speak for whom, and how each stands to the new one."""

import numpy as np
import pytest

from engines.matching.ranking.asked import asked_of
from engines.matching.ranking.precedents import LATEST, NEAREST, precedents_of
from engines.matching.ranking.shown import PRECEDENT_NAMES
from engines.matching.state.evidence import Evidence
from engines.matching.types import Merged, Mode, Query
from tests.engines.matching.histories import DAY_S, signed, task

Found = list[tuple[str, dict[str, float]]]


def _evidence(*tasks: Merged) -> Evidence:
    evidence = Evidence()
    for one in tasks:
        evidence.observe(one)
    return evidence


def _found(evidence: Evidence, query: Query, who: str) -> Found:
    """Each with whose it is; candidates are said by letters."""
    people = evidence.people
    candidates = [people.see(signed(letter)) for letter in who]
    asked = asked_of(evidence, query, candidates)
    rows, measures = precedents_of(asked, evidence.row_of(candidates))
    return [
        (who[row], dict(zip(PRECEDENT_NAMES, line, strict=True)))
        for row, line in zip(rows.tolist(), measures.tolist(), strict=True)
    ]


def test_each_task_tells_its_age_in_tasks_and_days_and_what_its_person_did_around_it() -> None:
    evidence = _evidence(
        task("a", 0, "s/x.py"),
        task("a", DAY_S, "s/x.py"),
        task("b", 3 * DAY_S, "t/y.py"),
        task("a", 5 * DAY_S, "s/x.py"),
    )
    found = _found(evidence, Query(9 * DAY_S, ("s/x.py",)), "ab")
    assert [who for who, _ in found] == ["a", "a", "b", "a"]
    assert [line["since"] for _, line in found] == pytest.approx(np.log1p([3, 2, 1, 0]))
    assert [line["age"] for _, line in found] == pytest.approx(np.log1p([5, 4, 2, 0]))
    assert [line["later"] for _, line in found] == pytest.approx(np.log1p([2, 1, 0, 0]))
    assert [line["before"] for _, line in found] == [0, 1, 0, 0]
    assert [line["after"] for _, line in found] == [1, 0, 0, 0]
    assert [line["path"] > 0 for _, line in found] == [True, True, False, True]


def test_the_likest_text_has_the_first_place() -> None:
    evidence = _evidence(
        task("a", 0, "s/x.py", text="the parser fails on tabs"),
        task("b", 1, "s/x.py", text="a guide to sockets"),
        task("a", 2, "s/x.py", text="the parser fails"),
    )
    found = _found(evidence, Query(3, text="parser fails on tabs"), "ab")
    assert [line["text:place"] for _, line in found] == [1, 0, 0.5]
    assert found[0][1]["text"] > found[2][1]["text"] > found[1][1]["text"] == 0


def test_who_reviewed_a_task_has_it_too_and_it_tells_whether_the_author_was_the_same() -> None:
    evidence = _evidence(
        task("a", 0, "x.py", reviewers=["b"]),
        task("c", 1, "x.py", reviewers=["b"]),
    )
    query = Query(2, ("x.py",), mode=Mode.REVIEWER, author=signed("c"))
    found = _found(evidence, query, "ab")
    assert [(who, line["reviewed"], line["pair"]) for who, line in found] == [
        ("a", 0, 0),
        ("b", 1, 0),
        ("b", 1, 1),
    ]
    assert [line["before"] for _, line in found] == [0, 0, 1]


def test_an_old_task_speaks_only_if_it_is_alike() -> None:
    evidence = _evidence(
        task("a", 0, "rare.py"),
        task("a", 1, "x.py"),
        *(task("b", 2 + number, "y.py") for number in range(LATEST)),
    )
    found = _found(evidence, Query(LATEST + 3, ("rare.py",)), "ab")
    assert [who for who, _ in found].count("a") == 1
    assert len(found) == LATEST + 1
    assert len(_found(evidence, Query(LATEST + 3, ("y.py",)), "b")) == LATEST >= NEAREST


def test_an_empty_history_has_no_precedents() -> None:
    assert _found(Evidence(), Query(0, ("x.py",), "x"), "a") == []
