"""Serving: our engine beside what transformers offers, on the same weights and requests.

    python -m tests.benchmarks.serving --backend ours,transformers-cb,static,sequential
    python -m tests.benchmarks.serving --measure cancel,recovery --shape tiny
    python -m tests.benchmarks.serving --device cuda --shape 1.5b --measure throughput,prefix,slo

Weights are random, in real shapes: they cost what trained ones do. On a CPU each backend has one
thread and is measured in CPU seconds of its process, latencies too, for the wall's say more of what
else the machine does; on a GPU in seconds of the wall. Each backend and each measure runs in a
process of its own; ratios are between rounds of one run.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from itertools import starmap
from operator import eq
from pathlib import Path
from typing import Any, cast

import torch

from tests.benchmarks.machine import machine
from tests.benchmarks.serving.asked import Asked
from tests.benchmarks.serving.part import PartFailed, run_part
from tests.benchmarks.serving.shapes import SHAPES, make
from tests.benchmarks.serving.verdicts import Figures, Verdict, of_measure

_BACKENDS = ("ours", "transformers-cb", "static", "sequential")
_MEASURES = (
    "throughput",
    "exactness",
    "grammar",
    "prefix",
    "cancel",
    "adapters",
    "recovery",
    "slo",
)
_ON_ASKING = ("slo",)
"""Measured on a CPU only when asked for: it says nothing about a GPU."""
_HEAD = (
    f"{'backend':18}{'tokens':>8}{'CPU s':>8}{'wall s':>8}{'tok/CPU s':>10}{'tok/s':>8}"
    f"{'p50 s':>8}{'p95 s':>8}{'p50 CPU':>8}{'p95 CPU':>8}{'first p50':>10}{'as seq.':>9}"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the figures and a verdict for each goal; 1 if one is missed or has none."""
    given = _parser().parse_args(arguments)
    device = given.device or ("cuda" if torch.cuda.is_available() else "cpu")
    print(machine("torch", "transformers", "xgrammar", "peft"))
    print(_device_line(device))
    with tempfile.TemporaryDirectory(prefix="serving") as folder:
        print(f"shape {given.shape}, random weights; seed {given.seed}; {given.requests} requests")
        model = make(given.shape, Path(folder) / given.shape, device)
        asked = Asked(
            folder=str(model),
            shape=given.shape,
            device=device,
            seed=given.seed,
            requests=given.requests,
            exact_requests=given.exact_requests,
            cancels=given.cancels,
            hang_s=given.hang_s,
            slo_s=given.slo_ms / 1000,
        )
        measures = given.measure or [
            one for one in _MEASURES if device == "cuda" or one not in _ON_ASKING
        ]
        figures, found = _all(asked, measures, given)
    print("\n" + "\n".join(one.line() for one in found))
    if given.json:
        given.json.write_text(json.dumps(figures, indent=1))
    return int(any(one.reached is False for one in found))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.serving",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--backend", type=_choice(_BACKENDS), default=_BACKENDS, help=",".join(_BACKENDS))
    add("--measure", type=_choice(_MEASURES), help=f"by default all: {','.join(_MEASURES)}")
    add("--shape", choices=SHAPES, default="small")
    add("--device", choices=("cpu", "cuda"), help="by default CUDA where it is")
    add("--requests", type=int, default=64)
    add("--rounds", type=int, default=2, help="of throughput; each backend's quickest counts")
    add("--exact-requests", type=int, default=1000)
    add("--cancels", type=int, default=10_000)
    add("--hang-s", type=float, default=20.0, help="the engine's own limit for a step")
    add("--slo-ms", type=float, default=800.0)
    add("--seed", type=int, default=1)
    add("--json", type=Path, help="write all figures here")
    return parser


def _choice(known: Sequence[str]) -> Callable[[str], list[str]]:
    def chosen(text: str) -> list[str]:
        names = text.split(",")
        if unknown := set(names) - set(known):
            raise argparse.ArgumentTypeError(f"not one of {known}: {', '.join(sorted(unknown))}")
        return names

    return chosen


def _device_line(device: str) -> str:
    if device == "cuda":
        card: Any = cast(Any, torch.cuda).get_device_properties(0)
        return f"on {card.name}, {card.total_memory / 1e9:.0f} GB; bfloat16; seconds of the wall"
    return f"on the CPU, 1 thread of {os.cpu_count()}; float32; CPU seconds of each process"


def _all(
    asked: Asked, measures: Sequence[str], given: argparse.Namespace
) -> tuple[dict[str, Any], list[Verdict]]:
    figures: dict[str, Any] = {}
    found = list[Verdict]()
    for name in measures:
        try:
            if name == "throughput":
                figures[name] = _throughput(asked, given.backend, given.rounds)
            else:
                figures[name] = run_part(name, asked)
                print(f"{name}: {json.dumps(figures[name])}", flush=True)
        except PartFailed as problem:
            print(problem, file=sys.stderr)
            found.append(Verdict(name, "no figures, it failed", reached=False))
        else:
            found += of_measure(
                name, figures[name], shape=asked.shape, cuda=asked.cuda, slo_s=asked.slo_s
            )
    return figures, found


def _throughput(asked: Asked, backends: Sequence[str], rounds: int) -> dict[str, list[Figures]]:
    names = [one for name in backends for one in _variants(name)]
    found: dict[str, list[Figures]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            found[name].append(run_part("throughput", asked, backend=name))
    print(_HEAD)
    right = found["sequential"][0]["answers"] if "sequential" in found else None
    for name in names:
        for one in found[name]:
            print(_row(name, one, right))
    for runs in found.values():
        for one in runs:
            del one["answers"]  # pyright: ignore[reportIndexIssue]
    return found


def _variants(backend: str) -> list[str]:
    """Ours is measured plain, and with stop strings, grammars on a quarter and streaming."""
    return ["ours", "ours-layers"] if backend == "ours" else [backend]


def _row(name: str, one: Figures, right: list[list[int]] | None) -> str:
    """Its last column: how many answers are token for token those of sequential `generate`."""
    same = "-" if right is None else str(sum(starmap(eq, zip(one["answers"], right, strict=True))))
    return (
        f"{name:18}{one['tokens']:8}{one['cpu_s']:8.1f}{one['wall_s']:8.1f}"
        f"{one['tokens'] / one['cpu_s']:10.0f}{one['tokens'] / one['wall_s']:8.0f}"
        f"{one['p50_s']:8.2f}{one['p95_s']:8.2f}{one['p50_cpu_s']:8.2f}{one['p95_cpu_s']:8.2f}"
        f"{one['first_p50_s']:10.2f}{same:>9}"
    )


if __name__ == "__main__":
    sys.exit(main())
