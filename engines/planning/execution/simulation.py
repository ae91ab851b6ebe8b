"""A plan against a policy that may depart from it, on common scenarios."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engines.planning.arrays import Floats, Ints, Network, network_of
from engines.planning.budget import Budget
from engines.planning.execution.dispatch import ASSUMED_CV, Executed, makespans, run
from engines.planning.execution.optimise import optimise
from engines.planning.execution.policies import NOBODY, Policy
from engines.planning.execution.right_shift import right_shift_policy
from engines.planning.execution.scenarios import draw
from engines.planning.types import Placed, Problem


@dataclass(frozen=True)
class Setting:
    """How to simulate."""

    cv: float | None
    """Of every duration; None for the tasks' own."""
    scenarios: int
    seed: int
    cpu_s: float
    """What the search of a policy may take."""


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
    policy = optimise(network, starts, people, spread, Budget(setting.cpu_s), setting.seed)
    if durations is None:
        durations = draw(network, spread, setting.scenarios, setting.seed)
    return Simulated(
        policy,
        run(network, policy, durations, cv=spread),
        makespans(network, right_shift_policy(network, starts, people), durations, cv=spread),
    )


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
