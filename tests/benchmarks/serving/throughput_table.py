"""The backends beside each other: a table, and figures of those that gave some."""

import sys
from collections.abc import Sequence
from itertools import starmap
from operator import eq

from tests.benchmarks.serving.asked import Asked
from tests.benchmarks.serving.part import PartFailed, run_part
from tests.benchmarks.serving.verdicts import Figures

BACKENDS = ("ours", "sequential", "static", "transformers-cb")
_HEAD = (
    f"{'backend':18}{'tokens':>8}{'CPU s':>8}{'wall s':>8}{'tok/CPU s':>10}{'tok/s':>8}"
    f"{'p50 s':>8}{'p95 s':>8}{'p50 CPU':>8}{'p95 CPU':>8}{'first p50':>10}{'as seq.':>9}"
)


def throughput(asked: Asked, backends: Sequence[str], rounds: int) -> dict[str, list[Figures]]:
    """Each backend's rounds, in turns.

    Raises:
        PartFailed: None of them gave figures.
    """
    found: dict[str, list[Figures]] = {}
    for _ in range(rounds):
        for name in (one for backend in backends for one in _variants(backend)):
            try:
                found.setdefault(name, []).append(run_part("throughput", asked, backend=name))
            except PartFailed as problem:
                print(problem, file=sys.stderr, flush=True)
    found = {name: runs for name, runs in found.items() if runs}
    if not found:
        raise PartFailed("throughput: no backend gave figures")
    _print(found)
    return {
        name: [{key: one[key] for key in one if key != "answers"} for one in runs]
        for name, runs in found.items()
    }


def _print(found: dict[str, list[Figures]]) -> None:
    print(_HEAD)
    right = found["sequential"][0]["answers"] if "sequential" in found else None
    for name, runs in found.items():
        for one in runs:
            print(_row(name, one, right), flush=True)


def _variants(backend: str) -> list[str]:
    """Ours is measured plain, and with stop strings, grammars on a quarter and streaming."""
    return ["ours", "ours-layers"] if backend == "ours" else [backend]


def _row(name: str, one: Figures, right: list[list[int]] | None) -> str:
    """Its last column: how many answers are token for token those of sequential `generate`, of
    those that it wrote.
    """
    same = "-"
    if right is not None:
        same = f"{sum(starmap(eq, zip(one['answers'], right, strict=False)))}/{len(right)}"
    return (
        f"{name:18}{one['tokens']:8}{one['cpu_s']:8.1f}{one['wall_s']:8.1f}"
        f"{one['tokens'] / one['cpu_s']:10.0f}{one['tokens'] / one['wall_s']:8.0f}"
        f"{one['p50_s']:8.2f}{one['p95_s']:8.2f}{one['p50_cpu_s']:8.2f}{one['p95_cpu_s']:8.2f}"
        f"{one['first_p50_s']:10.2f}{same:>9}"
    )
