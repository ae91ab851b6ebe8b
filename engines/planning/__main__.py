"""The planning engine without the bot: `python -m engines.planning solve FILE`.

Files are read by their content: plan.toml, CSV, PSPLIB (`.sm`) and iMOPSE (`.def`).
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from engines.planning.learning.command import set_up
from engines.planning.reading.files import read_problem, read_team
from engines.planning.types import CannotPlan, Plan

DEFAULT_CPU_S = 10.0
POLICY_CPU_S = 20.0
DEFAULT_SCENARIOS = 1_000
MOST_SCENARIOS = 100_000
MOST_SPREAD = 3.0
_N = TypeVar("_N", int, float)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when it is done, 1 with one line on standard error when it cannot be."""
    given = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], None] = given.run
    try:
        run(given)
    except CannotPlan as problem:
        print(problem, file=sys.stderr)
        return 1
    except OSError as problem:
        print(f"{problem.filename}: {problem.strerror}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m engines.planning", description=__doc__)
    spread, count = _between(float, 0, MOST_SPREAD), _between(int, 1, MOST_SCENARIOS)
    seconds, seed = _between(float, 0.1, 3_600), _between(int, 0, 2**31 - 1)
    actions = parser.add_subparsers(dest="action", required=True)
    solve = actions.add_parser("solve", help="make a plan")
    solve.add_argument("file", type=Path)
    solve.add_argument("--cpu-seconds", type=seconds, default=DEFAULT_CPU_S)
    solve.add_argument("--seed", type=seed, default=1)
    solve.add_argument("--json", type=Path, metavar="OUT", help="write the plan here")
    solve.set_defaults(run=_solve)
    simulate = actions.add_parser("simulate", help="execute a plan under uncertain durations")
    simulate.add_argument("file", type=Path)
    simulate.add_argument("--plan", type=Path, required=True, help="what `solve --json` wrote")
    simulate.add_argument(
        "--cv",
        type=spread,
        help="of every duration, in place of the file's",
    )
    simulate.add_argument("--scenarios", type=count, default=DEFAULT_SCENARIOS)
    simulate.add_argument("--seed", type=seed, default=1)
    simulate.add_argument("--durations", type=Path, metavar="NPZ", help="execute exactly these")
    simulate.add_argument("--starts", type=Path, metavar="NPZ", help="write every start here")
    simulate.add_argument("--cpu-seconds", type=seconds, default=POLICY_CPU_S)
    simulate.add_argument("--json", action="store_true", help="print JSON")
    simulate.set_defaults(run=_simulate)
    set_up(actions.add_parser("train", help="train a policy that decides while a project runs"))
    warm = actions.add_parser("warm", help="compile what is compiled, for set-up")
    warm.set_defaults(run=_warm)
    return parser


def _solve(given: argparse.Namespace) -> None:
    team = read_team(given.file)
    if team.hopeless:
        raise CannotPlan(team.hopeless[0])
    for warning in team.warnings:
        print(warning, file=sys.stderr)
    from engines.planning.engine import make_plan  # noqa: PLC0415 - only for a readable file
    from engines.planning.warming import load  # noqa: PLC0415 - as above

    load(staffed=team.problem.is_staffed)
    plan = make_plan(team.problem, cpu_s=given.cpu_seconds, seed=given.seed)
    if given.json is not None:
        given.json.write_text(json.dumps(as_json(plan), indent=1) + "\n")
    certain = "proven best" if plan.proven else f"no plan is below {plan.lower_bound}"
    print(
        f"makespan {plan.makespan}; {certain}; {plan.cpu_s:.2f} CPU seconds, "
        f"found by the {plan.found_by}"
    )


def as_json(plan: Plan) -> dict[str, object]:
    """A plan as `solve --json` writes it."""
    return {
        "makespan": plan.makespan,
        "lower_bound": plan.lower_bound,
        "proven": plan.proven,
        "cpu_s": round(plan.cpu_s, 3),
        "schedule": [
            {"task": one.task, "start": one.start, "end": one.end, "resource": one.person}
            for one in plan.placed
        ],
    }


def _simulate(given: argparse.Namespace) -> None:
    problem = read_problem(given.file)
    from engines.planning.execution import files  # noqa: PLC0415 - only for a readable file
    from engines.planning.execution.simulation import Setting, simulate  # noqa: PLC0415 - as above

    plan = files.plan_from_json(given.plan.read_text("utf-8-sig", errors="replace"), problem)
    durations = None if given.durations is None else files.read_durations(given.durations, problem)
    setting = Setting(given.cv, given.scenarios, given.seed, given.cpu_seconds)
    simulated = simulate(problem, plan, setting, durations)
    if given.starts is not None:
        executed = simulated.executed
        files.write_starts(given.starts, problem, executed.starts, executed.people)
    report = simulated.report()
    if given.json:
        print(json.dumps(report))
    else:
        policy, anchor = simulated.policy.name, report["right_shift"]
        print(f"{policy}: {report['policy']}; right shift: {anchor}; ratio {report['ratio']:.4f}")


def _warm(given: argparse.Namespace) -> None:
    del given
    from engines.planning.warming import warm  # noqa: PLC0415 - it compiles

    print(f"compiled in {warm():.1f} CPU seconds")


def _between(kind: Callable[[str], _N], low: float, high: float) -> Callable[[str], _N]:
    """A reader of numbers in [low, high]."""

    def read(text: str) -> _N:
        number = kind(text)
        if not low <= number <= high:
            raise argparse.ArgumentTypeError(f"give a number from {low:g} to {high:g}")
        return number

    read.__name__ = "number"
    return read


if __name__ == "__main__":
    sys.exit(main())
