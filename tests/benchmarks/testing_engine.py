"""Runs the testing engine over modules and prints what it reaches.

    python -m tests.benchmarks.testing_engine --site FOLDER inflection humanize.number ...
    python -m tests.benchmarks.testing_engine --root CHECKOUT pkg/mod.py ...

A dotted name is looked up below `--site` (by default this interpreter's site-packages); a path
ending in .py is taken below `--root`.
"""

import argparse
import json
import platform
import statistics
import sys
import sysconfig
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from engines.sandbox.sandbox import Sandbox, find_sandbox
from engines.testing.engine import write_tests
from engines.testing.types import CannotTest, TestingRequest, TestingResult


@dataclass(frozen=True)
class Row:
    """The figures of one module."""

    module: str
    floor: float
    lines: float
    branches: float
    passed: int
    tests: int
    length: int
    findings: int
    calls: int
    cpu_s: float
    wall_s: float
    problem: str = ""


def main(arguments: list[str] | None = None) -> int:
    """Measure every module and print a table, then the means."""
    given = _parser().parse_args(arguments)
    sandbox = find_sandbox()
    print(
        f"Python {platform.python_version()}, {platform.machine()}, {platform.platform()}, "
        f"rung {sandbox.rung}, {given.cpu_seconds} CPU s, seed {given.seed}"
    )
    rows: list[Row] = []
    for name in given.targets:
        row = _measured(name, given, sandbox)
        rows.append(row)
        print(_line(row), flush=True)
    _print_means(rows)
    if given.json:
        given.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="+")
    parser.add_argument("--site", type=Path, default=Path(sysconfig.get_path("purelib")))
    parser.add_argument("--root", type=Path, default=Path.cwd())
    parser.add_argument("--cpu-seconds", type=float, default=8.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="write the generated files to this folder")
    parser.add_argument("--json", type=Path, help="write the rows here")
    return parser


def _measured(name: str, given: argparse.Namespace, sandbox: Sandbox) -> Row:
    root, path = _located(name, given)
    request = TestingRequest(root, path, cpu_s=given.cpu_seconds, seed=given.seed)
    started = time.perf_counter()
    try:
        result = write_tests(request, sandbox)
    except CannotTest as problem:
        return Row(name, 0, 0, 0, 0, 0, 0, 0, 0, 0, time.perf_counter() - started, str(problem))
    if given.keep:
        given.keep.mkdir(parents=True, exist_ok=True)
        file = given.keep / f"test_{result.module.replace('.', '_')}.py"
        file.write_text(result.source, encoding="utf-8", errors="surrogatepass")
        notes = [f"{one.line}: {one.call!r} -> {one.error}" for one in result.findings]
        notes += [f"{one.first_line}-{one.last_line}: {one.reason}" for one in result.unreached]
        file.with_suffix(".txt").write_text("\n".join(notes), errors="replace")
    return _row(name, result, time.perf_counter() - started)


def _located(name: str, given: argparse.Namespace) -> tuple[Path, str]:
    if name.endswith(".py"):
        return given.root, name
    path = name.replace(".", "/")
    is_package = (given.site / path).is_dir()
    return given.site, f"{path}/__init__.py" if is_package else f"{path}.py"


def _row(name: str, result: TestingResult, wall_s: float) -> Row:
    return Row(
        module=name,
        floor=result.before.line_percent,
        lines=result.after.line_percent,
        branches=result.after.branch_percent,
        passed=result.passed,
        tests=result.tests,
        length=result.source.count("\n"),
        findings=len(result.findings),
        calls=result.candidates,
        cpu_s=result.search_cpu_s,
        wall_s=wall_s,
    )


def _line(row: Row) -> str:
    if row.problem:
        return f"{row.module:38} {row.problem}"
    return (
        f"{row.module:38} lines {row.floor:5.1f} -> {row.lines:5.1f}  branches {row.branches:5.1f}  "
        f"tests {row.passed}/{row.tests}  {row.length} lines  findings {row.findings}  "
        f"{row.calls} calls in {row.cpu_s:.1f} CPU s, {row.wall_s:.0f} s wall"
    )


def _print_means(rows: list[Row]) -> None:
    lines = statistics.mean(row.lines for row in rows)
    branches = statistics.mean(row.branches for row in rows)
    passed, tests = sum(row.passed for row in rows), sum(row.tests for row in rows)
    print(f"mean of {len(rows)}: lines {lines:.1f}, branches {branches:.1f}; {passed}/{tests} pass")


if __name__ == "__main__":
    sys.exit(main())
