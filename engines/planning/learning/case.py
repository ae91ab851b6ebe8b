"""A project and the policy that its learned dispatch starts from, as the kernels read them."""

from typing import NamedTuple

import numpy as np

from engines.planning.arrays import Floats, Ints, Network
from engines.planning.execution.events import Facts, Steering
from engines.planning.execution.policies import Policy, facts_of, steering_of, tails_of
from engines.planning.execution.scenarios import cv_of

WORK, CV, TAIL, REACH, ABLE = 0, 1, 2, 3, 4
"""Columns of `Case.traits`: expected ticks, of the fastest able person; coefficient of variation;
longest expected path from the start to the end; the share of all tasks that come after, at any
distance; the share of all people who are able."""
BOUND, MEAN_WORK = 0, 1
"""Cells of `Case.size`: a lower bound of the makespan, and the mean of `WORK` above 0."""


class Case(NamedTuple):
    """A project of n tasks and p people under a base policy."""

    facts: Facts
    steering: Steering
    traits: Floats  # [n, 5]
    loads: Floats  # [p], expected work, each task's spread over who is able; 1 for the most
    size: Floats  # [2]


def case_of(network: Network, base: Policy, cv: float | Floats) -> Case:
    """The case of a network under a base policy, its durations of that cv."""
    spread = cv_of(network, cv)
    work = fastest_work(network)
    traits = np.stack(
        [
            work,
            np.where(network.durations > 0, spread, 0.0),
            tails_of(network),
            reach_of(network).sum(1) / max(network.n, 1),
            np.diff(network.able_first) / max(network.people, 1),
        ],
        axis=1,
    )
    positive = work[work > 0]
    bound = max(energy_bound(network, work), float(traits[:, TAIL].max(initial=0.0)), 1.0)
    return Case(
        facts_of(network, spread),
        steering_of(network, base),
        traits,
        loads_of(network, work),
        np.array([bound, positive.mean() if len(positive) else 1.0]),
    )


def fastest_work(network: Network) -> Floats:
    """Expected ticks of each task by its fastest able person, `[n]`."""
    work = network.durations.astype(np.float64)
    for task in range(network.n):
        ticks = _of(network.able_first, network.able_durations, task)
        if len(ticks):
            work[task] = ticks.min()
    return work


def energy_bound(network: Network, work: Floats) -> float:
    """What the scarcest capacity, or all people together, need at least."""
    bounds = [
        float(work @ network.demands[:, k]) / max(int(capacity), 1)
        for k, capacity in enumerate(network.capacities)
    ]
    if network.people:
        bounds.append(float(work.sum()) / network.people)
    return max(bounds, default=0.0)


def loads_of(network: Network, work: Floats) -> Floats:
    """What each person can expect to do, over the most, `[p]`."""
    loads = np.zeros(network.people)
    for task in range(network.n):
        able = _of(network.able_first, network.able, task)
        if len(able):
            loads[able] += work[task] / len(able)
    return loads / loads.max() if loads.max(initial=0.0) > 0 else loads


def reach_of(network: Network) -> Floats:
    """Which tasks come after which, at any distance, `[n, n]` of 0 and 1."""
    reach = np.zeros((network.n, network.n))
    for task in network.order[::-1]:
        for later in _of(network.successors_first, network.successors, task):
            reach[task] = np.maximum(reach[task], reach[later])
            reach[task, later] = 1.0
    return reach


def _of(first: Ints, values: Ints, task: int) -> Ints:
    return values[first[task] : first[task + 1]]
