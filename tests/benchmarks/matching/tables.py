"""Figures as Markdown tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from engines.matching.metrics import (
    Floats,
    Interval,
    Summary,
    calibration_error,
    calibration_noise,
    difference,
    hits,
    pooled_difference,
    reciprocals,
    summary,
    top_people_share,
)
from engines.matching.protocol import Row
from tests.benchmarks.machine import percentile
from tests.benchmarks.matching.answers import Answers

Everybody = Mapping[str, Answers]
"""Answers by the method's name."""


@dataclass(frozen=True)
class Line:
    """One method on one repository."""

    method: str
    summary: Summary
    calibration: float | None
    """Error of the top-1 confidence over ten bins of equal width, on covered rows."""
    calibration_by_mass: float | None
    calibration_noise: float | None
    """What the first would be if every confidence were true."""
    busiest: float
    """Share of the recommendations that the three get who get most."""
    p50_ms: float | None
    p95_ms: float | None
    training_s: float
    against: Interval | None
    """The anchor's reciprocal ranks less this one's."""


def lines(everybody: Everybody, anchor: str, seed: int) -> list[Line]:
    """One for each method, in the order of their MRR."""
    best = reciprocals(everybody[anchor].rows)
    found: list[Line] = []
    for method, answers in everybody.items():
        sure, right = confident(answers.rows)
        theirs = reciprocals(answers.rows)
        has_pair = method != anchor and len(theirs) > 0
        found.append(
            Line(
                method=method,
                summary=summary(answers.rows),
                calibration=calibration_error(sure, right) if len(sure) else None,
                calibration_by_mass=(
                    calibration_error(sure, right, equal_mass=True) if len(sure) else None
                ),
                calibration_noise=calibration_noise(sure, seed) if len(sure) else None,
                busiest=top_people_share(answers.rows),
                p50_ms=percentile(answers.cpu_ms, 0.5) if answers.cpu_ms else None,
                p95_ms=percentile(answers.cpu_ms, 0.95) if answers.cpu_ms else None,
                training_s=answers.training_s,
                against=difference(best, theirs, seed) if has_pair else None,
            )
        )
    return sorted(found, key=lambda line: -line.summary.mrr)


def confident(rows: Sequence[Row]) -> tuple[Floats, Floats]:
    """Confidences of covered rows, and whether the first was right."""
    told = [row for row in rows if row.confidence is not None]
    covered = [row.confidence for row in told if row.covered and row.confidence is not None]
    return np.array(covered), hits(told)


def of_repository(found: Sequence[Line], anchor: str) -> str:
    """All methods on one repository."""
    head = (
        "| method | MRR | begins session | macro | macro top-3 | top-1 | top-3 | top-5 | ECE (if true) | "
        f"3 busiest | p50/p95 ms | training s | {anchor} is better by |"
    )
    table = [head, "|---|" + "---|" * 12]
    for line in found:
        one = line.summary
        tops = " | ".join(f"{top:.3f}" for top in one.top)
        has_ece = line.calibration is not None
        ece = f"{line.calibration:.3f} ({line.calibration_noise:.3f})" if has_ece else ""
        times = "" if line.p50_ms is None else f"{line.p50_ms:.1f}/{line.p95_ms:.1f}"
        training = f"{line.training_s:.1f}" if line.training_s else ""
        table.append(
            f"| {line.method} | {one.mrr:.3f} | {one.session_mrr:.3f} | {one.macro_mrr:.3f} | "
            f"{one.macro_top3:.3f} | {tops} | {ece} | {line.busiest:.2f} | {times} | {training} | "
            f"{'' if line.against is None else interval(line.against)} |"
        )
    return "\n".join(table)


def of_all(repositories: Sequence[Everybody], anchor: str, seed: int) -> str:
    """Means over repositories, of the methods that answered in each, with pooled intervals."""
    methods = [
        method
        for method in repositories[0]
        if all(method in everybody for everybody in repositories)
    ]
    table = [
        f"| method | MRR | macro | top-1 | top-3 | top-5 | {anchor} is better by |",
        "|---|---|---|---|---|---|---|",
    ]
    rows: list[tuple[float, str]] = []
    for method in methods:
        found = [summary(everybody[method].rows) for everybody in repositories]
        pairs = [
            (reciprocals(everybody[anchor].rows), reciprocals(everybody[method].rows))
            for everybody in repositories
        ]
        pooled = "" if method == anchor else interval(pooled_difference(pairs, seed))
        mrr = fmean(one.mrr for one in found)
        tops = " | ".join(f"{fmean(one.top[at] for one in found):.3f}" for at in range(3))
        macro = fmean(one.macro_mrr for one in found)
        rows.append((-mrr, f"| {method} | {mrr:.3f} | {macro:.3f} | {tops} | {pooled} |"))
    return "\n".join([*table, *(row for _, row in sorted(rows))])


def interval(one: Interval) -> str:
    """A mean and its interval."""
    return f"{one.mean:+.3f} [{one.low:+.3f}, {one.high:+.3f}]"
