"""Makespans beside the best known ones: ours, list rules, CP-SAT and PyJobShop in one run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from time import process_time
from typing import TypeVar

from engines.planning.engine import make_plan
from tests.benchmarks.planning.anchors import best_rule, cp_sat, pyjobshop
from tests.benchmarks.planning.instances import Instance

OURS = "ours"
_T = TypeVar("_T")


@dataclass(frozen=True)
class Run:
    """What one method made of one instance."""

    instance: str
    set: str
    method: str
    makespan: int | None
    """None where it found no plan in time."""
    best_known: int | None
    cpu_s: float
    lower_bound: int | None = None

    @property
    def gap_percent(self) -> float | None:
        """Above the best known makespan; None where one of both is missing."""
        if self.makespan is None or self.best_known is None:
            return None
        return 100 * (self.makespan / self.best_known - 1)


def run_all(
    instances: Sequence[Instance], cpu_s: float, seed: int, *, ours_only: bool
) -> list[Run]:
    """Every method on every instance, one after the other."""
    runs: list[Run] = []
    for instance in instances:
        runs.append(_ours(instance, cpu_s, seed))
        if not ours_only:
            runs += _anchors(instance, cpu_s)
    return runs


def _ours(instance: Instance, cpu_s: float, seed: int) -> Run:
    plan = make_plan(instance.problem, cpu_s=cpu_s, seed=seed)
    return Run(
        instance.name,
        instance.set,
        OURS,
        plan.makespan,
        instance.best_known,
        plan.cpu_s,
        plan.lower_bound,
    )


def _anchors(instance: Instance, cpu_s: float) -> list[Run]:
    network = instance.network
    rule, rule_s = _timed(lambda: best_rule(network))
    methods: dict[str, Callable[[], int | None]] = {
        "CP-SAT hinted": lambda: cp_sat(network, cpu_s, rule),
        "CP-SAT": lambda: cp_sat(network, cpu_s, None),
        "PyJobShop": lambda: pyjobshop(network, cpu_s),
    }
    runs = [_run(instance, "best rule", rule.makespan, rule_s)]
    for method, solve in methods.items():
        makespan, spent_s = _timed(solve)
        runs.append(_run(instance, method, makespan, spent_s))
    return runs


def _run(instance: Instance, method: str, makespan: int | None, cpu_s: float) -> Run:
    return Run(instance.name, instance.set, method, makespan, instance.best_known, cpu_s)


def _timed(work: Callable[[], _T]) -> tuple[_T, float]:
    began_s = process_time()
    return work(), process_time() - began_s


def table(runs: Sequence[Run]) -> str:
    """Mean gaps per set and method, as Markdown."""
    methods = list(dict.fromkeys(run.method for run in runs))
    lines = [
        f"| set | n | {' | '.join(methods)} | ours proven | worst of ours |",
        f"|---|---|{'---|' * len(methods)}---|---|",
    ]
    for name in dict.fromkeys(run.set for run in runs):
        of_set = [run for run in runs if run.set == name]
        ours = [run for run in of_set if run.method == OURS]
        cells = [_mean([run for run in of_set if run.method == method]) for method in methods]
        proven = sum(run.makespan == run.lower_bound for run in ours)
        gaps = [run.gap_percent for run in ours if run.gap_percent is not None]
        worst = f"{max(gaps):+.2f} %" if gaps else "-"
        lines.append(f"| {name} | {len(ours)} | {' | '.join(cells)} | {proven} | {worst} |")
    return "\n".join(lines)


def _mean(runs: Sequence[Run]) -> str:
    gaps = [run.gap_percent for run in runs if run.gap_percent is not None]
    known = [run for run in runs if run.best_known is not None]
    if not known:
        return "-"
    if not gaps:
        return f"none in {len(known)}"
    missing = len(known) - len(gaps)
    return f"{fmean(gaps):+.2f} %" + (f" (none in {missing})" if missing else "")
