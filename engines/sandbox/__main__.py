"""The sandbox without the bot: what isolation this host gives, and one program run in it."""

import argparse
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

from engines.sandbox.canary import canary, quick_canary
from engines.sandbox.report import CanaryReport
from engines.sandbox.sandbox import Sandbox, find_sandbox
from engines.sandbox.types import Command, Limits, NoIsolation, Outcome, Rung

_NOT_EXITED = 125


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    if options.action == "canary":
        attack = quick_canary if options.quick else canary
        rungs = [Rung(name) for name in options.rung or Rung]
        reports = [attack(rung, forks=forks) for rung in rungs for forks in (False, True)]
        return _show_canary(reports, as_json=options.json)
    return _run(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m engines.sandbox", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    table = actions.add_parser("canary", help="attack each rung on this host and show what held")
    table.add_argument("--rung", action="append", choices=list(Rung), help="only this rung")
    table.add_argument("--quick", action="store_true", help="only what a worker tries at its start")
    table.add_argument("--json", action="store_true", help="print one JSON object")
    run = actions.add_parser("run", help="run a program in the strongest rung that holds")
    run.add_argument("--rung", action="append", choices=list(Rung), help="only this rung")
    run.add_argument("--work", type=Path, default=Path(), help="the folder it may write (here)")
    run.add_argument(
        "--readable", type=Path, action="append", default=[], help="a path it may read"
    )
    run.add_argument("--wall-s", type=float, default=Limits.wall_s)
    run.add_argument("--cpu-s", type=float, default=Limits.cpu_s)
    run.add_argument("--memory-mib", type=int, default=Limits.memory_bytes >> 20)
    run.add_argument("program", nargs="+", metavar="CMD", help="the program, after --")
    return parser


def _show_canary(reports: list[CanaryReport], *, as_json: bool) -> int:
    if as_json:
        rows = [{**asdict(report), "passed": report.passed} for report in reports]
        print(json.dumps(rows, indent=2))
    else:
        print("\n\n".join(_table(report) for report in reports))
    return 0 if any(report.passed for report in reports) else 1


def _table(report: CanaryReport) -> str:
    if report.missing:
        return f"{report.name}: not available: {report.missing}"
    verdict = "holds" if report.passed else "DOES NOT HOLD"
    rows = [("probe", "expected", "what happened", "")]
    for probe in report.probes:
        passed = "ok" if probe.passed else "FAILED"
        rows.append((probe.name, probe.expected, probe.happened, passed))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join([f"{report.name}: {verdict}", *lines])


def _run(options: argparse.Namespace) -> int:
    limits = replace(
        Limits(),
        wall_s=options.wall_s,
        cpu_s=options.cpu_s,
        memory_bytes=options.memory_mib << 20,
    )
    command = Command(tuple(options.program), options.work, tuple(options.readable), limits=limits)
    try:
        sandbox = _sandbox(options.rung)
        outcome = sandbox.run(command)
    except (NoIsolation, ValueError) as error:
        print(f"not run: {error}", file=sys.stderr)
        return _NOT_EXITED
    return _show_outcome(outcome)


def _sandbox(rungs: list[str] | None) -> Sandbox:
    return find_sandbox([Rung(name) for name in rungs]) if rungs else find_sandbox()


def _show_outcome(outcome: Outcome) -> int:
    sys.stdout.buffer.write(outcome.stdout)
    sys.stdout.flush()
    sys.stderr.buffer.write(outcome.stderr)
    figures = f"{outcome.wall_s:.2f} s, {outcome.cpu_s:.2f} CPU s"
    print(f"[{outcome.rung}: {outcome.ending}, {figures}]", file=sys.stderr)
    return _NOT_EXITED if outcome.exit_code is None else outcome.exit_code


if __name__ == "__main__":
    sys.exit(main())
