import numpy as np

from engines.planning.arrays import network_of
from engines.planning.learning.instances import (
    Shape,
    capacity_project,
    some_project,
    team_project,
)


def test_a_seed_gives_the_same_project_and_another_one_another() -> None:
    assert some_project(7) == some_project(7)
    assert some_project(7) != some_project(8)


def test_a_task_never_needs_more_than_there_is() -> None:
    for seed in range(20):
        network = network_of(capacity_project(Shape(30, strength=0.1), seed))
        assert (network.demands <= network.capacities).all()
        assert (network.demands[:-1].sum(1) > 0).all()


def test_strength_one_leaves_the_earliest_starts_as_they_are() -> None:
    network = network_of(capacity_project(Shape(30, strength=1.0), 5))
    starts = np.zeros(network.n, np.int64)
    for task in network.order:
        first, last = network.predecessors_first[task], network.predecessors_first[task + 1]
        before = network.predecessors[first:last]
        starts[task] = (starts + network.durations)[before].max(initial=0)
    for tick in range(int(starts.max())):
        runs = (starts <= tick) & (tick < starts + network.durations)
        assert (network.demands[runs].sum(0) <= network.capacities).all()


def test_the_network_has_about_the_arcs_that_were_asked_for() -> None:
    for complexity in (1.5, 2.1):
        problem = capacity_project(Shape(60, complexity=complexity), 2)
        arcs = sum(len(task.after) for task in problem.tasks[:-1])
        assert abs(arcs / 60 - complexity) < 0.15


def test_somebody_in_a_team_is_able_to_do_each_task() -> None:
    for seed in range(20):
        network_of(team_project(25, seed))
