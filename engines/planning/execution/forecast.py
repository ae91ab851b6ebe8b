"""What is to be expected of a project: its end, every task's end, each deadline's probability."""

from dataclasses import dataclass

import numpy as np

from engines.planning.arrays import NEVER, Floats, Ints, Network
from engines.planning.compiled import compiled
from engines.planning.execution.dispatch import Executed, run
from engines.planning.execution.events import SAME_TIME, Facts
from engines.planning.execution.policies import Policy, facts_of
from engines.planning.execution.scenarios import cv_of, draw
from engines.planning.execution.starts import absences_of, present

QUANTILES = (0.1, 0.5, 0.8, 0.9)


@dataclass(frozen=True)
class Forecast:
    """Of a project of n tasks, over S scenarios; times in ticks."""

    makespans: Floats  # [S], sorted
    ends: Floats  # [n, 4], quantiles of each task's end, as in QUANTILES
    on_time: Floats  # [n], the probability of each deadline; nan where there is none
    criticality: Floats  # [n], the share of scenarios in which the makespan hangs on the task

    @property
    def mean(self) -> float:
        """The expected makespan."""
        return float(self.makespans.mean())

    @property
    def p10(self) -> float:
        """One project in ten ends before."""
        return self.quantile(0.1)

    @property
    def p50(self) -> float:
        """Every other project ends before."""
        return self.quantile(0.5)

    @property
    def p80(self) -> float:
        """Four projects in five end before."""
        return self.quantile(0.8)

    @property
    def p90(self) -> float:
        """Nine projects in ten end before."""
        return self.quantile(0.9)

    def quantile(self, share: float) -> float:
        """By when that share of projects have ended."""
        return float(np.quantile(self.makespans, share))

    def probability_by(self, tick: float) -> float:
        """How probable it is that all is done by then."""
        return float(np.searchsorted(self.makespans, tick, side="right") / len(self.makespans))


def forecast(
    network: Network, policy: Policy, cv: float | Floats, scenarios: int, seed: int
) -> Forecast:
    """Forecast a project that a policy steers; for a plan, take `right_shift_policy`."""
    durations = draw(network, cv, scenarios, seed)
    executed = run(network, policy, durations, cv=cv)
    return forecast_of(network, executed, facts_of(network, cv_of(network, cv)))


def forecast_of(network: Network, executed: Executed, facts: Facts) -> Forecast:
    """The forecast that executions give."""
    has_deadline = network.deadlines < NEVER
    late = executed.ends > network.deadlines + SAME_TIME
    people = executed.people
    if people is None:
        people = np.full(executed.starts.shape, -1, np.int64)
    return Forecast(
        makespans=np.sort(executed.makespans),
        ends=np.quantile(executed.ends, QUANTILES, axis=0).T,
        on_time=np.where(has_deadline, 1.0 - late.mean(axis=0), np.nan),
        criticality=_criticality(facts, executed.starts, executed.ends, people),
    )


@compiled
def _criticality(facts: Facts, starts: Floats, ends: Floats, people: Ints) -> Floats:
    count, n = starts.shape
    critical = np.zeros(n)
    for s in range(count):
        critical += _critical(facts, starts[s], ends[s], people[s])
    return critical / count


@compiled
def _critical(facts: Facts, starts: Floats, ends: Floats, people: Ints) -> Floats:
    """1 for the tasks on a chain, each starting as another one ends, that ends last."""
    is_critical = np.zeros(len(starts))
    is_critical[ends >= ends.max() - SAME_TIME] = 1.0
    backwards = np.argsort(-ends - 0.5 * SAME_TIME * (starts < ends))
    for task in backwards:
        if is_critical[task] == 0.0:
            continue
        for earlier in range(len(starts)):
            if ends[earlier] <= starts[task] + SAME_TIME and earlier != task:
                follows = ends[earlier]
                if people[task] >= 0:
                    follows = present(absences_of(facts, int(people[task])), follows)
                if follows >= starts[task] - SAME_TIME:
                    is_critical[earlier] = 1.0
    return is_critical
