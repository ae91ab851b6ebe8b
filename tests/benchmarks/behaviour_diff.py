"""Plants changes of behaviour and pure refactorings, and counts what the behaviour diff reports.

    python -m tests.benchmarks.behaviour_diff --site FOLDER [--site FOLDER] MODULE ...
           [--kind "off by one"] [--per-kind 2] [--seed 7] [--cpu-seconds 10] [--refactorings 0]

A module is named with dots and found in one of the folders. The base is a copy of its package, the
head the changed copy; both can import what else is in the folders. Every reported call is run by
plain Python on both sides, away from the engine: one that comes out the same there is counted as
false.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from engines.sandbox.sandbox import Sandbox, find_sandbox
from engines.testing.behaviour.engine import diff_behaviour
from engines.testing.behaviour.types import BehaviourDiff, BehaviourRequest, Difference
from tests.benchmarks.machine import machine
from tests.benchmarks.planting import KINDS, Planted, planted
from tests.benchmarks.refactoring import WAYS, moved, refactored

_JUDGE = """
import ast, sys
source = sys.stdin.read()
tree = ast.parse(source)
*head, last = tree.body
names = {"__name__": "judged"}
try:
    exec(compile(ast.Module(head, []), "judged", "exec"), names)
    if isinstance(last, ast.Expr):
        value = eval(compile(ast.Expression(last.value), "judged", "eval"), names)
    else:
        value = exec(compile(ast.Module([last], []), "judged", "exec"), names)
    if hasattr(value, "__next__"):
        value = [one for _, one in zip(range(50), value)]
    print(type(value).__name__, repr(value))
except BaseException as error:
    print("raises", type(error).__name__, error)
"""
_JUDGE_LIMIT_S = 20


@dataclass(frozen=True)
class Trial:
    """One changed copy: what was done to which file, and the new texts by path."""

    module: str
    path: str
    what: str
    texts: dict[str, str]
    is_refactoring: bool = False
    note: str = ""


def main(arguments: list[str] | None = None) -> int:
    """Run all trials, print one line for each, then the counts."""
    given = _parser().parse_args(arguments)
    sandbox = find_sandbox()
    print(
        f"{machine('coverage')}, rung {sandbox.rung}, {given.cpu_seconds} CPU s, seed {given.seed}"
    )
    rows = [_row(one, given, sandbox) for one in _trials(given)]
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1))
    for is_refactoring in (False, True):
        group = [one for one in rows if one["refactoring"] is is_refactoring]
        shown = sum(1 for one in group if one["true"])
        wrong = sum(int(str(one["false"])) for one in group)
        if group and is_refactoring:
            print(f"reported on pure refactorings: {shown} of {len(group)}")
        elif group:
            print(f"found: {shown} of {len(group)}; calls that show no difference: {wrong}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("modules", nargs="+")
    parser.add_argument("--site", type=Path, action="append", required=True)
    parser.add_argument("--kind", choices=KINDS, action="append")
    parser.add_argument("--way", choices=[*WAYS, "move"], action="append")
    parser.add_argument("--per-kind", type=int, default=2)
    parser.add_argument("--refactorings", type=int, default=1, help="modules for each way; 0: none")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--cpu-seconds", type=float, default=10.0)
    parser.add_argument("--json", type=Path)
    return parser


def _trials(given: argparse.Namespace) -> Iterator[Trial]:
    choices = random.Random(given.seed)  # noqa: S311 - reproducible, no secret
    for kind in given.kind or (() if given.way else KINDS):
        yield from _taken(_plantings(given, kind, choices), given.per_kind)
    for way in given.way or (() if given.kind else [*WAYS, "move"]):
        yield from _taken(_rewritings(given, way, choices), given.refactorings)


def _taken(trials: Iterator[Trial], count: int) -> Iterator[Trial]:
    for _, one in zip(range(count), trials, strict=False):
        yield one


def _plantings(given: argparse.Namespace, kind: str, choices: random.Random) -> Iterator[Trial]:
    for name in _shuffled(given.modules, kind, given.seed):
        folder, path = _located(name, given.site)
        text = (folder / path).read_text()
        change = planted(text, kind, choices)
        if change:
            yield Trial(name, path, kind, {path: change.applied(text)}, note=_noted(text, change))


def _rewritings(given: argparse.Namespace, way: str, choices: random.Random) -> Iterator[Trial]:
    for name in _shuffled(given.modules, way, given.seed):
        folder, path = _located(name, given.site)
        text = (folder / path).read_text()
        if way != "move":
            fresh = refactored(text, way)
            if fresh:
                yield Trial(name, path, way, {path: fresh}, is_refactoring=True)
            continue
        package, _, stem = name.rpartition(".")
        other = f"{package}.{stem}_moved" if package else f"{stem}_moved"
        pair = None if path.endswith("__init__.py") else moved(text, other)
        if pair:
            target = path.removesuffix(".py") + "_moved.py"
            yield Trial(name, path, way, {target: pair[0], path: pair[1]}, is_refactoring=True)


def _shuffled(modules: list[str], word: str, seed: int) -> list[str]:
    found = list(modules)
    random.Random(zlib.crc32(word.encode()) + seed).shuffle(found)  # noqa: S311 - as above
    return found


def _noted(text: str, change: Planted) -> str:
    old = " ".join(" ".join(text.split("\n")[change.first - 1 : change.last]).split())
    new = " ".join(" ".join(change.lines).split())
    return f"{change.function}:{change.first} {old[:90]!r} => {new[:90]!r}"


def _located(name: str, sites: list[Path]) -> tuple[Path, str]:
    stem = name.replace(".", "/")
    for site in sites:
        for path in (f"{stem}.py", f"{stem}/__init__.py"):
            if (site / path).is_file():
                return site, path
    raise SystemExit(f"no module {name} in {', '.join(str(one) for one in sites)}")


def _row(trial: Trial, given: argparse.Namespace, sandbox: Sandbox) -> dict[str, object]:
    with TemporaryDirectory(prefix="behaviour-") as name:
        base, head = Path(name) / "base", Path(name) / "head"
        folder, path = _located(trial.module, given.site)
        top = Path(path).parts[0]
        for side in (base, head):
            side.mkdir()
            if (folder / top).is_dir():
                shutil.copytree(folder / top, side / top, ignore=shutil.ignore_patterns("*.pyc"))
            else:
                shutil.copyfile(folder / top, side / top)
        for changed, text in trial.texts.items():
            (head / changed).write_text(text)
        sites = tuple(one.resolve() for one in given.site)
        request = BehaviourRequest(
            base, head, (trial.path,), given.cpu_seconds, given.seed, sites, sites
        )
        result = diff_behaviour(request, sandbox)
        judged = [(one, _judged(one, base, head, sites)) for one in result.differences]
    row = _summed(trial, result, judged)
    print(_line(trial, result, judged), flush=True)
    return row


def _summed(
    trial: Trial, result: BehaviourDiff, judged: list[tuple[Difference, bool]]
) -> dict[str, object]:
    return {
        "module": trial.module, "what": trial.what, "note": trial.note,
        "refactoring": trial.is_refactoring, "true": any(good for _, good in judged),
        "false": sum(not good for _, good in judged), "cpu_s": result.cpu_s,
        "calls": result.calls, "exercised": result.exercised,
        "shown": [f"{one.call}: {one.base} -> {one.head}" for one, _ in judged],
    }  # fmt: skip


def _judged(one: Difference, base: Path, head: Path, sites: tuple[Path, ...]) -> bool:
    return _outcome(one.code, (base, *sites)) != _outcome(one.code, (head, *sites))


def _outcome(code: str, paths: tuple[Path, ...]) -> str:
    try:
        run = subprocess.run(
            [sys.executable, "-c", _JUDGE], input=code, capture_output=True, text=True,
            cwd=paths[0], timeout=_JUDGE_LIMIT_S, check=False,
            env={
                "PYTHONPATH": ":".join(map(str, paths)),
                "PYTHONHASHSEED": "5",
                "PYTHONDONTWRITEBYTECODE": "1",
            },
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "does not end"
    return f"{run.returncode} {run.stdout}"


def _line(trial: Trial, result: BehaviourDiff, judged: list[tuple[Difference, bool]]) -> str:
    word = "found " if any(good for _, good in judged) else "missed"
    if trial.is_refactoring:
        word = "FALSE " if judged else "silent"
    head = (
        f"{word} {trial.what:24} {trial.module:34} {result.cpu_s:5.1f} CPU s {result.calls:6} calls "
        f"{100 * result.exercised:3.0f} % {trial.note}"
    )
    lines = [head]
    for one, good in judged[:4]:
        call = one.call.replace("\n", "; ")
        lines.append(
            f"    {'' if good else 'NOT SO: '}{one.function}: {call}: {one.base} -> {one.head}"
        )
    lines.extend(f"    not compared: {one.reason}" for one in result.not_compared)
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
