"""Base policies by a fixed amount of work, so that training is reproducible by its seed."""

import numpy as np

from engines.planning.arrays import Floats, Network
from engines.planning.capacity.schedules import list_schedule
from engines.planning.chance import seeded
from engines.planning.execution.annealing import Walk, anneal
from engines.planning.execution.dispatch import makespans_of
from engines.planning.execution.events import Steering
from engines.planning.execution.optimise import (
    CAPACITY_WEIGHTS,
    PEOPLE_WEIGHTS,
    ROOM,
    WARMTH,
)
from engines.planning.execution.policies import (
    Policy,
    classic_rules,
    facts_of,
    policy_of,
    steering_of,
    tails_of,
)
from engines.planning.execution.right_shift import right_shift_policy
from engines.planning.execution.scenarios import cv_of, draw_spread

SCREENED = 64
NAME = "annealed list and arcs"
STEPS = 10
"""Between two temperatures."""


def rule_base(network: Network, cv: float | Floats, seed: int) -> Policy:
    """The best classic rule, or right shift of the schedule by latest finish times."""
    policies = classic_rules(network)
    if not network.people:
        starts = list_schedule(network, -tails_of(network))
        policies.append(right_shift_policy(network, starts, None))
    scenarios = draw_spread(network, cv, SCREENED, seed)
    facts = facts_of(network, cv_of(network, cv))
    means = [makespans_of(facts, steering_of(network, p), scenarios).mean() for p in policies]
    return policies[int(np.argmin(means))]


def annealed_base(network: Network, cv: float | Floats, trials: int, seed: int) -> Policy:
    """The best rule after so many trials of the search over lists and arcs."""
    begun = rule_base(network, cv, seed)
    scenarios = draw_spread(network, cv, SCREENED, seed + 1)
    facts = facts_of(network, cv_of(network, cv))
    here, tried, best = (_own_steering(network, begun) for _ in range(3))
    found = makespans_of(facts, here, scenarios)
    mean = float(found.mean())
    walk = Walk(
        here,
        tried,
        best,
        found,
        found.copy(),
        np.array([mean, mean]),
        np.diff(network.successors_first),
        PEOPLE_WEIGHTS if network.people else CAPACITY_WEIGHTS,
        seeded(seed),
    )
    for step in range(STEPS):
        warmth = WARMTH * mean * (1.0 - step / STEPS) ** 2
        anneal(facts, walk, scenarios, trials // STEPS, warmth)
    return policy_of(network, walk.best, NAME)


def _own_steering(network: Network, policy: Policy) -> Steering:
    """The policy's arrays, none of them shared, for the search writes into them."""
    shared = steering_of(network, policy, ROOM)
    return Steering(
        shared.order.copy(),
        shared.tasks.copy(),
        shared.later.copy(),
        shared.preferred.copy(),
        shared.tolerance.copy(),
    )
