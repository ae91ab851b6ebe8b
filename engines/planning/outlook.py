"""What is to be expected of a plan that people follow, told by the tasks' ids."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engines.planning.arrays import NEVER, Network
from engines.planning.execution.dispatch import run
from engines.planning.execution.forecast import forecast
from engines.planning.execution.right_shift import right_shift_policy
from engines.planning.execution.scenarios import draw_spread
from engines.planning.execution.simulation import plan_arrays
from engines.planning.staffing.goals import Goals
from engines.planning.types import Plan, Problem


@dataclass(frozen=True)
class Outlook:
    """Times are ticks; the plan's order and people stay, everything starts as soon as it can."""

    mean: float
    """Of the makespan, as the quantiles."""
    p10: float
    p50: float
    p80: float
    p90: float
    on_time: Mapping[str, float]
    """The probability that a task keeps its deadline, for tasks with one."""
    criticality: Mapping[str, float]
    """The share of scenarios in which the makespan hangs on the task."""
    scenarios: int


def outlook_of(
    problem: Problem, network: Network, plan: Plan, scenarios: int, seed: int
) -> Outlook:
    """Execute a plan in scenarios of its own."""
    starts, people = plan_arrays(problem, plan.placed)
    policy = right_shift_policy(network, starts, people)
    found = forecast(network, policy, network.cv, scenarios, seed)
    ids = [task.id for task in problem.tasks]
    return Outlook(
        found.mean,
        found.p10,
        found.p50,
        found.p80,
        found.p90,
        {name: float(p) for name, p in zip(ids, found.on_time, strict=True) if not np.isnan(p)},
        {name: float(share) for name, share in zip(ids, found.criticality, strict=True)},
        scenarios,
    )


def expected_cost(
    problem: Problem, network: Network, plan: Plan, goals: Goals, scenarios: int, seed: int
) -> float:
    """What a plan is expected to cost by the goals, in ticks: makespan and lateness as they come.

    Plans that are compared are executed in the same scenarios. What does not depend on durations
    is not in it.
    """
    starts, people = plan_arrays(problem, plan.placed)
    policy = right_shift_policy(network, starts, people)
    executed = run(
        network, policy, draw_spread(network, network.cv, scenarios, seed), cv=network.cv
    )
    late = np.maximum(
        0.0, executed.ends - np.where(network.deadlines < NEVER, network.deadlines, np.inf)
    )
    lateness = (late * network.weights).sum(axis=1)
    return float((executed.makespans + goals.tardiness * lateness).mean())
