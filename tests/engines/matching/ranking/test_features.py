"""What is measured of candidates."""

import numpy as np
import pytest

from engines.matching.ranking.asked import asked_of
from engines.matching.ranking.features import measure_names, measures_of
from engines.matching.state.evidence import Evidence
from engines.matching.types import Mode, Query
from tests.engines.matching.histories import DAY_S, signed, task


def _evidence() -> Evidence:
    """Ann works on the parser and is reviewed by Bob, who works on the docs; Cyd has left."""
    evidence = Evidence()
    for day in range(5):
        evidence.observe(task("c", day * DAY_S, "src/parser.py", text="old parser"))
    for day in range(400, 420, 2):
        ann = task("a", day * DAY_S, "src/parser.py", text="parser error", reviewers=["b"])
        evidence.observe(ann)
        evidence.observe(task("b", (day + 1) * DAY_S, "docs/guide.md", text="a guide"))
    return evidence


def _measured(query: Query) -> dict[str, list[float]]:
    evidence = _evidence()
    measures = measures_of(asked_of(evidence, query, evidence.candidates(query)))
    columns = measures.matrix().T.tolist()
    return dict(zip(measures.names, columns, strict=True))


def test_shares_of_a_file_are_decayed() -> None:
    found = _measured(Query(500 * DAY_S, ("src/parser.py",)))
    cyd, ann, bob = found["file owned:share"]
    assert ann > 0.8
    assert 0 < cyd < 0.2
    assert bob == 0
    assert found["file ever:log"][0] == pytest.approx(np.log1p(5))
    assert found["file:latest"] == [0, 1, 0]


def test_words_and_similar_tasks_speak_for_their_authors() -> None:
    found = _measured(Query(500 * DAY_S, text="the guide is wrong"))
    assert np.argmax(found["words long:share"]) == 2
    assert np.argmax(found["like text:share"]) == 2


def test_who_reviewed_an_author_before_is_measured_for_reviewing() -> None:
    evidence, query = _evidence(), Query(500 * DAY_S, mode=Mode.REVIEWER, author=signed("a"))
    assert [evidence.people.person(one).name for one in evidence.candidates(query)] == ["b"]
    measures = measures_of(asked_of(evidence, query, evidence.candidates(query)))
    at = measures.names.index("pair ever:log")
    assert measures.columns[at].tolist() == pytest.approx([np.log1p(10)])


def test_a_share_of_nothing_is_nothing() -> None:
    found = _measured(Query(500 * DAY_S, ("nowhere/new.py",), "zebra"))
    assert np.isfinite(np.array(list(found.values()))).all()
    assert found["file owned:share"] == [0, 0, 0]


def test_the_likeliest_of_many_are_those_who_were_active_or_near() -> None:
    evidence, query = _evidence(), Query(500 * DAY_S, ("src/parser.py",))
    measures = measures_of(asked_of(evidence, query, evidence.candidates(query)))
    assert measures.likeliest(2).tolist() == [1, 2]
    assert measures.likeliest(3).tolist() == [0, 1, 2]


def test_the_names_of_measures_do_not_depend_on_a_history() -> None:
    assert tuple(_measured(Query(500 * DAY_S))) == measure_names(Mode.AUTHOR)
    assert len(set(measure_names(Mode.REVIEWER))) == len(measure_names(Mode.REVIEWER))
