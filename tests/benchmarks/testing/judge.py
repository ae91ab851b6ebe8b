"""Judges a suite by running it: what passes, what it executes, what it notices.

Four runs in fresh processes: two in the file's order under the hash seeds 0 and 1, one in reverse
under a random one, one shuffled under another. Coverage is that of the tests that pass in the first two.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from tests.benchmarks.testing.confined import Ended, Limits, run
from tests.benchmarks.testing.mutants import Mutant
from tests.benchmarks.testing.subjects import Subject
from tests.benchmarks.testing.suites import Check, read

Answer = dict[str, Any]

_TRIAL = Path(__file__).with_name("trial.py")
_LIMITS = Limits(cpu_s=300, wall_s=900, memory_mb=2048)
_MUTANT_LIMITS = Limits(cpu_s=1200, wall_s=3600, memory_mb=2048)
_RUNS = (("0", 0), ("1", 0), ("random", -1), ("2", 1))


@dataclass(frozen=True)
class Reached:
    """Coverage by coverage.py in branch mode."""

    line_percent: float
    branch_percent: float
    lines: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Judgement:
    """What a suite is worth."""

    tests: int = 0
    passed: int = 0
    """In the file's order under two hash seeds."""
    steady: int = 0
    """Of all, those that pass in every run."""
    xfailed: int = 0
    unchecked: int = 0
    """Of those that pass, those that check nothing."""
    of_type: int = 0
    """Of those that pass, those that check no more than a type, or that there is something."""
    lines: int = 0
    longest_file: int = 0
    line_percent: float = 0.0
    branch_percent: float = 0.0
    mutants: int = 0
    killed: int = 0
    uncovered_mutants: int = 0
    unsteady_tests: tuple[str, ...] = ()
    survivors: tuple[str, ...] = ()


class Judge:
    """Judges suites for one module, all on the same mutants."""

    def __init__(self, subject: Subject, mutants: Sequence[Mutant], folder: Path) -> None:
        self._subject = subject
        self._mutants = mutants
        self._folder = folder
        self._count = 0
        self.floor = _reached(self._answer([], coverage=True))

    def judgement(self, files: Sequence[Path]) -> Judgement:
        """Run the files in every way; no files are no tests."""
        if not files:
            return Judgement(
                line_percent=self.floor.line_percent,
                branch_percent=self.floor.branch_percent,
                mutants=len(self._mutants),
                uncovered_mutants=len(self._mutants),
            )
        text = read(files)
        runs = [self._cases(files, hash_seed, order) for hash_seed, order in _RUNS]
        cases = {case for one in runs for case in one}
        passed = {case for case in cases if all(one.get(case) == "passed" for one in runs[:2])}
        steady = {case for case in passed if all(one.get(case) == "passed" for one in runs)}
        left_out = sorted(cases - passed)
        reached = self.floor
        if passed:
            answer = self._answer(files, coverage=True, left_out=left_out)
            reached = _reached(answer)
        noticed, uncovered = (
            self._noticed(files, left_out, reached) if passed else ({}, len(self._mutants))
        )
        return Judgement(
            tests=len(cases),
            passed=len(passed),
            steady=len(steady),
            xfailed=sum(outcome == "xfailed" for outcome in runs[0].values()),
            unchecked=text.count(passed, Check.NOTHING),
            of_type=text.count(passed, Check.TYPE),
            lines=text.lines,
            longest_file=text.longest_file,
            line_percent=reached.line_percent,
            branch_percent=reached.branch_percent,
            mutants=len(self._mutants),
            killed=sum(noticed.values()),
            uncovered_mutants=uncovered,
            unsteady_tests=tuple(sorted(cases - steady)),
            survivors=tuple(
                _described(one) for place, one in enumerate(self._mutants) if not noticed.get(place)
            ),
        )

    def _cases(self, files: Sequence[Path], hash_seed: str, order: int) -> dict[str, str]:
        answer = self._answer(files, order=order, hash_seed=hash_seed)
        return cast(dict[str, str], answer.get("cases", {}))

    def _answer(
        self, files: Sequence[Path], *, coverage: bool = False, order: int = 0,
        hash_seed: str = "0", left_out: Sequence[str] = (),
    ) -> Answer:  # fmt: skip
        covered = str(self._subject.copy / self._subject.path) if coverage else ""
        request = {"mode": "run", "covered": covered, "order": order, "left_out": list(left_out)}
        return self._tried(files, request, _LIMITS, hash_seed)

    def _noticed(
        self, files: Sequence[Path], left_out: Sequence[str], reached: Reached
    ) -> tuple[dict[int, bool], int]:
        """By place: whether a covered mutant makes the suite fail; and how many are not covered."""
        covered = [
            place
            for place, one in enumerate(self._mutants)
            if not one.statement_line or one.statement_line in reached.lines
        ]
        request = {
            "mode": "mutants",
            "mutants": [self._mutants[place].source for place in covered],
            "left_out": list(left_out),
            "cpu_s": 30,
        }
        answer = self._tried(files, request, _MUTANT_LIMITS, "0")
        noticed = cast(list[bool], answer.get("noticed", [False] * len(covered)))
        return dict(zip(covered, noticed, strict=True)), len(self._mutants) - len(covered)

    def _tried(
        self, files: Sequence[Path], request: Answer, limits: Limits, hash_seed: str
    ) -> Answer:
        self._count += 1
        folder = self._folder / f"trial{self._count}"
        folder.mkdir(parents=True)
        copies = [folder / one.name for one in files]
        for one, copied in zip(files, copies, strict=True):
            copied.write_bytes(one.read_bytes())
        asked, answered = folder / "request.json", folder / "answer.json"
        whole = request | {"module": self._subject.module, "files": [one.name for one in copies]}
        asked.write_text(json.dumps(whole))
        ended = run(
            [sys.executable, "-P", str(_TRIAL), str(asked), str(answered)],
            folder,
            limits,
            {"PYTHONPATH": self._subject.import_path, "PYTHONHASHSEED": hash_seed}
            | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            jailed=True,
        )
        return _read(answered, ended)


def _read(answered: Path, ended: Ended) -> Answer:
    """The answer; a run that did not live to give one has no passing test."""
    if not answered.is_file():
        return {"cases": {f"the run ended early ({ended.stopped or ended.code})": "failed"}}
    return cast(Answer, json.loads(answered.read_text()))


def _reached(answer: Answer) -> Reached:
    counts = cast(Answer, answer.get("coverage", {}))
    if not counts:
        return Reached(0.0, 0.0)
    summary = cast(dict[str, int], counts["summary"])
    branches = summary["num_branches"]
    return Reached(
        line_percent=100 * summary["covered_lines"] / (summary["num_statements"] or 1),
        branch_percent=100 * summary["covered_branches"] / branches if branches else 100.0,
        lines=frozenset(cast(list[int], counts["executed_lines"])),
    )


def _described(mutant: Mutant) -> str:
    return f"{mutant.line}: {mutant.kind}: {mutant.before} -> {mutant.after}"
