"""Runs our testing engine beside Pynguin and Hypothesis' ghostwriter on installed packages.

    python -m tests.benchmarks.testing --modules open --cpu-seconds 10
    python -m tests.benchmarks.testing --modules inflection semver.version --tools ours

A suite is judged by runs of plain pytest, not by what its tool says of it: coverage of the tests
that pass twice under different hash seeds, and the share of sampled mutants they notice. Mutants
that no test executes count as not noticed, and equivalent ones are not filtered out.
"""

import argparse
import json
import os
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from tests.benchmarks.machine import machine
from tests.benchmarks.testing.confined import jail_of_this_machine
from tests.benchmarks.testing.figures import Row, head, line, summary
from tests.benchmarks.testing.judge import Judge
from tests.benchmarks.testing.makers import (
    GHOSTWRITER,
    PYNGUIN,
    Made,
    Maker,
    ghostwriter,
    ours,
    pynguin,
)
from tests.benchmarks.testing.mutants import sample
from tests.benchmarks.testing.subjects import Subject, distribution, listed, subject

_TOOLS = ("ours", "pynguin", "ghostwriter")


def main(arguments: list[str] | None = None) -> int:
    """Measure every module with every tool; 1 if a module of the list gets no suite of ours."""
    given = _parser().parse_args(arguments)
    modules = listed(given.modules)
    print(machine("coverage", "pytest", "hypothesis"))
    print(
        f"beside {PYNGUIN} ({given.pynguin_cpu_seconds:g} CPU s of search) and {GHOSTWRITER}; ours "
        f"{given.cpu_seconds:g} CPU s, seed {given.seed}; {given.mutants} mutants a module, seed "
        f"{given.mutant_seed}; kept from writing elsewhere by {jail_of_this_machine()}"
    )
    print(f"from {', '.join(sorted({distribution(one, given.site) for one in modules}))}\n{head()}")
    tools, rows = _tools(given), list[Row]()
    for module in modules:
        for row in _measured(module, tools, given):
            rows.append(row)
            print(line(row), flush=True)
        _save(given.json, rows, given)
    for tool in tools:
        print(summary(tool, [row for row in rows if row.tool == tool]))
    return int(any(row.tool == "ours" and not row.judged.passed for row in rows))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.testing", description=__doc__)
    add = parser.add_argument
    add("--modules", nargs="+", required=True, help="dotted names, files of them, `open`, `fresh`")
    add("--site", type=Path, default=Path(sysconfig.get_path("purelib")), help="where they are")
    add("--cpu-seconds", type=float, default=10.0, help="budget of ours, all told")
    add("--seed", type=int, default=1)
    add("--tools", type=_tool_names, default=_TOOLS, help=f"by default {','.join(_TOOLS)}")
    add("--mutants", type=int, default=30, help="sampled per module")
    add("--mutant-seed", type=int, default=7)
    add("--pynguin-cpu-seconds", type=float, default=60.0, help="of search")
    add("--pynguin-seeds", type=_numbers, default=(1,), help="1,2: the better suite counts")
    cache = Path.home() / ".cache" / "gryph-benchmark"
    add("--cache", type=Path, default=cache, help="the other tools' environments")
    add("--json", type=Path, help="write all figures here, after each module")
    add("--keep", type=Path, help="keep the suites below this folder")
    add("--reuse", type=Path, help="judge suites kept there before instead of making them anew")
    return parser


def _tool_names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if unknown := set(names) - set(_TOOLS):
        raise argparse.ArgumentTypeError(f"no such tool: {', '.join(sorted(unknown))}")
    return names


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(one) for one in text.split(","))


def _tools(given: argparse.Namespace) -> dict[str, list[tuple[str, Maker]]]:
    """By name in the table: the attempts, of which the best counts, each with its own name."""
    tools: dict[str, list[tuple[str, Maker]]] = {}
    if "ours" in given.tools:
        tools["ours"] = [(f"ours-{given.seed}", ours(given.cpu_seconds, given.seed))]
    if "pynguin" in given.tools:
        tools["pynguin"] = [
            (f"pynguin-{seed}", pynguin(given.cache, given.pynguin_cpu_seconds, seed))
            for seed in given.pynguin_seeds
        ]
    if "ghostwriter" in given.tools:
        for name, allowing in (("ghostwriter", False), ("gw --except", True)):
            maker = ghostwriter(given.cache, allowing_exceptions=allowing)
            tools[name] = [(name.replace(" ", ""), maker)]
    return tools


def _measured(
    module: str, tools: Mapping[str, list[tuple[str, Maker]]], given: argparse.Namespace
) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        scratch = Path(folder).resolve()
        target = subject(module, given.site.resolve(), scratch)
        mutants = sample(target.source, given.mutants, given.mutant_seed)
        judge = Judge(target, mutants, scratch / "trials")
        rows: list[Row] = []
        for tool, attempts in tools.items():
            tried: list[Row] = []
            for name, maker in attempts:
                made = _made(target, name, maker, scratch, given)
                tried.append(Row(module, tool, judge.floor, made, judge.judgement(made.files)))
            rows.append(max(tried, key=_reached))
        return rows


def _reached(row: Row) -> tuple[float, float]:
    return row.judged.branch_percent, row.judged.line_percent


def _made(
    target: Subject, name: str, maker: Maker, scratch: Path, given: argparse.Namespace
) -> Made:
    """A new suite, or the one that an earlier run kept."""
    place = Path(name) / target.module
    if given.reuse and (record := given.reuse / place / "made.json").is_file():
        known = cast(dict[str, Any], json.loads(record.read_text()))
        return Made(files=tuple(sorted(record.parent.glob("test_*.py"))), **known)
    folder = scratch / name
    folder.mkdir()
    made = maker(target, folder)
    if given.keep:
        _keep(made, given.keep / place, folder)
    return made


def _keep(made: Made, place: Path, folder: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for file in made.files:
        shutil.copy(file, place)
    shutil.copy(folder / "output.txt", place)
    known = {
        "cpu_s": made.cpu_s,
        "wall_s": made.wall_s,
        "problem": made.problem,
        "details": made.details,
    }
    (place / "made.json").write_text(json.dumps(known, indent=1))


def _save(file: Path | None, rows: list[Row], given: argparse.Namespace) -> None:
    if file is None:
        return
    asked = {name: value for name, value in vars(given).items() if not isinstance(value, Path)}
    whole = {"asked": asked, "load": os.getloadavg()[0], "rows": [row.as_json() for row in rows]}
    file.write_text(json.dumps(whole, indent=1))


if __name__ == "__main__":
    sys.exit(main())
