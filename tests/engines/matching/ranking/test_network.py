"""The neural ranker: what it may depend on, and that it learns from earlier tasks."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from engines.matching.ranking.lists import Lists, Solved, joined
from engines.matching.ranking.network import Network, Shape, batch_of, network_of
from engines.matching.ranking.shown import PRECEDENT_NAMES, Precedents, Shown
from engines.matching.ranking.training import Course, trained, tuned
from engines.matching.state.table import Floats

MEASURES = 3
SHAPE = Shape(MEASURES, width=16, kernels=4, heads=2, inner=8)
COURSE = Course(epochs=12, rate=1e-2, rows=200, candidates=6)
_TEXT = PRECEDENT_NAMES.index("text")


def _question(rng: np.random.Generator, candidates: int) -> Solved:
    """Who had the task with the likest text is the one; the measures say nothing."""
    matrix = rng.random((candidates, MEASURES)).astype(np.float32)
    rows = rng.integers(candidates, size=3 * candidates)
    measures = rng.random((len(rows), len(PRECEDENT_NAMES))).astype(np.float32)
    right = int(rows[np.argmax(measures[:, _TEXT])])
    shown = Shown(matrix, Precedents(rows, measures))
    return Solved(shown, np.arange(candidates) == right, right)


def _lists(questions: int, seed: int, candidates: int = 5) -> Lists:
    rng = np.random.default_rng(seed)
    return joined([_question(rng, candidates) for _ in range(questions)])


def _scores(network: Network, lists: Lists) -> Floats:
    questions = [lists.question(number)[0] for number in range(len(lists.starts))]
    return np.concatenate([network.scores(shown) for shown in questions])


@pytest.fixture(scope="module")
def taught() -> Network:
    """One that has learned the rule."""
    return trained(SHAPE, _lists(300, 1), COURSE)


def test_a_network_learns_whose_precedents_count(taught: Network) -> None:
    unseen = _lists(60, 2)
    assert (1 / unseen.places(_scores(taught, unseen))).mean() > 0.85


def test_the_order_of_candidates_and_precedents_says_nothing(taught: Network) -> None:
    shown, _ = _lists(1, 3).question(0)
    order = np.array([3, 0, 4, 2, 1])
    row_of = np.argsort(order)
    earlier = Precedents(row_of[shown.precedents.rows][::-1], shown.precedents.measures[::-1])
    turned = taught.scores(Shown(shown.matrix[order], earlier))
    assert turned == pytest.approx(taught.scores(shown)[order], abs=1e-4)


def test_a_question_is_answered_alike_alone_and_beside_a_larger_one(taught: Network) -> None:
    small, large = _lists(1, 4).question(0)[0], _lists(1, 5, candidates=9).question(0)[0]
    with torch.inference_mode():
        both = taught(batch_of([small, large])).numpy()
    assert both[0, :5] == pytest.approx(taught.scores(small), abs=1e-4)
    assert both[1] == pytest.approx(taught.scores(large), abs=1e-4)
    assert both[0, 5:].max() < -1e6


def test_people_without_precedents_are_ranked_by_their_measures(taught: Network) -> None:
    shown = Shown(np.eye(3, MEASURES, dtype=np.float32))
    assert np.isfinite(taught.scores(shown)).all()


def test_a_network_is_the_same_after_it_was_kept(taught: Network) -> None:
    again, unseen = network_of(taught.arrays()), _lists(4, 6)
    assert np.array_equal(_scores(again, unseen), _scores(taught, unseen))


def test_the_same_lists_teach_the_same_and_leave_the_first_as_it_was(taught: Network) -> None:
    unseen, more = _lists(4, 7), _lists(30, 8, candidates=9)
    before = _scores(taught, unseen)
    course = Course(epochs=2, rate=1e-2, rows=60, candidates=6)
    one, other = tuned(taught, more, course), tuned(taught, more, course)
    assert np.array_equal(_scores(one, unseen), _scores(other, unseen))
    assert not np.array_equal(_scores(one, unseen), before)
    assert np.array_equal(_scores(taught, unseen), before)


def test_what_is_taught_beside_it_at_the_same_time_changes_nothing(taught: Network) -> None:
    unseen, more = _lists(4, 9), _lists(60, 10)
    course = Course(epochs=4, rate=1e-2, rows=60, candidates=6)
    alone = _scores(tuned(taught, more, course), unseen)
    with ThreadPoolExecutor(3) as threads:
        several = [threads.submit(tuned, taught, more, course) for _ in range(3)]
    assert all(np.array_equal(_scores(one.result(), unseen), alone) for one in several)
