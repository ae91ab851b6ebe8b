"""Trees and the linear ranker: both find what tells the right ones apart."""

import numpy as np
import pytest

from engines.matching.ranking.boosting import Growth, TreesMissing, grow
from engines.matching.ranking.forest import forest_of
from engines.matching.ranking.linear import fit_linear
from engines.matching.ranking.lists import Lists, Solved, joined
from engines.matching.ranking.shown import Shown

GROWTH = Growth(trees=30, leaves=4, least_rows=5)


def _lists(questions: int = 120, seed: int = 5) -> Lists:
    """Of four, the right one has the largest sum of the first two of five measures."""
    rng = np.random.default_rng(seed)
    found: list[Solved] = []
    for _ in range(questions):
        matrix = rng.normal(size=(4, 5)).astype(np.float32)
        right = int(np.argmax(matrix[:, 0] + matrix[:, 1]))
        found.append(Solved(Shown(matrix), np.arange(4) == right, right))
    return joined(found)


def test_a_forest_learns_what_a_list_depends_on() -> None:
    forest, unseen = grow(_lists(), GROWTH), _lists(seed=6)
    assert (1 / unseen.places(forest.scores(unseen.matrix))).mean() > 0.8


def test_the_same_lists_grow_the_same_forest() -> None:
    one, other = grow(_lists(), GROWTH), grow(_lists(), GROWTH)
    assert np.array_equal(one.values, other.values)
    assert np.array_equal(one.thresholds, other.thresholds)


def test_a_forest_is_the_same_after_it_was_kept() -> None:
    forest, lists = grow(_lists(), GROWTH), _lists(seed=7)
    again = forest_of(forest.arrays())
    assert np.array_equal(again.scores(lists.matrix), forest.scores(lists.matrix))


def test_linear_weights_are_those_that_the_answers_depend_on() -> None:
    linear, unseen = fit_linear(_lists()), _lists(seed=6)
    assert linear.weights[0] == pytest.approx(linear.weights[1], rel=0.3)
    assert np.abs(linear.weights[2:]).max() < 0.2 * linear.weights[0]
    assert (1 / unseen.places(linear.scores(unseen.matrix))).mean() > 0.95


def test_lists_of_one_sort_grow_no_trees_and_say_so() -> None:
    alike = joined([Solved(Shown(np.zeros((2, 5), np.float32)), np.array([True, False]), 0)] * 20)
    with pytest.raises(TreesMissing):
        grow(alike, GROWTH)
