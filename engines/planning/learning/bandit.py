"""Coefficients of priority features as a one-step bandit, its reward from simulation.

An action is a coefficient in [-1, 1] for each feature; the task of the smallest weighted sum goes
first. One reward costs `SCENARIOS` executions, whoever asks: SAC, CMA-ES or chance.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engines.planning.arrays import Floats, Network
from engines.planning.execution.dispatch import makespans_of
from engines.planning.execution.policies import (
    Policy,
    classic_rules,
    facts_of,
    list_policy,
    steering_of,
    tails_of,
)
from engines.planning.execution.scenarios import cv_of, draw_spread
from engines.planning.learning.case import fastest_work, reach_of

FEATURES = (
    "latest_start",
    "latest_finish",
    "earliest_start",
    "float",
    "work",
    "reach",
    "work_after",
    "successors",
    "predecessors",
    "demand_sum",
    "demand_max",
    "energy",
)
SCENARIOS = 32


def priority_features(network: Network) -> Floats:
    """Features `[n, 12]`, each with mean 0 and deviation 1, or 0 where it tells nothing."""
    work = fastest_work(network)
    tails, heads = tails_of(network), _heads(network, work)
    reach = reach_of(network)
    shares = network.demands / np.maximum(network.capacities, 1)
    total = shares.sum(1) if shares.shape[1] else np.zeros(network.n)
    most = shares.max(1) if shares.shape[1] else 1.0 / np.maximum(np.diff(network.able_first), 1)
    columns = [
        -tails,
        work - tails,
        heads,
        tails.max(initial=0.0) - tails - heads,
        work,
        -reach.sum(1),
        -(reach @ work),
        -np.diff(network.successors_first),
        np.diff(network.predecessors_first),
        total,
        most,
        total * work,
    ]
    values = np.stack([np.asarray(one, np.float64) for one in columns], axis=1)
    deviation = values.std(0)
    return (values - values.mean(0)) / np.where(deviation > 0, deviation, 1.0)


@dataclass(frozen=True)
class Arm:
    """A network's bandit."""

    decode: Callable[[Floats], Policy]
    """The list policy of coefficients `[12]`."""
    reward: Callable[[Floats], float]
    """Of coefficients: minus the mean makespan over the best classic rule's."""


def bandit_of(network: Network, cv: float | Floats, seed: int) -> Arm:
    """The bandit of a network, its scenarios fixed by the seed."""
    features = priority_features(network)
    facts = facts_of(network, cv_of(network, cv))
    scenarios = draw_spread(network, cv, SCENARIOS, seed)

    def mean(policy: Policy) -> float:
        return float(makespans_of(facts, steering_of(network, policy), scenarios).mean())

    def decode(coefficients: Floats) -> Policy:
        return list_policy(network, "weighted features", features @ coefficients)

    anchor = min(mean(policy) for policy in classic_rules(network))
    return Arm(decode, lambda coefficients: -mean(decode(coefficients)) / anchor)


def _heads(network: Network, work: Floats) -> Floats:
    """The longest expected path to each task's start, `[n]`."""
    heads = network.releases.astype(np.float64)
    for task in network.order:
        first, last = network.successors_first[task], network.successors_first[task + 1]
        later = network.successors[first:last]
        heads[later] = np.maximum(heads[later], heads[task] + work[task])
    return heads
