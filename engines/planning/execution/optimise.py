"""The search for a policy: rules, the plan itself, and annealing over what lies between.

Everything is chosen on scenarios drawn here (sample average approximation), more of them the
further the search is; the last choice falls on a set that no search has seen, with right shift and
every rule among the candidates, so that the policy is, but for that set's noise, never worse.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from engines.planning.arrays import Floats, Ints, Network
from engines.planning.budget import Budget
from engines.planning.capacity.chance import seeded
from engines.planning.execution.annealing import Walk, anneal
from engines.planning.execution.dispatch import makespans_of
from engines.planning.execution.events import Facts, Steering
from engines.planning.execution.policies import (
    NOBODY,
    Policy,
    classic_rules,
    facts_of,
    policy_of,
    steering_of,
    with_people,
)
from engines.planning.execution.right_shift import other_chainings, right_shift_policy
from engines.planning.execution.scenarios import cv_of, draw_spread

SEARCHED = "searched list and arcs"
SCREENED = 200
"""Scenarios on which the beginnings of a search are compared."""
VALIDATED = 1000
"""Scenarios on which the last choice falls."""
ROOM = 6
"""Arcs from each task that a search may add to those of its beginning."""
CAPACITY_WEIGHTS = np.array([60, 72, 100, 100], np.int64)
PEOPLE_WEIGHTS = np.array([45, 50, 65, 100], np.int64)


@dataclass(frozen=True)
class Stage:
    """A part of a search: on so many scenarios, for a share of the budget."""

    scenarios: int
    until: float
    """The share of the budget that is spent when it ends."""
    kept: int
    """How many walks go on to it."""


STAGES = (Stage(40, 0.25, 3), Stage(120, 0.55, 1), Stage(360, 0.95, 1))
TRIALS = 50
"""Trials between two looks at the clock."""
WARMTH = 0.002
"""Share of the makespan by which a trial may be worse at first, on average."""


def optimise(
    network: Network,
    starts: Ints,
    people: Ints | None,
    cv: float | Floats,
    budget: Budget,
    seed: int,
) -> Policy:
    """A policy with a small expected makespan for durations of that cv.

    `starts` [n] and `people` [n] are a plan's, the beginning of the search.
    """
    facts = facts_of(network, cv_of(network, cv))
    beginnings = beginnings_of(network, starts, people)
    screening = draw_spread(network, cv, SCREENED, seed)
    ranked = sorted(beginnings, key=lambda one: _mean(network, facts, one, screening))
    walked = ranked
    for number, stage in enumerate(STAGES):
        scenarios = draw_spread(network, cv, stage.scenarios, seed + 1 + number)
        walked = walked[: stage.kept]
        share = stage.until * budget.cpu_s
        walked = [
            _walk(network, facts, one, scenarios, _Clock(budget, begin, end), seed + k)
            for k, (one, begin, end) in enumerate(_slices(walked, budget.spent_s, share))
        ]
        walked.sort(key=lambda one: _mean(network, facts, one, screening))
    return best_of(network, cv, [*walked, *ranked], seed + len(STAGES) + 1)


def best_of(network: Network, cv: float | Floats, policies: Sequence[Policy], seed: int) -> Policy:
    """The policy of the smallest mean on a validation set of its own."""
    facts = facts_of(network, cv_of(network, cv))
    validation = draw_spread(network, cv, VALIDATED, seed)
    return min(policies, key=lambda one: _mean(network, facts, one, validation))


def beginnings_of(network: Network, starts: Ints, people: Ints | None) -> list[Policy]:
    """Right shift and the classic rules, with people both free and as the plan has them."""
    shifted = right_shift_policy(network, starts, people)
    rules = classic_rules(network, starts)
    if people is None:
        return [shifted, *other_chainings(network, starts), *rules]
    return [shifted, *rules, *_with_people_of_plan(network, rules, people)]


def _with_people_of_plan(network: Network, rules: list[Policy], people: Ints) -> list[Policy]:
    """The plan's order, its people preferred more or less."""
    ordered = rules[-1]
    planned = network.durations.astype(np.float64)
    return [
        with_people(
            replace(ordered, name=name), people, np.where(people == NOBODY, 0.0, share * planned)
        )
        for name, share in (("plan order, its people", 1.0), ("plan order, near its people", 0.3))
    ]


@dataclass(frozen=True)
class _Clock:
    """A slice of a budget."""

    budget: Budget
    begin_s: float
    end_s: float

    @property
    def passed(self) -> float:
        """The share of the slice that is spent."""
        span = self.end_s - self.begin_s
        return 1.0 if span <= 0 else (self.budget.spent_s - self.begin_s) / span


def _slices(
    policies: Sequence[Policy], begin_s: float, end_s: float
) -> list[tuple[Policy, float, float]]:
    width = (end_s - begin_s) / len(policies)
    return [(one, begin_s + k * width, begin_s + (k + 1) * width) for k, one in enumerate(policies)]


def _walk(
    network: Network, facts: Facts, policy: Policy, scenarios: Floats, clock: _Clock, seed: int
) -> Policy:
    """The best policy of a walk that begins at one."""
    here = _copied(steering_of(network, policy, ROOM))
    found = makespans_of(facts, here, scenarios)
    mean = float(found.mean())
    walk = Walk(
        here,
        _copied(here),
        _copied(here),
        found,
        found.copy(),
        np.array([mean, mean]),
        np.diff(network.successors_first),
        PEOPLE_WEIGHTS if network.people else CAPACITY_WEIGHTS,
        seeded(seed),
    )
    while (passed := clock.passed) < 1.0:
        anneal(facts, walk, scenarios, TRIALS, WARMTH * mean * (1.0 - passed) ** 2)
    return policy_of(network, walk.best, SEARCHED) if walk.means[1] < mean else policy


def _copied(steering: Steering) -> Steering:
    return Steering(
        steering.order.copy(),
        steering.tasks.copy(),
        steering.later.copy(),
        steering.preferred.copy(),
        steering.tolerance.copy(),
    )


def _mean(network: Network, facts: Facts, policy: Policy, scenarios: Floats) -> float:
    return float(makespans_of(facts, steering_of(network, policy), scenarios).mean())
