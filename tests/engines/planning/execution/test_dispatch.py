from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.planning.arrays import network_of
from engines.planning.execution.dispatch import makespans, run
from engines.planning.execution.policies import Policy, activity_based, classic_rules, list_policy
from engines.planning.execution.scenarios import draw
from engines.planning.types import Person, Problem, Task
from tests.engines.planning.execution.naive import execute, random_policy
from tests.engines.planning.problems import problems

SEEDS = st.integers(0, 2**31)


@settings(max_examples=150, deadline=None)
@given(problem=problems, seed=SEEDS)
def test_an_execution_is_the_plain_one_event_by_event(problem: Problem, seed: int) -> None:
    network = network_of(problem)
    policy = random_policy(network, seed)
    durations = draw(network, 0.7, 2, seed)
    executed = run(network, policy, durations, cv=0.7)
    for s in range(2):
        plain = execute(problem, policy, durations[s], 0.7)
        assert len(plain.done) == network.n
        for task in range(network.n):
            assert executed.starts[s, task] == pytest.approx(plain.starts[task])
            assert executed.ends[s, task] == pytest.approx(plain.ends[task])
            if executed.people is not None:
                assert executed.people[s, task] == plain.people.get(task, -1)
    assert makespans(network, policy, durations, cv=0.7) == pytest.approx(executed.makespans)


@settings(max_examples=60, deadline=None)
@given(problem=problems, seed=SEEDS)
def test_no_start_before_a_tasks_end_depends_on_how_long_it_takes(
    problem: Problem, seed: int
) -> None:
    network = network_of(problem)
    policy = random_policy(network, seed)
    durations = draw(network, 0.7, 1, seed)
    task = seed % network.n
    longer = durations.copy()
    longer[0, task] *= 1.7
    one, other = run(network, policy, durations), run(network, policy, longer)
    before = one.starts[0] < min(one.ends[0, task], other.ends[0, task])
    assert (one.starts[0, before] == other.starts[0, before]).all()
    if one.people is not None and other.people is not None:
        assert (one.people[0, before] == other.people[0, before]).all()


def two_capacities() -> Problem:
    """A wants 1 of 2 units, B 2, C 1; C waits for nobody and is last in the list."""
    return Problem(
        (Task("A", 4, demand=(1,)), Task("B", 3, demand=(2,)), Task("C", 2, demand=(1,))),
        capacities=(2,),
    )


def listed(problem: Problem) -> Policy:
    network = network_of(problem)
    return list_policy(network, "as listed", np.arange(network.n, dtype=np.float64))


def test_parallel_dispatch_lets_a_small_task_go_ahead_and_a_list_in_order_does_not() -> None:
    network, policy = network_of(two_capacities()), listed(two_capacities())
    durations = np.array([[4.0, 3.0, 2.0]])
    assert run(network, policy, durations).starts.tolist() == [[0.0, 4.0, 0.0]]
    in_order = run(network, activity_based(policy), durations)
    assert in_order.starts.tolist() == [[0.0, 4.0, 7.0]]


def test_a_task_waits_for_the_end_that_an_arc_names() -> None:
    network = network_of(two_capacities())
    waiting = replace(listed(two_capacities()), arcs=np.array([[0, 2]]))
    executed = run(network, waiting, np.array([[5.0, 3.0, 2.0]]))
    assert executed.starts.tolist() == [[0.0, 5.0, 8.0]]


def test_a_task_waits_for_the_preferred_person_as_long_as_its_tolerance_says() -> None:
    people = (Person("ann"), Person("bob", pace=0.5))
    problem = Problem((Task("A", 4), Task("B", 4)), people)
    network, durations = network_of(problem), np.array([[4.0, 4.0]])
    policy = replace(listed(problem), preferred=np.zeros(2, np.int64))
    # with bob, B ends at 8; with ann, after A, at 8 too, and she is taken only when she is free
    at_once = run(network, policy, durations, cv=0.0)
    patient = run(network, replace(policy, tolerance=np.full(2, 3.0)), durations, cv=0.0)
    assert at_once.people is not None
    assert patient.people is not None
    assert at_once.people.tolist() == [[0, 1]]
    assert patient.people.tolist() == [[0, 0]]
    assert patient.starts.tolist() == [[0.0, 4.0]]


def test_work_pauses_while_its_person_is_absent() -> None:
    problem = Problem((Task("A", 4),), (Person("ann", absent=((0, 2), (3, 5))),))
    executed = run(network_of(problem), listed(problem), np.array([[4.5]]))
    assert executed.starts.tolist() == [[2.0]]
    assert executed.ends.tolist() == [[8.5]]


@settings(max_examples=30, deadline=None)
@given(problem=problems)
def test_every_rule_of_the_field_ends_every_project(problem: Problem) -> None:
    network = network_of(problem)
    for rule in classic_rules(network):
        assert np.isfinite(makespans(network, rule, draw(network, 0.5, 3, 1))).all()
