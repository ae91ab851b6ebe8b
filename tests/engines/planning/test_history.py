"""What closed issues teach about open ones."""

from math import exp, log, sqrt

import numpy as np
import pytest

from engines.planning.estimates import UNCERTAINTY
from engines.planning.history import ASSUMED, LEAST_FINISHED, Finished, learn


def _log_normal(mean: float, cv: float, count: int, seed: int = 1) -> list[int]:
    variance = log(1 + cv**2)
    logs = np.random.default_rng(seed).normal(log(mean) - variance / 2, sqrt(variance), count)
    return [max(1, round(exp(one))) for one in logs]


def test_too_few_closed_issues_teach_nothing() -> None:
    history = learn([Finished(480, 480)] * (LEAST_FINISHED - 1))
    assert history.corrected(480) is None
    assert history.typical(()) is None
    assert learn([]).counted == (0, 0)


def test_a_team_that_takes_twice_as_long_is_believed_more_the_more_it_closed() -> None:
    factors = [learn([Finished(960, 480)] * count).factor for count in (5, 20, 400)]
    few, more, many = (factor or 0 for factor in factors)
    assert 1.0 < few < more < many
    assert many == pytest.approx(2, rel=0.02)


def test_the_spread_of_estimates_is_found_again() -> None:
    finished = [Finished(took, 1_000) for took in _log_normal(1_500, 0.7, 2_000)]
    estimate = learn(finished).corrected(200)
    assert estimate is not None
    assert estimate.mean == pytest.approx(300, rel=0.05)
    assert estimate.cv == pytest.approx(0.7, rel=0.06)


def test_one_forgotten_issue_does_not_spoil_the_rest() -> None:
    plain = [Finished(480, 480)] * 30
    forgotten = [*plain, Finished(480 * 1_000, 480)]
    estimate = learn(forgotten).corrected(480)
    assert estimate is not None
    assert estimate.mean < 2 * 480


def test_an_issue_without_estimate_takes_what_its_label_takes() -> None:
    bugs = [Finished(took, labels=("bug",)) for took in _log_normal(120, 0.3, 60)]
    features = [Finished(took, labels=("feature",)) for took in _log_normal(2_400, 0.3, 60)]
    history = learn([*bugs, *features])
    bug, feature = history.typical(("bug",)), history.typical(("feature", "unheard of"))
    assert bug is not None
    assert feature is not None
    assert bug.mean == pytest.approx(120, rel=0.25)
    assert feature.mean == pytest.approx(2_400, rel=0.25)
    unlabelled = history.typical(())
    assert unlabelled is not None
    assert unlabelled.cv > bug.cv
    assert history.counted == (0, 120)


def test_nothing_is_more_certain_than_the_assumption_lets_it_be() -> None:
    estimate = learn([Finished(480, 480)] * LEAST_FINISHED).corrected(480)
    assert estimate is not None
    share = ASSUMED / (ASSUMED + LEAST_FINISHED)
    assert estimate.cv == pytest.approx(sqrt(exp(share * log(1 + UNCERTAINTY**2)) - 1))
