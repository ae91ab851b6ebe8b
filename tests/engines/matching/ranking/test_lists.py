"""Many rankings in one matrix."""

import numpy as np
import pytest

from engines.matching.ranking.lists import Solved, beliefs, joined
from engines.matching.ranking.shown import PRECEDENT_NAMES, Precedents, Shown

WIDTH = len(PRECEDENT_NAMES)
EARLIER = Precedents(np.array([1, 1, 0]), np.full((3, WIDTH), 0.5, np.float32))
ONE = Solved(Shown(np.zeros((3, 2), np.float32)), np.array([False, True, False]), 7)
OTHER = Solved(Shown(np.ones((2, 2), np.float32), EARLIER), np.array([True, True]), 8)


def test_questions_lie_one_after_the_other() -> None:
    lists = joined([ONE, OTHER])
    assert lists.starts.tolist() == [0, 3]
    assert lists.sizes.tolist() == [3, 2]
    assert lists.people.tolist() == [7, 8]
    assert lists.aims().tolist() == [0.0, 1.0, 0.0, 0.5, 0.5]


def test_each_question_has_its_own_candidates_answer_and_precedents() -> None:
    lists = joined([ONE, OTHER, ONE])
    for number, solved in enumerate((ONE, OTHER, ONE)):
        shown, truth = lists.question(number)
        assert truth.tolist() == solved.truth.tolist()
        assert np.array_equal(shown.matrix, solved.shown.matrix)
        assert shown.precedents.rows.tolist() == solved.shown.precedents.rows.tolist()
        assert np.array_equal(shown.precedents.measures, solved.shown.precedents.measures)


def test_the_newest_questions_are_the_same_without_those_before() -> None:
    lists = joined([OTHER, ONE, OTHER])
    newest = lists.newest(2)
    assert newest.sizes.tolist() == [3, 2]
    assert newest.people.tolist() == [7, 8]
    for before, after in ((1, 0), (2, 1)):
        (one, right), (other, same) = lists.question(before), newest.question(after)
        assert np.array_equal(one.matrix, other.matrix)
        assert np.array_equal(one.precedents.rows, other.precedents.rows)
        assert right.tolist() == same.tolist()
    assert lists.newest(3) is lists


def test_equal_scores_share_their_places() -> None:
    lists = joined([ONE, OTHER])
    assert lists.places(np.array([3.0, 1.0, 2.0, 5.0, 4.0])).tolist() == [3.0, 1.0]
    assert lists.places(np.array([1.0, 1.0, 1.0, 0.0, 0.0])).tolist() == [2.0, 1.5]


def test_beliefs_add_up_to_one_in_every_question() -> None:
    found = beliefs(np.array([0.0, np.log(3.0), 900.0]), np.array([0, 2]))
    assert found.tolist() == pytest.approx([0.25, 0.75, 1.0])
