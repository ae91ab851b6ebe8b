"""Rows of figures, and what they sum up to."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tests.benchmarks.testing.judge import Judgement, Reached
from tests.benchmarks.testing.makers import Made

_HEAD = (
    f"{'module':28}{'tool':14}{'floor':>6}{'line':>7}{'branch':>7}{'killed':>8}{'tests':>6}"
    f"{'steady':>7}{'xfail':>6}{'empty':>6}{'type':>5}{'lines':>7}{'CPU s':>7}{'calls/s':>9}"
)


@dataclass(frozen=True)
class Row:
    """One tool on one module."""

    module: str
    tool: str
    floor: Reached
    made: Made
    judged: Judgement

    @property
    def calls_per_cpu_s(self) -> float | None:
        """Executions per CPU second of search, where the tool tells."""
        seconds = self.made.details.get("seconds", {})
        calls, cpu_s = self.made.details.get("calls"), seconds.get("search_cpu")
        return calls / cpu_s if calls and cpu_s else None

    def as_json(self) -> dict[str, Any]:
        """Everything but the paths and the covered lines."""
        made, judged = asdict(self.made), asdict(self.judged)
        del made["files"]
        floor = {
            "line_percent": self.floor.line_percent,
            "branch_percent": self.floor.branch_percent,
        }
        return {"module": self.module, "tool": self.tool, "floor": floor, **made, **judged}


def head() -> str:
    """The table's first line."""
    return _HEAD


def line(row: Row) -> str:
    """The table's line for a row."""
    judged, calls = row.judged, row.calls_per_cpu_s
    text = (
        f"{row.module:28}{row.tool:14}{row.floor.line_percent:6.1f}{judged.line_percent:7.1f}"
        f"{judged.branch_percent:7.1f}{judged.killed:5}/{judged.mutants:2}{judged.tests:6}"
        f"{judged.steady:7}{judged.xfailed:6}{judged.unchecked:6}{judged.of_type:5}{judged.lines:7}"
        f"{row.made.cpu_s:7.1f}{calls or 0:9,.0f}"
    )
    return f"{text}  {row.made.problem}".rstrip()


def summary(tool: str, rows: Sequence[Row]) -> str:
    """Means, medians and shares over the modules."""
    judged = [row.judged for row in rows]
    tests, passed = sum(one.tests for one in judged), sum(one.passed for one in judged)
    scores = [one.killed / one.mutants for one in judged if one.mutants]
    lengths = [one.lines for one in judged]
    rates = [rate for row in rows if (rate := row.calls_per_cpu_s)]
    costs = [row.made.cpu_s for row in rows]
    usable = sum(1 for one in judged if one.passed)
    unchecked = _share(sum(one.unchecked for one in judged), passed)
    of_type = _share(sum(one.of_type for one in judged), passed)
    parts = [
        f"{tool}: {usable} of {len(rows)} modules with a passing test",
        f"lines, %: {_middle([one.line_percent for one in judged], '.1f')}",
        f"branches, %: {_middle([one.branch_percent for one in judged], '.1f')}",
        f"mutation score: {_middle(scores, '.2f')}",
        f"{tests} tests, {_share(sum(one.steady for one in judged), tests)} pass everywhere",
        f"{_share(sum(one.xfailed for one in judged), tests)} of them are expected to fail",
        f"{unchecked} of those that pass check nothing, {of_type} no more than a type",
        f"lines of test code: {_middle(lengths, '.0f')}, most {max(lengths, default=0)}",
        f"longest file: {max((one.longest_file for one in judged), default=0)} lines",
        f"CPU s all told: {_middle(costs, '.1f')}, most {max(costs, default=0):.1f}",
    ]
    if rates:
        parts.append(f"executions per CPU s of search: median {statistics.median(rates):,.0f}")
    return "\n    ".join(parts)


def _middle(values: Sequence[float], form: str) -> str:
    if not values:
        return "-"
    return f"mean {statistics.mean(values):{form}}, median {statistics.median(values):{form}}"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"
