"""Planning: ours beside list rules, CP-SAT and PyJobShop, on instances of the field.

    python -m tests.benchmarks.planning --instances DIR --cpu-seconds 10
    python -m tests.benchmarks.planning --instances DIR --cpu-seconds 1 --measure makespans --ours

DIR holds PSPLIB (`.sm`) and iMOPSE (`.def`) files, and `instances.json` with what is known of them.
Everybody gets the same CPU seconds on one thread; nothing here is tuned on what is measured.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tests.benchmarks.machine import machine
from tests.benchmarks.planning import executions, makespans, random_problems, replanning
from tests.benchmarks.planning.instances import instances_in

MEASURES = ("makespans", "executions", "replanning", "random")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 2 where there are no instances."""
    given = _parser().parse_args(arguments)
    print(machine("numpy", "numba", "ortools", "pyjobshop"), f"seed {given.seed}", sep="; ")
    instances = [
        one for one in instances_in(given.instances) if not given.set or one.set in given.set
    ]
    if not instances:
        print(f"{given.instances} holds no instances")
        return 2
    measures = given.measure or MEASURES
    found: dict[str, object] = {}
    if "makespans" in measures:
        runs = makespans.run_all(instances, given.cpu_seconds, given.seed, ours_only=given.ours)
        print(f"\nMean gap to the best known makespan, {given.cpu_seconds:g} CPU seconds\n")
        print(makespans.table(runs))
        found["makespans"] = [{**asdict(run), "gap_percent": run.gap_percent} for run in runs]
    if "executions" in measures:
        executed = executions.execute_all(instances, given.cpu_seconds, given.seed)
        print("\nMean makespan under log-normal durations, beside the plan with right shift\n")
        print(executions.table(executed))
        found["executions"] = [asdict(one) for one in executed]
    if "replanning" in measures:
        rows = replanning.measure(given.seed, given.events)
        print(f"\nRe-planning after {given.events} events, 120 tasks and 20 people\n")
        print(replanning.table(rows))
        found["replanning"] = [asdict(row) for row in rows]
    if "random" in measures:
        plans = random_problems.check(given.problems)
        print(f"\n{given.problems:,} random problems: {plans:,} plans, none breaks a rule")
        found["random"] = plans
    if given.json is not None:
        given.json.write_text(json.dumps(found, indent=1) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.planning",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--instances", type=Path, required=True, metavar="DIR")
    parser.add_argument("--cpu-seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--set", action="append", help="only this set, as the tables name it")
    parser.add_argument("--measure", action="append", choices=MEASURES)
    parser.add_argument("--events", type=int, default=24, help="that are re-planned after")
    parser.add_argument("--problems", type=int, default=10_000, help="random ones")
    parser.add_argument("--ours", action="store_true", help="without the others")
    parser.add_argument("--json", type=Path, metavar="OUT")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
