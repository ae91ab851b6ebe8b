"""The prior, the bandit and the bidders."""

import numpy as np
import pytest

from engines.planning.arrays import Network
from engines.planning.execution.scenarios import draw
from engines.planning.learning.bandit import FEATURES, bandit_of, priority_features
from engines.planning.learning.bases import annealed_base
from engines.planning.learning.bidding import makespans_by_auction
from engines.planning.learning.case import case_of
from engines.planning.learning.lookahead import Foresight, makespans_by_rollout
from engines.planning.learning.prior import prior
from engines.planning.learning.sb3 import soft_actor_critic
from engines.planning.learning.scorer import base_weights
from engines.planning.learning.simulation import makespans
from tests.engines.planning.learning.projects import (
    blocking_first,
    capacity_network,
    first_rule,
    fork,
    team_network,
)


@pytest.mark.parametrize("network", [capacity_network(), team_network()])
def test_the_prior_is_a_list_that_keeps_precedence_the_same_every_time(network: Network) -> None:
    found = prior(network)
    np.testing.assert_array_equal(found, prior(network))
    assert sorted(found) == list(range(network.n))
    for task in range(network.n):
        first, last = network.successors_first[task], network.successors_first[task + 1]
        assert (found[network.successors[first:last]] > found[task]).all()


def test_features_of_a_project_are_comparable() -> None:
    features = priority_features(capacity_network())
    assert features.shape == (capacity_network().n, len(FEATURES))
    np.testing.assert_allclose(features.mean(0), 0.0, atol=1e-9)
    assert ((features.std(0) < 1e-9) | (abs(features.std(0) - 1) < 1e-9)).all()


def test_the_bandit_of_latest_finish_times_is_that_rule() -> None:
    arm = bandit_of(capacity_network(), 0.5, 1)
    coefficients = np.zeros(len(FEATURES))
    coefficients[FEATURES.index("latest_finish")] = 1.0
    rule = first_rule(capacity_network())
    np.testing.assert_array_equal(arm.decode(coefficients).order, rule.order)
    assert -1.2 < arm.reward(coefficients) <= -1.0


def test_soft_actor_critic_finds_the_better_half_of_a_bandit() -> None:
    found = soft_actor_critic(2, lambda action: float(action[0]), 120, seed=1)
    assert len(found.course) == 120
    assert found.course[-1] == found.reward == pytest.approx(float(found.action[0]))
    assert list(found.course) == sorted(found.course)
    assert found.reward > 0.9


def test_bidders_execute_every_scenario() -> None:
    for network in (capacity_network(), team_network()):
        durations = draw(network, 0.5, 5, 1)
        case = case_of(network, first_rule(network), 0.5)
        bid = makespans_by_auction(case, base_weights(), durations)
        central = makespans(case, base_weights(), durations)
        assert (bid > 0).all()
        assert abs(bid.mean() / central.mean() - 1) < 0.3


def test_looking_ahead_mends_a_wrong_order() -> None:
    network = fork()
    case = case_of(network, blocking_first(network), 0.1)
    durations = draw(network, 0.1, 10, 1)
    found = makespans_by_rollout(case, durations, Foresight(8, 4, 1))
    assert found.mean() < 9 < 0.8 * makespans(case, base_weights(), durations, Foresight(0)).mean()


def test_annealed_bases_are_reproducible() -> None:
    one, other = (annealed_base(capacity_network(), 0.5, 200, 3) for _ in range(2))
    np.testing.assert_array_equal(one.order, other.order)
    np.testing.assert_array_equal(one.arcs, other.arcs)
