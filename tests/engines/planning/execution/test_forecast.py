import numpy as np
import pytest

from engines.planning.arrays import network_of
from engines.planning.execution.dispatch import makespans
from engines.planning.execution.forecast import forecast
from engines.planning.execution.policies import classic_rules, list_policy
from engines.planning.execution.scenarios import draw
from engines.planning.types import Problem, Task
from tests.engines.planning.execution.plans import project


@pytest.mark.parametrize("staffed", [False, True])
@pytest.mark.parametrize("cv", [0.3, 0.7])
def test_what_a_forecast_says_happens_as_often_as_it_says(cv: float, *, staffed: bool) -> None:
    network = network_of(project(5, 20, staffed=staffed))
    policy = classic_rules(network)[0]
    expected = forecast(network, policy, cv, 3000, 1)
    came = makespans(network, policy, draw(network, cv, 3000, 2), cv=cv)
    for share in (0.1, 0.5, 0.8, 0.9):
        assert (came <= expected.quantile(share)).mean() == pytest.approx(share, abs=0.03)
    assert expected.mean == pytest.approx(came.mean(), rel=0.02)
    assert expected.probability_by(expected.p80) == pytest.approx(0.8, abs=0.01)


def test_a_deadlines_probability_and_what_the_makespan_hangs_on() -> None:
    problem = Problem(
        (Task("A", 10, deadline=10), Task("B", 1), Task("C", 5, after=("A", "B"))),
        capacities=(),
    )
    network = network_of(problem)
    policy = list_policy(network, "", np.zeros(3))
    expected = forecast(network, policy, np.array([0.5, 0.0, 0.0]), 4000, 1)
    # a log-normal's median is below its mean: P(A <= 10) = Phi(sigma / 2)
    assert expected.on_time[0] == pytest.approx(0.593, abs=0.03)
    assert np.isnan(expected.on_time[1:]).all()
    assert expected.criticality.tolist() == [1.0, 0.0, 1.0]
    assert expected.p50 == pytest.approx(5 + 10 / np.sqrt(1.25), rel=0.03)


def test_a_task_is_critical_that_hands_on_what_the_next_one_needs() -> None:
    problem = Problem((Task("A", 3, demand=(1,)), Task("B", 3, demand=(1,))), capacities=(1,))
    network = network_of(problem)
    expected = forecast(network, list_policy(network, "", np.arange(2.0)), 0.5, 20, 1)
    assert expected.criticality.tolist() == [1.0, 1.0]
