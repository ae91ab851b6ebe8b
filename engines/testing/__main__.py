"""`python -m engines.testing PATH`: tests for a file, without the bot."""

import argparse
import dataclasses
import json
import sys
from pathlib import Path

from engines.sandbox.sandbox import find_sandbox
from engines.sandbox.types import NoIsolation
from engines.testing.engine import write_tests
from engines.testing.types import CannotTest, Coverage, Style, TestingRequest, TestingResult


class Progress:
    """A watch that writes to standard error."""

    def report(self, text: str, done: float | None = None) -> None:
        """One line per report."""
        share = "" if done is None else f"{100 * done:3.0f} % "
        print(f"{share}{text}", file=sys.stderr)

    def phase(self, name: str) -> None:
        """Measure nothing."""

    def stop_requested(self) -> bool:
        """Never; Ctrl-C ends the program."""
        return False


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0 for a suite, 1 for a reason why there is none."""
    given = _parser().parse_args(arguments)
    try:
        result = write_tests(_request(given), find_sandbox(), Progress())
    except (CannotTest, NoIsolation) as problem:
        print(problem, file=sys.stderr)
        return 1
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(result.source, encoding="utf-8", errors="surrogatepass")
    print(_json(result) if given.json else _summary(result, is_shown=not given.out))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m engines.testing", description=__doc__)
    parser.add_argument("path", help="the Python file, relative to the root")
    parser.add_argument("--root", type=Path, default=Path.cwd(), help="the checkout")
    parser.add_argument("--symbol", help="only this function, class or method: Stack.push")
    parser.add_argument("--cpu-seconds", type=float, default=8.0, help="budget of the search")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--style", type=Style, choices=list(Style), default=Style.PYTEST)
    parser.add_argument("--json", action="store_true", help="the whole result as JSON")
    parser.add_argument("--out", type=Path, help="write the test file here")
    return parser


def _request(given: argparse.Namespace) -> TestingRequest:
    return TestingRequest(
        root=given.root,
        path=given.path,
        symbol=given.symbol,
        style=given.style,
        cpu_s=given.cpu_seconds,
        seed=given.seed,
    )


def _json(result: TestingResult) -> str:
    return json.dumps(dataclasses.asdict(result), indent=2)


def _summary(result: TestingResult, *, is_shown: bool) -> str:
    lines = [result.source] if is_shown else []
    lines.append(
        f"{result.passed} of {result.tests} tests of {result.module} pass, for {result.test_path}; "
        f"lines {_percent(result.before, result.after, 'line')}, "
        f"branches {_percent(result.before, result.after, 'branch')}; "
        f"{result.candidates:,} calls tried in {result.search_cpu_s:.1f} CPU s; "
        f"sandbox: {result.rung}"
    )
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


if __name__ == "__main__":
    sys.exit(main())
