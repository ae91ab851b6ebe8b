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
from engines.planning.chance import seeded
from engines.planning.execution.annealing import Walk, anneal
from engines.planning.execution.dispatch import makespans_of
from engines.planning.execution.events import Facts, Steering
from engines.planning.execution.policies import (
    NOBODY,
    Policy,
    classic_rules,
    facts_of,
    list_policy,
    policy_of,
    steering_of,
    with_people,
)
from engines.planning.execution.priorities import SAMPLED, fitted_keys, measures_of
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


TASK_S, STAFFED_TASK_S = 0.15e-6, 0.8e-6
"""About the CPU seconds that the execution of a task takes, as a budget is told."""
RACED = 0.6
"""About the share of its scenarios that a trial is executed on before it is given up."""

FITTED = "fitted list"
FITTED_ON = 100
"""Scenarios on which a list's weights are fitted."""
FITTED_UNTIL = 0.2
"""The share of the budget that is spent then."""


@dataclass(frozen=True)
class Stage:
    """A part of a search: on so many scenarios, for a share of the budget."""

    scenarios: int
    until: float
    """The share of the budget that is spent when it ends."""
    kept: int
    """How many walks go on to it."""


STAGES = (Stage(48, 0.4, 3), Stage(144, 0.7, 2), Stage(400, 0.97, 1))
TRIALS, LOOK_S = 50, 0.1
"""Trials and CPU seconds, at most, between two looks at the clock."""
FINALISTS, LAST_SHARE = 5, 0.3
"""Policies that the last choice falls among, and the share of the budget it may take."""
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
    search = _Search(network, facts_of(network, cv_of(network, cv)), cv, budget, seed)
    screening = draw_spread(network, cv, SCREENED, seed)
    beginnings = beginnings_of(network, starts, people)
    screened = {one.name: search.mean(one, screening) for one in beginnings}
    each_s = budget.spent_s / len(beginnings) / SCREENED
    if SAMPLED * FITTED_ON * each_s < FITTED_UNTIL * budget.cpu_s:
        beginnings.append(search.fitted(starts))
        screened[FITTED] = search.mean(beginnings[-1], screening)
    beginnings.sort(key=lambda one: screened[one.name])
    walked = _unlike(beginnings)
    last_s = min(FINALISTS * VALIDATED * each_s, LAST_SHARE * budget.cpu_s)
    for number, stage in enumerate(STAGES):
        end_s = stage.until * (budget.cpu_s - last_s)
        trials = max(1, min(TRIALS, int(LOOK_S / max(each_s * stage.scenarios, 1e-9))))
        walked = search.walked(walked[: stage.kept], stage, number, (end_s, trials))
        walked.sort(key=lambda one: search.mean(one, screening))
    finalists = [*walked, *beginnings][:FINALISTS]
    validated = int(min(VALIDATED, max(SCREENED, last_s / max(FINALISTS * each_s, 1e-9))))
    validation = draw_spread(network, cv, validated, seed + len(STAGES) + 1)
    return min(finalists, key=lambda one: search.mean(one, validation))


def _unlike(ranked: Sequence[Policy]) -> list[Policy]:
    """The same, the best of the plan's own executions and the two best others first."""
    shifts = [one for one in ranked if len(one.arcs)]
    others = [one for one in ranked if not len(one.arcs)]
    first = [*shifts[:1], *others[:2]]
    return [one for one in ranked if one in first]


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
class _Search:
    """What every part of a search works with."""

    network: Network
    facts: Facts
    cv: float | Floats
    budget: Budget
    seed: int

    def mean(self, policy: Policy, scenarios: Floats) -> float:
        """The mean makespan."""
        steering = steering_of(self.network, policy)
        self._did(len(scenarios))
        return float(makespans_of(self.facts, steering, scenarios).mean())

    def _did(self, executions: float) -> None:
        task_s = STAFFED_TASK_S if self.network.people else TASK_S
        self.budget.did(executions * self.network.n * task_s)

    def fitted(self, starts: Ints) -> Policy:
        """The list of the best weights of the tasks' measures."""
        scenarios = draw_spread(self.network, self.cv, FITTED_ON, self.seed + 100)
        keys = fitted_keys(
            measures_of(self.network, starts, scenarios),
            lambda keys: self.mean(list_policy(self.network, FITTED, keys), scenarios),
            np.random.default_rng(self.seed),
            lambda: self.budget.spent_s >= FITTED_UNTIL * self.budget.cpu_s,
        )
        return list_policy(self.network, FITTED, keys)

    def walked(
        self, policies: Sequence[Policy], stage: Stage, number: int, pace: tuple[float, int]
    ) -> list[Policy]:
        """The best of a walk from each; `pace`: when the stage ends, and trials in a look."""
        end_s, trials = pace
        scenarios = draw_spread(self.network, self.cv, stage.scenarios, self.seed + 1 + number)
        begin_s = self.budget.spent_s
        width_s = (end_s - begin_s) / len(policies)
        return [
            self._walk(one, scenarios, (begin_s + k * width_s, width_s, trials), self.seed + k)
            for k, one in enumerate(policies)
        ]

    def _walk(
        self, policy: Policy, scenarios: Floats, pace: tuple[float, float, int], seed: int
    ) -> Policy:
        """The best policy of a walk from one, at a time, for a time, with trials in a look."""
        begin_s, width_s, trials = pace
        here = _copied(steering_of(self.network, policy, ROOM))
        found = makespans_of(self.facts, here, scenarios)
        mean = float(found.mean())
        walk = Walk(
            here,
            _copied(here),
            _copied(here),
            found,
            found.copy(),
            np.array([mean, mean]),
            np.diff(self.network.successors_first),
            PEOPLE_WEIGHTS if self.network.people else CAPACITY_WEIGHTS,
            seeded(seed),
        )
        while (passed := self.budget.spent_s - begin_s) < width_s:
            warmth = WARMTH * mean * (1.0 - passed / width_s) ** 2
            anneal(self.facts, walk, scenarios, trials, warmth)
            self._did(RACED * trials * len(scenarios))
        found_better = walk.means[1] < mean
        return policy_of(self.network, walk.best, SEARCHED) if found_better else policy


def _copied(steering: Steering) -> Steering:
    return Steering(
        steering.order.copy(),
        steering.tasks.copy(),
        steering.later.copy(),
        steering.preferred.copy(),
        steering.tolerance.copy(),
    )
