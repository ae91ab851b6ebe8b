"""How sure a ranking may be."""

import numpy as np
import pytest

from engines.matching.ranking.calibration import Certainty, Outcome, fit_certainty, tempered


def test_beliefs_that_are_too_high_are_taken_back() -> None:
    rng = np.random.default_rng(2)
    firsts = rng.uniform(0.5, 0.95, 2_400)
    outcomes = [
        Outcome(float(first), float(1 - first), bool(rng.random() < first - 0.3))
        for first in firsts
    ]
    certainty = fit_certainty(outcomes)
    for first in (0.6, 0.75, 0.9):
        assert certainty.of(first, 1 - first) == pytest.approx(first - 0.3, abs=0.08)


def test_a_few_outcomes_change_little() -> None:
    few = fit_certainty([Outcome(0.8, 0.1, right=False)] * 2)
    assert few.of(0.8, 0.1) > 0.5


def test_without_outcomes_holds_what_holds_elsewhere() -> None:
    assert fit_certainty([]) == Certainty()


@pytest.mark.parametrize("confidence", [0.4, 0.6, 0.9, 0.999])
def test_a_tempered_ranking_keeps_its_order_and_begins_with_its_confidence(
    confidence: float,
) -> None:
    beliefs = np.array([0.5, 0.1, 0.3, 0.1])
    found = tempered(beliefs, confidence)
    assert found[0] == pytest.approx(confidence)
    assert found.sum() == pytest.approx(1.0)
    assert found[2] > found[1]
    assert found[1] == found[3]


def test_less_than_an_equal_share_is_an_equal_share() -> None:
    assert tempered(np.array([0.6, 0.4]), 0.2).tolist() == pytest.approx([0.5, 0.5], abs=1e-6)
