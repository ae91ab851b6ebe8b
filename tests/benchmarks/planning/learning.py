"""What learning adds to planning: `python -m tests.benchmarks.planning.learning --instances DIR`.

Policies on common fresh scenarios against the best list policy, rule or right shift of each
instance; and each other learned part beside the same without it, at equal work. Prints Markdown.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any, cast

import cma  # pyright: ignore[reportMissingTypeStubs]
import numpy as np

from engines.planning.arrays import Floats, Ints, Network, network_of
from engines.planning.budget import Budget
from engines.planning.capacity.search import search
from engines.planning.execution.dispatch import makespans as executed
from engines.planning.execution.optimise import beginnings_of, optimise
from engines.planning.execution.policies import Policy, tails_of
from engines.planning.execution.scenarios import draw
from engines.planning.learning.bandit import FEATURES, bandit_of
from engines.planning.learning.bidding import makespans_by_auction
from engines.planning.learning.case import Case, case_of
from engines.planning.learning.instances import some_project
from engines.planning.learning.lookahead import Foresight, makespans_by_rollout
from engines.planning.learning.prior import prior
from engines.planning.learning.sb3 import soft_actor_critic
from engines.planning.learning.scorer import Weights, load
from engines.planning.learning.simulation import makespans
from engines.planning.staffing.goals import Goals
from engines.planning.staffing.search import search as staff
from tests.benchmarks.planning.instances import instances_in

HELD_OUT_SEED = 2_000_000
"""Generated projects from here on are in no training run and on no learning curve."""
SPREADS = (0.3, 0.7)
PLAN_S = 0.3
RESAMPLED = 5_000
CHOSEN_ON = 1_000
"""Scenarios on which an instance's best policy that is not learned is chosen."""
TABLES = ("policies", "prior", "bandit")
CALLS = 400
SEARCHED = "searched"


@dataclass(frozen=True)
class Subject:
    """An instance."""

    set: str
    name: str
    network: Network


@dataclass(frozen=True)
class Row:
    """Mean makespans of one instance at one cv, in per cent over the best that is not learned."""

    set: str
    cv: float
    over: dict[str, float]
    cpu_ms: dict[str, float]
    """Of one execution."""


def subjects(folder: Path, generated: int, every: int) -> list[Subject]:
    chosen = instances_in(folder)[::every]
    found = [Subject(one.set, one.name, one.network) for one in chosen]
    for seed in range(HELD_OUT_SEED, HELD_OUT_SEED + generated):
        network = network_of(some_project(seed))
        kind = "team" if network.people else "capacities"
        found.append(Subject(f"generated, {kind}", str(seed), network))
    return found


def compare(subject: Subject, cv: float, given: argparse.Namespace, weights: Weights) -> Row:
    """All policies on the same scenarios, which none of them has seen."""
    network = subject.network
    starts, people = plan_of(network, given.seed)
    base = optimise(network, starts, people, cv, Budget(given.cpu_seconds), given.seed)
    durations = draw(network, cv, given.scenarios, given.seed + 7919)
    rules = [base, *beginnings_of(network, starts, people)]
    choosing = draw(network, cv, CHOSEN_ON, given.seed + 104_729)
    best = min(rules, key=lambda rule: executed(network, rule, choosing, cv=cv).mean())
    anchor = float(executed(network, best, durations, cv=cv).mean())
    over = {SEARCHED: float(executed(network, base, durations, cv=cv).mean())}
    cpu_ms: dict[str, float] = {}
    for name, run in policies(case_of(network, base, cv), weights, given.futures).items():
        began_s = process_time()
        over[name] = float(run(durations).mean())
        cpu_ms[name] = 1_000 * (process_time() - began_s) / len(durations)
    percent = {name: 100 * (mean / anchor - 1) for name, mean in over.items()}
    return Row(subject.set, cv, percent, cpu_ms)


def policies(
    case: Case, weights: Weights, futures: Sequence[int]
) -> dict[str, Callable[[Floats], Floats]]:
    found: dict[str, Callable[[Floats], Floats]] = {
        "scorer, no futures": lambda d: makespans(case, weights, d, Foresight(0)),
        "bidders": lambda d: makespans_by_auction(case, weights, d, Foresight(futures[0])),
    }
    for count in futures:
        seeing = Foresight(count)
        found[f"rollouts, {count} futures"] = partial(_rollouts, case, seeing)
        found[f"scorer, {count} futures"] = partial(_scorer, (case, weights), seeing)
    return found


def _rollouts(case: Case, seeing: Foresight, durations: Floats) -> Floats:
    return makespans_by_rollout(case, durations, seeing)


def _scorer(learned: tuple[Case, Weights], seeing: Foresight, durations: Floats) -> Floats:
    return makespans(*learned, durations, seeing)


def plan_of(network: Network, seed: int) -> tuple[Ints, Ints | None]:
    if network.people:
        found = staff(network, Budget(PLAN_S), seed, Goals())
        return found.starts, found.people
    return search(network, Budget(PLAN_S), seed).starts, None


def interval(values: Sequence[float]) -> tuple[float, float]:
    """A 95 % bootstrap interval of the mean over instances."""
    rng = np.random.default_rng(0)
    drawn = rng.choice(np.array(values), (RESAMPLED, len(values))).mean(1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(low), float(high)


def policy_table(rows: Sequence[Row]) -> Iterator[str]:
    names = list(rows[0].over)
    yield "| set | cv | n | " + " | ".join(names) + " |"
    yield "|" + "---|" * (3 + len(names))
    groups = sorted({(row.set, row.cv) for row in rows})
    for cv in SPREADS:
        for kind in [*(k for k, at in groups if at == cv), "all"]:
            chosen = [r for r in rows if r.cv == cv and kind in (r.set, "all")]
            cells = [cell([r.over[name] for r in chosen], full=kind == "all") for name in names]
            yield f"| {kind} | {cv} | {len(chosen)} | " + " | ".join(cells) + " |"
    spent = [np.mean([r.cpu_ms.get(name, 0.0) for r in rows]) for name in names]
    yield "| CPU ms an execution | | | " + " | ".join(f"{ms:.1f}" for ms in spent) + " |"


def learned_share(rows: Sequence[Row], futures: int) -> Iterator[str]:
    """What the scorer adds to the futures that it is shown."""
    for cv in SPREADS:
        saved = [
            row.over[f"scorer, {futures} futures"] - row.over[f"rollouts, {futures} futures"]
            for row in rows
            if row.cv == cv
        ]
        yield f"- cv {cv}, {futures} futures: scorer over rollouts {cell(saved, full=True)} %"


def cell(values: Sequence[float], *, full: bool) -> str:
    mean = f"{np.mean(values):+.2f}"
    if not full:
        return mean
    low, high = interval(values)
    return f"{mean} [{low:+.2f}, {high:+.2f}]"


def prior_table(chosen: Sequence[Subject], seed: int) -> Iterator[str]:
    """The same search from two priors; percent of makespan, below 0 where learning is better."""
    yield "| search, CPU s | n | learned prior over latest finish times |"
    yield "|---|---|---|"
    for cpu_s in (0.1, 1.0):
        over: list[float] = []
        for one in chosen:
            network = one.network
            rule = tails_of(network)
            found = [
                search(network, Budget(cpu_s), seed, priors=[np.asarray(values)]).makespan
                for values in (prior(network), network.durations - rule)
            ]
            over.append(100 * (found[0] / found[1] - 1))
        yield f"| {cpu_s} | {len(over)} | {cell(over, full=True)} |"


def bandit_table(chosen: Sequence[Subject], seed: int) -> Iterator[str]:
    """Coefficients found by as many rewards each, judged on fresh scenarios."""
    yield f"| {CALLS} rewards of 32 executions | n | over the best rule, % |"
    yield "|---|---|---|"
    found: dict[str, list[float]] = {"SAC": [], "CMA-ES": [], "random": []}
    for one in chosen:
        arm = bandit_of(one.network, 0.5, seed)
        fresh = draw(one.network, 0.5, 300, seed + 1)
        rules = beginnings_of(one.network, *plan_of(one.network, seed))[1:5]
        anchor = min(executed(one.network, rule, fresh, cv=0.5).mean() for rule in rules)
        for name, action in seekers(arm.reward, seed):
            policy: Policy = arm.decode(action)
            mean = executed(one.network, policy, fresh, cv=0.5).mean()
            found[name].append(100 * (float(mean / anchor) - 1))
    for name, over in found.items():
        yield f"| {name} | {len(over)} | {cell(over, full=True)} |"


def seekers(reward: Callable[[Floats], float], seed: int) -> Iterator[tuple[str, Floats]]:
    yield "SAC", soft_actor_critic(len(FEATURES), reward, CALLS, seed).action
    options = {"maxfevals": CALLS, "seed": seed + 1, "verbose": -9, "bounds": [-1, 1]}
    strategy: Any = cast(Any, cma).CMAEvolutionStrategy([0.0] * len(FEATURES), 0.5, options)
    while not strategy.stop():
        tried = strategy.ask()
        strategy.tell(tried, [-reward(np.asarray(one)) for one in tried])
    yield "CMA-ES", np.asarray(strategy.result.xbest)
    drawn = np.random.default_rng(seed).uniform(-1, 1, (CALLS, len(FEATURES)))
    yield "random", max(drawn, key=reward)


def main() -> None:
    """Run it all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instances", type=Path, required=True)
    parser.add_argument("--generated", type=int, default=12)
    parser.add_argument("--every", type=int, default=1, help="take each N-th instance only")
    parser.add_argument("--scenarios", type=int, default=60)
    parser.add_argument("--cpu-seconds", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--futures", type=int, nargs="+", default=[9, 25])
    parser.add_argument("--only", choices=TABLES, nargs="+", default=TABLES)
    given = parser.parse_args()
    chosen = subjects(given.instances, given.generated, given.every)
    capacities = [one for one in chosen if not one.network.people]
    if "policies" in given.only:
        print_policies(chosen, given)
    if "prior" in given.only:
        print("\n" + "\n".join(prior_table(capacities, given.seed)))
    if "bandit" in given.only:
        print("\n" + "\n".join(bandit_table(capacities[::4], given.seed)))


def print_policies(chosen: Sequence[Subject], given: argparse.Namespace) -> None:
    weights, rows = load(), list[Row]()
    for one in chosen:
        rows += [compare(one, cv, given, weights) for cv in SPREADS]
        print(f"{one.name}: {[row.over for row in rows[-2:]]}", file=sys.stderr, flush=True)
    print("Mean makespan over that of the best list policy, rule or right shift, %:\n")
    print("\n".join(policy_table(rows)))
    for futures in given.futures:
        print("\n" + "\n".join(learned_share(rows, futures)))


if __name__ == "__main__":
    main()
