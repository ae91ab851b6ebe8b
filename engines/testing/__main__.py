"""`python -m engines.testing FILE` and `python -m engines.testing diff`, without the bot."""

import argparse
import dataclasses
import json
import resource
import sys
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from engines.sandbox.sandbox import find_sandbox
from engines.sandbox.types import NoIsolation
from engines.testing.behaviour.types import BehaviourDiff, BehaviourRequest
from engines.testing.languages import writer_for
from engines.testing.types import CannotTest, Coverage, Style, TestingRequest, TestingResult

_ENDING_CPU_S = 0.05
"""For writing the results and for the interpreter's end."""


class Progress:
    """A watch that writes to standard error."""

    def report(self, text: str, done: float | None = None) -> None:
        """One line per report."""
        share = "" if done is None else f"{100 * done:3.0f} % "
        print(f"{share}{text}", file=sys.stderr)

    def draft(self, text: str) -> None:
        """Wait for the whole."""

    def phase(self, name: str) -> None:
        """Measure nothing."""

    def stop_requested(self) -> bool:
        """Never; Ctrl-C ends the program."""
        return False


def main(arguments: Sequence[str] | None = None, started_s: float | None = None) -> int:
    """Run the command; 0 for a suite or a comparison, 1 for a reason why there is none.

    `started_s` is what this process had spent when the command began: now, unless said.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    began_s = _spent_s() if started_s is None else started_s
    try:
        if words[:1] == ["diff"]:
            return _diff(_diff_parser().parse_args(words[1:]), began_s)
        return _tests(_tests_parser().parse_args(words), began_s)
    except (CannotTest, NoIsolation) as problem:
        print(problem, file=sys.stderr)
        return 1


def _tests_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m engines.testing", description=__doc__)
    parser.add_argument(
        "path",
        metavar="FILE",
        help="relative to --root or inside it: Python, JavaScript, TypeScript, Java",
    )
    parser.add_argument("--root", type=Path, default=Path(), help="the checkout; default: here")
    parser.add_argument("--symbol", help="only this function, class or method: Stack.push")
    parser.add_argument("--cpu-seconds", type=float, default=8.0, help="budget, all told")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--style", type=Style, choices=list(Style), default=Style.PYTEST)
    parser.add_argument(
        "--extend",
        type=Path,
        metavar="TESTS",
        help="add the tests to the text of this test file, relative to --root or inside it",
    )
    parser.add_argument(
        "--properties",
        action=argparse.BooleanOptionalAction,
        help="Hypothesis tests of laws that hold; default: where the checkout uses Hypothesis",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="write the test file here")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result here")
    return parser


def _diff_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m engines.testing diff",
        description="Run two versions of a checkout against the same calls and tests.",
    )
    parser.add_argument("paths", metavar="FILE", nargs="*", help="relative to both; default: all")
    parser.add_argument("--base", type=Path, required=True, help="the checkout before the change")
    parser.add_argument("--head", type=Path, required=True, help="the checkout after it")
    parser.add_argument("--cpu-seconds", type=float, default=10.0, help="budget, all told")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result here")
    return parser


def _tests(given: argparse.Namespace, began_s: float) -> int:
    write = writer_for(given.path)
    sandbox = find_sandbox()
    request = TestingRequest(
        root=given.root,
        path=_inside(Path(given.path), given.root),
        symbol=given.symbol,
        style=given.style,
        cpu_s=given.cpu_seconds - (_spent_s() - began_s) - _ENDING_CPU_S,
        seed=given.seed,
        properties=given.properties,
        extends=given.extend is not None,
        test_file=_inside(given.extend, given.root) if given.extend else None,
    )
    result = write(request, sandbox, Progress())
    if given.out:
        given.out.mkdir(parents=True, exist_ok=True)
        file = given.out / PurePosixPath(result.test_path).name
        file.write_text(result.source, encoding="utf-8", errors="surrogatepass")
    if given.json:
        _write_json(given.json, _tests_json(result, round(_spent_s() - began_s, 2)))
    if not given.out and not given.json:
        print(result.source)
    print(_summary(result))
    return 0


def _inside(file: Path, root: Path) -> str:
    """A file's path relative to the checkout, where a person gave its whole path."""
    folder = root.resolve()
    is_whole = file.is_absolute() and folder in file.resolve().parents
    return file.resolve().relative_to(folder).as_posix() if is_whole else file.as_posix()


def _diff(given: argparse.Namespace, began_s: float) -> int:
    from engines.testing.behaviour.engine import diff_behaviour  # noqa: PLC0415 - 0.1 CPU s

    for one in (given.base, given.head):
        if not one.is_dir():
            raise CannotTest(f"`{one}` is no folder; name the two checkouts to compare.")
    sandbox = find_sandbox()
    request = BehaviourRequest(
        base=given.base,
        head=given.head,
        paths=tuple(given.paths),
        cpu_s=given.cpu_seconds - (_spent_s() - began_s) - _ENDING_CPU_S,
        seed=given.seed,
    )
    result = diff_behaviour(request, sandbox, Progress())
    if given.json:
        _write_json(given.json, _diff_json(result, round(_spent_s() - began_s, 2)))
    else:
        print(_diff_summary(result))
    return 0


def _spent_s() -> float:
    """CPU seconds of this process and of all that it started and that has ended."""
    spent = [resource.getrusage(one) for one in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in spent)


def _write_json(file: Path, content: dict[str, object]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=2) + "\n")


def _tests_json(result: TestingResult, spent_s: float) -> dict[str, object]:
    whole: dict[str, object] = dataclasses.asdict(result)
    named = {name: value for name, value in whole.items() if "muta" in name}
    return {
        "module": result.module,
        "tests": result.tests,
        "passed": result.passed,
        "test_file": PurePosixPath(result.test_path).name,
        "test_path": result.test_path,
        "before": _coverage_json(result.before),
        "after": _coverage_json(result.after),
        "possible_bugs": whole["findings"],
        "unreached": whole["unreached"],
        "extends": result.test_path if result.extends else None,
        "notes": whole["notes"],
        **named,
        "calls": result.candidates,
        "seconds": {"search_cpu": result.search_cpu_s, "all_told_cpu": spent_s},
        "rung": result.rung,
        "complete": result.complete,
    }


def _coverage_json(counts: Coverage) -> dict[str, object]:
    return {
        **dataclasses.asdict(counts),
        "line_percent": round(counts.line_percent, 1),
        "branch_percent": round(counts.branch_percent, 1),
    }


def _diff_json(result: BehaviourDiff, spent_s: float) -> dict[str, object]:
    return {
        "changed": result.changed,
        "exercised": round(result.exercised, 3),
        "differences": [
            {
                "function": one.function,
                "call": one.code,
                "base": one.base,
                "head": one.head,
                "path": one.path,
                "line": one.line,
                "change": one.change,
                "shown": one.call,
            }
            for one in result.differences
        ],
        "tests": [dataclasses.asdict(one) for one in result.tests],
        "not_compared": [dataclasses.asdict(one) for one in result.not_compared],
        "calls": result.calls,
        "cpu_s": spent_s,
        "rung": result.rung,
        "complete": result.complete,
    }


def _summary(result: TestingResult) -> str:
    head = (
        f"{result.passed} of {result.tests} tests of {result.module} pass, for {result.test_path}; "
        f"lines {_percent(result.before, result.after, 'line')}, "
        f"branches {_percent(result.before, result.after, 'branch')}; "
        f"{result.candidates:,} calls tried, {result.cpu_s:.1f} CPU s; "
        f"sandbox: {result.rung}"
    )
    lines = [head, *(f"note: {one}" for one in result.notes)]
    for one in result.findings:
        call = one.call.replace("\n", "; ")
        lines.append(f"possible bug, line {one.line}: {call} fails with {one.error}")
    lines.extend(
        f"not reached: lines {one.first_line}-{one.last_line}: {one.reason}"
        for one in result.unreached
    )
    return "\n".join(lines)


def _percent(before: Coverage, after: Coverage, what: str) -> str:
    first, last = getattr(before, f"{what}_percent"), getattr(after, f"{what}_percent")
    return f"{first:.0f} % -> {last:.0f} %"


def _diff_summary(result: BehaviourDiff) -> str:
    lines: list[str] = []
    function = ""
    for one in result.differences:
        if one.function != function:
            function = one.function
            lines.append(f"{one.path}:{one.line} {function}")
        lines.append(f"    {one.call.replace(chr(10), '; ')}: {one.base} -> {one.head}")
    lines.extend(
        f"{'now passes' if test.passes else 'now fails'}: {test.test} {test.message}"
        for test in result.tests
    )
    lines.extend(f"not compared: {one.path}: {one.reason}" for one in result.not_compared)
    if not result.changed:
        lines.append("no difference seen")
    lines.append(
        f"{100 * result.exercised:.0f} % of the changed lines were run; {result.calls:,} calls, "
        f"{result.cpu_s:.1f} CPU s; sandbox: {result.rung}"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(started_s=0.0))
