"""Many rankings in one matrix."""

import numpy as np
import pytest

from engines.matching.ranking.lists import Solved, beliefs, joined

ONE = Solved(np.zeros((3, 2), np.float32), np.array([False, True, False]), 7)
OTHER = Solved(np.ones((2, 2), np.float32), np.array([True, True]), 8)


def test_questions_lie_one_after_the_other() -> None:
    lists = joined([ONE, OTHER])
    assert lists.starts.tolist() == [0, 3]
    assert lists.sizes.tolist() == [3, 2]
    assert lists.people.tolist() == [7, 8]
    assert lists.aims().tolist() == [0.0, 1.0, 0.0, 0.5, 0.5]


def test_equal_scores_share_their_places() -> None:
    lists = joined([ONE, OTHER])
    assert lists.places(np.array([3.0, 1.0, 2.0, 5.0, 4.0])).tolist() == [3.0, 1.0]
    assert lists.places(np.array([1.0, 1.0, 1.0, 0.0, 0.0])).tolist() == [2.0, 1.5]


def test_beliefs_add_up_to_one_in_every_question() -> None:
    found = beliefs(np.array([0.0, np.log(3.0), 900.0]), np.array([0, 2]))
    assert found.tolist() == pytest.approx([0.25, 0.75, 1.0])
