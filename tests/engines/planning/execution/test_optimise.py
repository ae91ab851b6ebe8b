from collections.abc import Iterator

import numpy as np
import pytest
from typing_extensions import override

from engines.planning.arrays import network_of
from engines.planning.budget import Budget
from engines.planning.execution.dispatch import makespans
from engines.planning.execution.optimise import beginnings_of, optimise
from engines.planning.execution.policies import Policy
from engines.planning.execution.scenarios import draw
from tests.engines.planning.execution.naive import execute
from tests.engines.planning.execution.plans import plan_of, project


class Looks(Budget):
    """A budget of a number of looks at it, whatever time those take."""

    def __init__(self, looks: int) -> None:
        super().__init__(float(looks))
        self._ticks: Iterator[int] = iter(range(looks))
        self._last = looks

    @property
    @override
    def spent_s(self) -> float:
        return float(next(self._ticks, self._last))


@pytest.mark.parametrize("staffed", [False, True])
def test_a_searched_policy_is_not_worse_than_any_that_it_began_with(*, staffed: bool) -> None:
    network = network_of(project(3, staffed=staffed))
    starts, people = plan_of(project(3, staffed=staffed))
    policy = optimise(network, starts, people, 0.7, Looks(9), 1)
    unseen = draw(network, 0.7, 3000, 9)
    found = makespans(network, policy, unseen, cv=0.7).mean()
    parts = beginnings_of(network, starts, people)
    assert found <= 1.005 * min(makespans(network, p, unseen, cv=0.7).mean() for p in parts)


@pytest.mark.parametrize("staffed", [False, True])
def test_the_same_seed_and_work_give_the_same_policy_and_it_runs_as_it_should(
    *, staffed: bool
) -> None:
    problem = project(4, staffed=staffed)
    network = network_of(problem)
    starts, people = plan_of(problem)
    one, other = (optimise(network, starts, people, 0.5, Looks(9), 7) for _ in range(2))
    assert same(one, other)
    for durations in draw(network, 0.5, 3, 8):
        plain = execute(problem, one, durations, 0.5)
        found = makespans(network, one, durations[None, :], cv=0.5)[0]
        assert max(plain.ends.values()) == pytest.approx(found)


def same(one: Policy, other: Policy) -> bool:
    return all(
        np.array_equal(a, b)
        for a, b in (
            (one.order, other.order),
            (one.lead, other.lead),
            (one.arcs, other.arcs),
            (one.preferred, other.preferred),
            (one.tolerance, other.tolerance),
        )
    )


def test_no_budget_gives_the_best_rule() -> None:
    network = network_of(project(3))
    starts, people = plan_of(project(3))
    names = {one.name for one in beginnings_of(network, starts, people)}
    assert optimise(network, starts, people, 0.5, Budget(0), 1).name in names
