import numpy as np

from engines.planning.arrays import network_of
from engines.planning.execution.dispatch import makespans
from engines.planning.execution.policies import classic_rules
from engines.planning.execution.rollouts import run_ahead
from engines.planning.execution.scenarios import draw
from tests.engines.planning.execution.plans import project


def test_looking_ahead_keeps_precedence_and_capacities_and_pays() -> None:
    network = network_of(project(8, 15))
    policy = classic_rules(network)[-1]
    durations = draw(network, 0.7, 120, 3)
    executed = run_ahead(network, policy, durations, 0.7, samples=24)
    assert (executed.ends == executed.starts + durations).all()
    for task in range(network.n):
        first, last = network.predecessors_first[task], network.predecessors_first[task + 1]
        for earlier in network.predecessors[first:last]:
            assert (executed.ends[:, earlier] <= executed.starts[:, task] + 1e-9).all()
        runs = executed.starts <= executed.starts[:, task, None]
        runs &= executed.starts[:, task, None] < executed.ends - 1e-9
        assert (runs @ network.demands <= network.capacities).all()
    assert executed.makespans.mean() < 1.01 * makespans(network, policy, durations).mean()


def test_looking_ahead_sees_no_duration_before_its_task_has_ended() -> None:
    network = network_of(project(8, 15))
    durations = draw(network, 0.7, 1, 3)
    policy = classic_rules(network)[0]
    one = run_ahead(network, policy, durations, 0.7, samples=16)
    for task in range(network.n):
        longer = durations.copy()
        longer[0, task] *= 1.7
        other = run_ahead(network, policy, longer, 0.7, samples=16)
        before = one.starts[0] < one.ends[0, task]
        assert (one.starts[0, before] == other.starts[0, before]).all()


def test_the_same_seed_looks_ahead_the_same_way() -> None:
    network = network_of(project(8, 15))
    policy, durations = classic_rules(network)[0], draw(network, 0.7, 3, 3)
    one, other = (run_ahead(network, policy, durations, 0.7, samples=16) for _ in range(2))
    assert np.array_equal(one.starts, other.starts)


def test_what_comes_of_a_scenario_does_not_depend_on_those_before_it() -> None:
    network = network_of(project(8, 15))
    policy, durations = classic_rules(network)[0], draw(network, 0.7, 3, 3)
    together = run_ahead(network, policy, durations, 0.7, samples=16)
    for s in range(len(durations)):
        alone = run_ahead(network, policy, durations[s : s + 1], 0.7, samples=16)
        assert np.array_equal(alone.starts[0], together.starts[s])
