"""The scorer fitted to one project, and the choice between it and the base policy.

Executions of the project by rollouts teach the shipped scorer what its own decisions are worth
here, by a fixed amount of work or until a budget is over. What comes out is only taken if it is
better on scenarios that neither has seen.
"""

from dataclasses import dataclass

import numpy as np

from engines.planning.arrays import Floats, Network
from engines.planning.budget import Budget
from engines.planning.execution.dispatch import makespans_of
from engines.planning.execution.policies import Policy
from engines.planning.execution.scenarios import draw, draw_spread
from engines.planning.learning.case import Case, case_of
from engines.planning.learning.scorer import Weights, base_weights, load
from engines.planning.learning.simulation import makespans
from engines.planning.learning.teaching import Lesson, new_tape, teach

LESSON = Lesson(executions=1, futures=16, limit=8, explore=0.05)
VALIDATED = 200
"""Scenarios that the choice falls on."""
TEACHING = 0.6
"""The share of a budget that goes into executions; cloning and the choice take the rest."""
MOST_DECISIONS = 60_000


@dataclass(frozen=True)
class Adapted:
    """A scorer for one project."""

    case: Case
    weights: Weights
    name: str
    """What was taken: "base", "shipped" or "adapted"."""


def adapt(network: Network, base: Policy, cv: float | Floats, budget: Budget, seed: int) -> Adapted:
    """The best of the base policy, the shipped scorer and one that has learned this project.

    Raises:
        NoPolicy: The shipped scorer cannot be read.
    """
    case, shipped = case_of(network, base, cv), load()
    fitted = fit(network, case, cv, shipped, (budget, seed))
    scenarios = draw_spread(network, cv, VALIDATED, seed + 1)
    means = {
        "base": makespans_of(case.facts, case.steering, scenarios).mean(),
        "shipped": makespans(case, shipped, scenarios).mean(),
        "adapted": makespans(case, fitted, scenarios).mean(),
    }
    name = min(means, key=lambda one: float(means[one]))
    weights = {"base": base_weights(), "shipped": shipped, "adapted": fitted}[name]
    return Adapted(case, weights, name)


def fit(
    network: Network, case: Case, cv: float | Floats, weights: Weights, work: tuple[Budget, int]
) -> Weights:
    """The scorer after lessons on one project; `work` is a budget and a seed."""
    from engines.planning.learning.cloning import (  # noqa: PLC0415 - torch only when asked for
        Cloning,
        clone,
    )

    budget, seed = work
    tape, lessons = new_tape(MOST_DECISIONS), budget.share(TEACHING)
    number = 0
    while not lessons.is_over and tape.length[0] < MOST_DECISIONS:
        teach(case, draw(network, cv, 1, seed + 10 + number), LESSON, tape, seed + number)
        number += 1
    epochs = int(np.clip(60_000 // max(int(tape.length[0]), 1), 3, 12))
    fitted = weights
    for now, _ in clone(weights, tape, Cloning(epochs=epochs, batch=256, rate=1e-3), seed):
        fitted = now
        if budget.is_over:
            break
    return fitted
