from collections.abc import Sequence
from itertools import permutations

import numpy as np
import pytest

from engines.matching.metrics import (
    calibration_error,
    calibration_noise,
    difference,
    hits,
    placed,
    pooled_difference,
    reciprocals,
    standing,
    summary,
    top_people_share,
)
from engines.matching.protocol import Row


def row(
    truth: str, scores: dict[str, float], *, covered: bool = True, session_first: bool = False
) -> Row:
    ranking = tuple(sorted(scores.items(), key=lambda pair: -pair[1]))
    return Row("sha", 0, 0, "", ("f",), "", "", tuple(truth), ranking, covered, session_first, None)


def test_the_third_has_a_third_and_counts_among_three() -> None:
    found = standing(row("c", {"a": 3.0, "b": 2.0, "c": 1.0, "d": 0.0}))
    assert found == (1 / 3, (0.0, 1.0, 1.0))


def test_ties_are_broken_by_chance() -> None:
    found = standing(row("a", {"a": 1.0, "b": 1.0, "c": 1.0, "d": 1.0}))
    assert found.reciprocal == 1 / 2.5
    assert found.hits == pytest.approx((1 / 4, 3 / 4, 1.0))


def test_the_best_of_several_right_answers_counts() -> None:
    assert standing(row("bd", {"a": 3.0, "b": 2.0, "c": 1.0, "d": 0.0})).reciprocal == 1 / 2


@pytest.mark.parametrize("right", [[1, 0, 1, 0, 0], [0, 1, 1, 1, 0], [1, 1, 0, 0, 0]])
@pytest.mark.parametrize("scores", [[2, 2, 2, 2, 1], [3, 2, 2, 2, 2], [1, 1, 1, 1, 1]])
def test_ties_agree_with_all_orders(scores: Sequence[int], right: Sequence[int]) -> None:
    ranks: list[int] = []
    for order in permutations(range(5)):
        sorted_order = sorted(order, key=lambda at: -scores[at])
        ranks.append(1 + next(rank for rank, at in enumerate(sorted_order) if right[at]))
    found = placed([float(score) for score in scores], [bool(one) for one in right])
    assert found.reciprocal == pytest.approx(1 / np.mean(ranks))
    assert found.hits == pytest.approx([np.mean(np.array(ranks) <= top) for top in (1, 3, 5)])


def test_who_is_not_ranked_is_no_hit() -> None:
    assert standing(row("z", {"a": 1.0})) == (0.0, (0.0, 0.0, 0.0))


def test_a_summary_counted_by_hand() -> None:
    rows = [
        row("a", {"a": 2.0, "b": 1.0}, session_first=True),  # 1
        row("a", {"a": 2.0, "b": 1.0}),  # 1
        row("b", {"a": 2.0, "b": 1.0, "c": 0.0}, session_first=True),  # 1/2
        row("z", {"a": 2.0, "b": 1.0}, covered=False, session_first=True),
    ]
    found = summary(rows)
    assert (found.rows, found.covered, found.coverage) == (4, 3, 0.75)
    assert found.candidates == pytest.approx(7 / 3)
    assert found.top_dev_share == pytest.approx(2 / 3)
    assert found.mrr == pytest.approx(2.5 / 3)
    assert found.top == pytest.approx((2 / 3, 1.0, 1.0))
    assert found.macro_mrr == pytest.approx(0.75)  # a: 1, b: 1/2
    assert found.macro_top3 == 1.0
    assert (found.session_mrr, found.session_rows) == (0.75, 2)
    assert list(reciprocals(rows)) == [1.0, 1.0, 0.5]
    assert list(hits(rows, 1)) == [1.0, 1.0, 0.0]


def test_nothing_has_a_summary_too() -> None:
    assert (summary([]).mrr, summary([]).coverage, summary([]).top_dev_share) == (0.0, 0.0, 0.0)


def test_each_reviewer_counts_for_itself_in_the_macro_mean() -> None:
    found = summary([row("ac", {"a": 3.0, "b": 2.0, "c": 1.0})])
    assert found.mrr == 1.0
    assert found.macro_mrr == pytest.approx((1 + 1 / 3) / 2)


def test_calibration_error_by_hand() -> None:
    confidences = np.array([0.95, 0.91, 0.25, 0.25])
    right = np.array([1.0, 0.0, 0.0, 1.0])
    # widths: |.93 - .5| / 2 + |.25 - .5| / 2; masses: .05, .91, .25, .75 by one row each
    assert calibration_error(confidences, right) == pytest.approx(0.34)
    assert calibration_error(confidences, right, equal_mass=True) == pytest.approx(0.49)
    assert calibration_error(np.ones(3), np.ones(3)) == 0.0
    assert calibration_error(np.empty(0), np.empty(0)) == 0.0


def test_true_confidences_show_an_error_by_chance_alone() -> None:
    # One bin: the mean distance of a binomial share of 400 from its mean is .8 of its deviation.
    expected = np.sqrt(2 / np.pi * 0.25 / 400)
    assert calibration_noise(np.full(400, 0.55), seed=1) == pytest.approx(expected, rel=0.15)
    assert calibration_noise(np.ones(5), seed=1) == 0.0


def test_an_interval_holds_the_mean_and_repeats_by_seed() -> None:
    rng = np.random.default_rng(3)
    theirs = rng.random(400)
    ours = theirs + rng.normal(0.1, 0.5, 400)
    found = difference(ours, theirs, seed=1, resamples=2000)
    error = 1.96 * np.std(ours - theirs) / 20  # of a mean of 400
    assert found.low == pytest.approx(found.mean - error, abs=0.01)
    assert found.high == pytest.approx(found.mean + error, abs=0.01)
    assert found == difference(ours, theirs, seed=1, resamples=2000)


def test_repositories_count_the_same_in_a_pooled_interval() -> None:
    big, small = (np.ones(1000), np.zeros(1000)), (np.zeros(10), np.ones(10))
    found = pooled_difference([big, small], seed=1, resamples=100)
    assert (found.mean, found.low, found.high) == (0.0, 0.0, 0.0)


def test_answers_to_other_tasks_are_not_compared() -> None:
    with pytest.raises(ValueError, match="same tasks"):
        difference(np.ones(2), np.ones(3), seed=1)


def test_the_share_of_the_busiest() -> None:
    rows = [row("a", {one: 1.0}) for one in "aaabbcd"]
    assert top_people_share(rows) == pytest.approx(6 / 7)
    assert top_people_share(rows, 1) == pytest.approx(3 / 7)
