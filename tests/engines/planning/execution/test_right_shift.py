import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.planning.arrays import Floats, Network, network_of
from engines.planning.checking import violations
from engines.planning.execution.dispatch import run
from engines.planning.execution.policies import underway_of
from engines.planning.execution.right_shift import right_shift, right_shift_policy
from engines.planning.execution.scenarios import draw
from engines.planning.types import Placed, Problem, Task
from tests.engines.planning.execution.naive import there, worked
from tests.engines.planning.execution.plans import plan_of, planned
from tests.engines.planning.problems import capacity_problems, problems


@settings(max_examples=80, deadline=None)
@given(problem=problems)
def test_planned_durations_give_the_plan_or_earlier_and_keep_every_rule(problem: Problem) -> None:
    network = network_of(problem)
    starts, people = plan_of(problem)
    executed = run(network, right_shift_policy(network, starts, people), planned(problem), cv=0.0)
    assert (executed.starts[0] <= starts + 1e-9).all()
    who = [-1] * network.n if executed.people is None else executed.people[0].tolist()
    placed = [
        Placed(
            task.id,
            round(executed.starts[0, i]),
            round(executed.ends[0, i]),
            problem.people[who[i]].id if who[i] >= 0 else None,
        )
        for i, task in enumerate(problem.tasks)
    ]
    assert violations(problem, placed) == []


@settings(max_examples=60, deadline=None)
@given(problem=problems, seed=st.integers(0, 2**31))
def test_each_task_starts_as_the_last_ends_that_it_waits_for(problem: Problem, seed: int) -> None:
    network = network_of(problem)
    starts, people = plan_of(problem)
    durations = draw(network, 0.7, 1, seed)
    policy = right_shift_policy(network, starts, people)
    waits = [(int(i), int(j)) for i, j in policy.arcs]
    waits += [(int(i), j) for j in range(network.n) for i in before(network, j)]
    found = right_shift(network, starts, people, durations)[0]
    ends: dict[int, float] = {}
    for task in (int(i) for i in policy.order):
        start = max([float(network.releases[task]), *(ends[i] for i, j in waits if j == task)])
        ends[task] = start + durations[0, task]
        if underway_of(network)[task]:
            ends[task] = found[task] + durations[0, task]
            continue
        if people is not None and people[task] >= 0:
            person = problem.people[int(people[task])]
            start = there(person, start)
            ends[task] = worked(
                person, start, ticks(network, task, int(people[task]), durations[0])
            )
        assert found[task] == pytest.approx(start)


def before(network: Network, task: int) -> list[int]:
    first, last = network.predecessors_first[task], network.predecessors_first[task + 1]
    return [int(one) for one in network.predecessors[first:last]]


def ticks(network: Network, task: int, person: int, durations: Floats) -> float:
    first, last = network.able_first[task], network.able_first[task + 1]
    at = first + network.able[first:last].tolist().index(person)
    return float(network.able_durations[at] * durations[task] / network.durations[task])


@settings(max_examples=60, deadline=None)
@given(problem=capacity_problems(), seed=st.integers(0, 2**31))
def test_no_more_than_the_capacities_is_ever_taken(problem: Problem, seed: int) -> None:
    network = network_of(problem)
    starts, people = plan_of(problem)
    durations = draw(network, 0.7, 1, seed)
    found = right_shift(network, starts, people, durations)[0]
    for at in found:
        runs = (found <= at) & (at < found + durations[0])
        assert (network.demands[runs].sum(axis=0) <= network.capacities).all()


def test_a_unit_that_is_handed_on_makes_its_taker_wait() -> None:
    problem = Problem(
        (Task("A", 2, demand=(1,)), Task("B", 5, demand=(1,)), Task("C", 1, demand=(1,))),
        capacities=(2,),
    )
    starts = right_shift(
        network_of(problem), np.array([0, 0, 2]), None, np.array([[3.5, 1.0, 1.0]])
    )
    assert starts.tolist() == [[0.0, 0.0, 3.5]]
