"""The search under capacities."""

import numpy as np
import pytest
from typing_extensions import override

from engines.planning.arrays import network_of
from engines.planning.budget import Budget
from engines.planning.capacity.schedules import list_schedule
from engines.planning.capacity.search import search
from engines.planning.types import Problem, Task
from tests.engines.planning.capacity.reference import (
    Shape,
    makespan,
    project,
    shortest,
    violations,
)


class Looks(Budget):
    """A budget of so many looks, so that the work done does not depend on the machine."""

    def __init__(self, looks: int) -> None:
        """Over at the last of them."""
        super().__init__(1.0)
        self.looks = looks

    @property
    @override
    def is_over(self) -> bool:
        self.looks -= 1
        return self.looks <= 0


@pytest.fixture(scope="module", autouse=True)
def compiled_before() -> None:
    """Compilation is nobody's budget."""
    search(network_of(project(0, Shape(fixed=1))), Looks(9), 0)


@pytest.mark.parametrize("seed", range(12))
def test_tiny_projects_are_solved(seed: int) -> None:
    problem = project(seed, Shape(tasks=7, releases=seed % 2 == 0, fixed=seed % 3))
    best = shortest(problem)
    found = search(network_of(problem), Looks(20), 1, lower_bound=best)
    assert found.makespan == best == makespan(problem, found.starts)
    assert violations(problem, found.starts) == []


@pytest.mark.parametrize("seed", range(6))
def test_plans_keep_every_rule(seed: int) -> None:
    problem = project(seed, Shape(tasks=40, capacities=5, releases=True, fixed=seed))
    found = search(network_of(problem), Looks(9), seed)
    assert violations(problem, found.starts) == []
    assert found.makespan == makespan(problem, found.starts)


def test_same_seed_and_work_is_the_same_plan() -> None:
    network = network_of(project(1, Shape(tasks=40)))
    one, other = search(network, Looks(9), 5), search(network, Looks(9), 5)
    assert one.starts.tolist() == other.starts.tolist()
    assert one.schedules == other.schedules


def test_stops_when_the_budget_is_over() -> None:
    network = network_of(project(1, Shape(tasks=90, capacities=4)))
    budget = Budget(0.3)
    search(network, budget, 1)
    assert 0.3 <= budget.spent_s < 0.4


def test_stops_at_the_lower_bound() -> None:
    network = network_of(project(1, Shape(tasks=30, units=40)))
    bound = search(network, Looks(9), 1).makespan
    budget = Budget(60.0)
    assert search(network, budget, 1, lower_bound=bound).makespan == bound
    assert budget.spent_s < 5.0


def test_no_budget_still_gives_a_plan() -> None:
    problem = project(2, Shape(tasks=30))
    assert violations(problem, search(network_of(problem), Budget(0.0), 1).starts) == []


def test_hint_is_where_it_begins() -> None:
    problem = project(4, Shape(tasks=60, capacities=4))
    network = network_of(problem)
    good = search(network, Looks(20), 1)
    assert search(network, Budget(0.0), 2, hints=[good.starts]).makespan <= good.makespan


def test_prior_is_tried() -> None:
    problem = project(4, Shape(tasks=60, capacities=4))
    network = network_of(problem)
    prior = np.random.default_rng(1).random(60)
    found = search(network, Budget(0.0), 2, priors=[prior])
    assert found.makespan <= makespan(problem, list_schedule(network, prior))


def test_one_task_and_none_need_no_search() -> None:
    assert search(network_of(Problem(())), Budget(9.0), 1).makespan == 0
    alone = Problem((Task("a", 5, demand=(1,)),), capacities=(1,))
    budget = Budget(9.0)
    assert search(network_of(alone), budget, 1).makespan == 5
    assert budget.spent_s < 5.0
