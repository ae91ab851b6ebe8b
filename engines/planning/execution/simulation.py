"""A plan against a policy that may depart from it, on common scenarios."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engines.planning.arrays import Floats, Ints, Network, network_of
from engines.planning.budget import Reckoned
from engines.planning.execution.dispatch import ASSUMED_CV, Executed, makespans, run
from engines.planning.execution.optimise import optimise
from engines.planning.execution.policies import NOBODY, Policy
from engines.planning.execution.right_shift import right_shift_policy
from engines.planning.execution.rollouts import run_ahead
from engines.planning.execution.scenarios import draw
from engines.planning.types import Placed, Problem

SAMPLES = (16, 32, 64, 128)
"""Numbers of futures that an option is played out in; fewer do not help."""
PLAYED_S = 0.2e-6
"""About the CPU seconds that a future takes in all of a scenario's decisions, over n squared."""
AHEAD = 0.5
"""The share of the CPU seconds that looking ahead may take."""


@dataclass(frozen=True)
class Setting:
    """How to simulate."""

    cv: float | None
    """Of every duration; None for the tasks' own."""
    scenarios: int
    seed: int
    cpu_s: float
    """What the search of a policy may take, and, with capacities, looking ahead for it: half of it
    where that is enough for a number of samples that helps. It is reckoned, not read from a clock,
    so that changed durations change nothing before a task ends differently."""


@dataclass(frozen=True)
class Simulated:
    """What came of S scenarios."""

    policy: Policy
    executed: Executed
    """Under the policy."""
    right_shift: Floats
    """The makespans [S] where the plan is executed with right shift."""

    def report(self) -> dict[str, object]:
        """What `simulate --json` prints."""
        mean = float(self.executed.makespans.mean())
        anchor = float(self.right_shift.mean())
        return {
            "scenarios": len(self.right_shift),
            "right_shift": {"mean": anchor, "p90": _p90(self.right_shift)},
            "policy": {
                "name": self.policy.name,
                "mean": mean,
                "p90": _p90(self.executed.makespans),
            },
            "ratio": mean / anchor if anchor > 0 else 1.0,
        }


def simulate(
    problem: Problem,
    plan: Sequence[Placed],
    setting: Setting,
    durations: Floats | None = None,
) -> Simulated:
    """Search a policy, and execute it and the plan on scenarios that the search has not seen.

    `plan` stands in the order of the problem's tasks. Where `durations` [S, n] are given, exactly
    those are executed, and the setting's cv is what the policy takes them to vary by.
    """
    network = network_of(problem)
    starts, people = plan_arrays(problem, plan)
    spread = _spread(network, setting.cv, is_given=durations is not None)
    if durations is None:
        durations = draw(network, spread, setting.scenarios, setting.seed)
    shifted = right_shift_policy(network, starts, people)
    samples = _affordable(network, len(durations), setting.cpu_s * AHEAD)
    search_s = setting.cpu_s * (1.0 - AHEAD) if samples else setting.cpu_s
    policy = optimise(network, starts, people, spread, Reckoned(search_s), setting.seed)
    if samples:
        executed = run_ahead(network, policy, durations, spread, samples=samples, seed=setting.seed)
        policy = policy.named(f"{policy.name}, {samples} futures ahead")
    else:
        executed = run(network, policy, durations, cv=spread)
    return Simulated(policy, executed, makespans(network, shifted, durations, cv=spread))


def _affordable(network: Network, scenarios: int, cpu_s: float) -> int:
    """How many futures of each option so many scenarios can be played out with; 0 for too few."""
    if network.people:
        return 0
    each_s = PLAYED_S * network.n**2
    return max((many for many in SAMPLES if many * each_s * scenarios <= cpu_s), default=0)


def plan_arrays(problem: Problem, plan: Sequence[Placed]) -> tuple[Ints, Ints | None]:
    """Starts [n] and, where people work, who does what [n]."""
    starts = np.array([one.start for one in plan], np.int64)
    if not problem.is_staffed:
        return starts, None
    number: Mapping[str | None, int] = {person.id: i for i, person in enumerate(problem.people)}
    return starts, np.array([number.get(one.person, NOBODY) for one in plan], np.int64)


def _spread(network: Network, cv: float | None, *, is_given: bool) -> float | Floats:
    if cv is not None:
        return cv
    if is_given and not network.cv.any():
        return ASSUMED_CV
    return network.cv


def _p90(makespans: Floats) -> float:
    return float(np.quantile(makespans, 0.9))
