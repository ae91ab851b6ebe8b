import numpy as np

from engines.planning.arrays import Floats, network_of
from engines.planning.execution.dispatch import makespans
from engines.planning.execution.policies import list_policy
from engines.planning.execution.priorities import fitted_keys, measures_of, turned_around
from engines.planning.execution.scenarios import draw_spread
from tests.engines.planning.execution.plans import plan_of, project


def test_measures_are_of_one_scale_and_the_tail_of_both_ways_follows_precedence() -> None:
    network = network_of(project(6))
    starts, _ = plan_of(project(6))
    measures = measures_of(network, starts, draw_spread(network, 0.5, 50, 1))
    assert np.allclose(measures.mean(axis=0), 0)
    assert np.allclose(measures.std(axis=0), 1)
    tails = measures[:, -2]
    for task in range(network.n):
        first, last = network.successors_first[task], network.successors_first[task + 1]
        for later in network.successors[first:last]:
            assert tails[task] < tails[later]


def test_a_project_turned_around_twice_is_itself() -> None:
    network = network_of(project(6))
    twice = turned_around(turned_around(network))
    assert (twice.successors == network.successors).all()
    assert (twice.order == network.order).all()


def test_fitted_weights_are_not_worse_than_the_first_guess() -> None:
    network = network_of(project(6))
    starts, _ = plan_of(project(6))
    scenarios = draw_spread(network, 0.7, 50, 1)
    measures = measures_of(network, starts, scenarios)

    def judge(keys: Floats) -> float:
        return float(makespans(network, list_policy(network, "", keys), scenarios).mean())

    rounds = iter([False, False, False, True])
    keys = fitted_keys(measures, judge, np.random.default_rng(1), lambda: next(rounds))
    assert judge(keys) <= judge(measures.mean(axis=1))
