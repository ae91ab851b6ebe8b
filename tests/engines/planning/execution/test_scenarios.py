import numpy as np
import pytest

from engines.planning.arrays import network_of
from engines.planning.execution.scenarios import draw, draw_spread, normal_quantiles
from engines.planning.types import Fixed, Problem, Task


def three() -> Problem:
    """A long task, one under way since 2, and a milestone."""
    fixed = Fixed(2, 14)
    return Problem((Task("A", 20), Task("B", 12, fixed=fixed), Task("C", 0)), now=10)


@pytest.mark.parametrize("cv", [0.3, 0.7])
def test_durations_have_the_planned_mean_and_the_cv_that_was_asked_for(cv: float) -> None:
    durations = draw(network_of(three()), cv, 40_000, 1)[:, 0]
    assert durations.mean() == pytest.approx(20, rel=0.02)
    assert durations.std() / durations.mean() == pytest.approx(cv, rel=0.05)
    assert np.log(durations).std() == pytest.approx(np.sqrt(np.log(1 + cv**2)), rel=0.02)


def test_milestones_take_no_time_and_of_work_under_way_only_the_rest_varies() -> None:
    durations = draw(network_of(three()), 0.5, 20_000, 1)
    assert (durations[:, 2] == 0).all()
    assert (durations[:, 1] > 8).all()
    assert durations[:, 1].mean() == pytest.approx(12, rel=0.02)


def test_each_task_may_have_a_cv_of_its_own() -> None:
    durations = draw(network_of(three()), np.array([0.0, 0.5, 0.5]), 10, 1)
    assert (durations[:, 0] == 20).all()
    assert len(set(durations[:, 1])) == 10


def test_spread_scenarios_hit_the_mean_far_closer_than_independent_ones() -> None:
    network = network_of(three())
    off = [abs(draw(network, 0.7, 100, seed)[:, 0].mean() - 20) for seed in range(20)]
    spread = [abs(draw_spread(network, 0.7, 100, seed)[:, 0].mean() - 20) for seed in range(20)]
    assert np.mean(spread) < 0.2 * np.mean(off)


def test_the_same_seed_gives_the_same_scenarios_and_another_others() -> None:
    network = network_of(three())
    assert (draw(network, 0.5, 5, 1) == draw(network, 0.5, 5, 1)).all()
    assert not (draw(network, 0.5, 5, 1) == draw(network, 0.5, 5, 2))[:, 0].any()
    assert not (draw(network, 0.5, 5, 1) == draw_spread(network, 0.5, 5, 1))[:, 0].any()


def test_normal_quantiles_are_those_of_the_tables() -> None:
    found = normal_quantiles(np.array([0.025, 0.5, 0.8413447, 0.975]))
    assert found == pytest.approx([-1.959964, 0.0, 1.0, 1.959964], abs=1e-4)
