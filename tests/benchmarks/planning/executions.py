"""Plans under uncertain durations: right shift, list rules, our policy; and how true forecasts are.

Durations are log-normal with the planned ones as means. The plan is ours; everything that is told
comes from scenarios that no search has seen, the same ones for all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np

from engines.planning.arrays import Floats, Network, network_of
from engines.planning.engine import forecast_of, make_plan
from engines.planning.execution.dispatch import makespans
from engines.planning.execution.policies import classic_rules
from engines.planning.execution.right_shift import right_shift_policy
from engines.planning.execution.scenarios import draw
from engines.planning.execution.simulation import Setting, plan_arrays, simulate
from engines.planning.types import Plan, Problem
from tests.benchmarks.planning.instances import Instance

SPREADS = (0.3, 0.7)
SCENARIOS = 1_000
DEADLINES = np.arange(0.9, 1.61, 0.05)
"""Deadlines that forecasts are asked about, as multiples of the planned makespan."""
OURS = "our policy"


@dataclass(frozen=True)
class Execution:
    """A plan in scenarios of one cv."""

    instance: str
    set: str
    cv: float
    right_shift: float
    """The mean makespan, and in `others` what others deviate from it, in per cent."""
    others: Mapping[str, float]
    policy: str
    brier: float
    """Of the probabilities that the project keeps each of `DEADLINES`."""
    covered: float
    """The share of outcomes inside of the interval that was told to hold 80 % of them."""


def execute_all(instances: Sequence[Instance], cpu_s: float, seed: int) -> list[Execution]:
    """Plan each instance, search a policy for it, and execute both; `cpu_s` seconds for each."""
    found: list[Execution] = []
    for instance in instances:
        plan = make_plan(instance.problem, cpu_s=cpu_s, seed=seed)
        found += [_execute(instance, plan, cv, cpu_s, seed) for cv in SPREADS]
    return found


def _execute(instance: Instance, plan: Plan, cv: float, cpu_s: float, seed: int) -> Execution:
    setting = Setting(cv, SCENARIOS, seed, cpu_s)
    simulated = simulate(instance.problem, plan.placed, setting)
    anchor = float(simulated.right_shift.mean())
    means = _rules(instance, plan, cv, seed)
    means[OURS] = float(simulated.executed.makespans.mean())
    uncertain = _with_cv(instance.problem, cv)
    brier, covered = _forecast(uncertain, plan, seed)
    deviations = {name: 100 * (mean / anchor - 1) for name, mean in means.items()}
    return Execution(
        instance.name, instance.set, cv, anchor, deviations, simulated.policy.name, brier, covered
    )


def _rules(instance: Instance, plan: Plan, cv: float, seed: int) -> dict[str, float]:
    starts, _ = plan_arrays(instance.problem, plan.placed)
    durations = draw(instance.network, cv, SCENARIOS, seed)
    return {
        rule.name: float(makespans(instance.network, rule, durations, cv=cv).mean())
        for rule in classic_rules(instance.network, starts)
    }


def _with_cv(problem: Problem, cv: float) -> Problem:
    return replace(problem, tasks=tuple(replace(task, cv=cv) for task in problem.tasks))


def _forecast(problem: Problem, plan: Plan, seed: int) -> tuple[float, float]:
    """(Brier score, coverage) of what is told of a plan, against outcomes of their own."""
    told = forecast_of(problem, plan, scenarios=SCENARIOS, seed=seed + 1)
    outcomes = _outcomes(network_of(problem), problem, plan, seed + 2)
    expected = np.sort(_outcomes(network_of(problem), problem, plan, seed + 1))
    deadlines = DEADLINES * plan.makespan
    probabilities = np.searchsorted(expected, deadlines, side="right") / len(expected)
    kept = outcomes[:, None] <= deadlines[None, :]
    covered = (outcomes >= told.p10) & (outcomes <= told.p90)
    return float(((probabilities - kept) ** 2).mean()), float(covered.mean())


def _outcomes(network: Network, problem: Problem, plan: Plan, seed: int) -> Floats:
    starts, people = plan_arrays(problem, plan.placed)
    policy = right_shift_policy(network, starts, people)
    return makespans(network, policy, draw(network, network.cv, SCENARIOS, seed), cv=network.cv)


def table(found: Sequence[Execution]) -> str:
    """Means over the instances of each set and cv, as Markdown."""
    names = list(dict.fromkeys(name for one in found for name in one.others))
    lines = [
        f"| set | cv | n | {' | '.join(names)} | Brier | in the 80 % interval |",
        f"|---|---|---|{'---|' * len(names)}---|---|",
    ]
    sets = [*dict.fromkeys(one.set for one in found), "all"]
    for cv in SPREADS:
        for name in sets:
            rows = [one for one in found if one.cv == cv and name in {one.set, "all"}]
            cells = [f"{fmean(one.others[each] for one in rows):+.2f} %" for each in names]
            brier = fmean(one.brier for one in rows)
            covered = 100 * fmean(one.covered for one in rows)
            lines.append(
                f"| {name} | {cv} | {len(rows)} | {' | '.join(cells)} | {brier:.3f} | "
                f"{covered:.1f} % |"
            )
    return "\n".join(lines)
