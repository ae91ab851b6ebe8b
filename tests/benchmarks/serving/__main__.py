"""Serving: our engine beside what transformers offers, on the same weights and requests.

    python -m tests.benchmarks.serving --backend ours,transformers-cb,static,sequential
    python -m tests.benchmarks.serving --measure cancel,recovery --shape tiny
    python -m tests.benchmarks.serving --device cuda

Weights are random, in real shapes: they cost what trained ones do. On a CPU each backend has one
thread and is measured in CPU seconds of its process, latencies too, for the wall's say more of what
else the machine does; on a GPU in seconds of the wall. Each backend and each measure runs in a
process of its own, and one that fails is told of while the others run; ratios are between rounds of
one run.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

import torch

from engines.generation.batching.settings import Precision
from tests.benchmarks.machine import machine
from tests.benchmarks.serving.asked import Asked
from tests.benchmarks.serving.plan import MEASURES, Plan, Planned
from tests.benchmarks.serving.shapes import SHAPES
from tests.benchmarks.serving.throughput_table import BACKENDS


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the figures and a verdict for each goal; 1 if one is missed or has none."""
    given = _parser().parse_args(arguments)
    device: str = given.device or ("cuda" if torch.cuda.is_available() else "cpu")
    if device == "cuda" and not torch.cuda.is_available():
        print("there is no CUDA device here: nothing was measured", file=sys.stderr)
        return 2
    print(machine("torch", "transformers", "xgrammar", "peft"), flush=True)
    with tempfile.TemporaryDirectory(prefix="serving") as folder:
        plan = Plan(Path(folder), _planned(given, device == "cuda"), given.json)
        found = plan.run(_asked(given, device), given.measure)
    print("\n" + "\n".join(one.line() for one in found))
    return int(any(one.reached is False for one in found))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.serving",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--backend", type=_choice(BACKENDS), default=BACKENDS, help=",".join(BACKENDS))
    add("--measure", type=_choice(MEASURES), help=f"of {','.join(MEASURES)}; by default all")
    add("--shape", choices=SHAPES, help="by default small; on CUDA 1.5b where speed is measured")
    add("--device", choices=("cpu", "cuda"), help="by default CUDA where it is")
    add("--precision", choices=get_args(Precision), help="of our weights")
    add("--graphs", action=argparse.BooleanOptionalAction, help="of CUDA; by default on there")
    add("--requests", type=int, default=64)
    add("--rounds", type=int, help="of throughput; each backend's quickest counts")
    add("--exact-requests", type=int, help="by default 1000, on CUDA 100")
    add("--cancels", type=int, help="by default 10000, on CUDA 2000")
    add("--hang-s", type=float, default=20.0, help="the engine's own limit for a step")
    add("--slo-ms", type=float, default=800.0)
    add("--trials", type=int, default=7, help="rates at which that is tried")
    add("--trial-s", type=float, default=8.0, help="how long each")
    add("--budget-s", type=float, help="no measure begins later; by default 420 on CUDA")
    add("--seed", type=int, default=1)
    add("--json", type=Path, help="write all figures here, after each measure")
    return parser


def _asked(given: argparse.Namespace, device: str) -> Asked:
    is_cuda = device == "cuda"
    asked = Asked(
        folder="",
        shape=given.shape or "small",
        device=device,
        seed=given.seed,
        requests=given.requests,
        exact_requests=given.exact_requests or (100 if is_cuda else 1000),
        cancels=given.cancels or (2000 if is_cuda else 10_000),
        hang_s=given.hang_s,
        slo_s=given.slo_ms / 1000,
        trials=given.trials,
        trial_s=given.trial_s,
        precision=given.precision,
        graphs=is_cuda if given.graphs is None else given.graphs,
    )
    return replace(asked, timeout_s=180.0) if is_cuda else asked


def _planned(given: argparse.Namespace, is_cuda: bool) -> Planned:  # noqa: FBT001
    return Planned(
        backends=given.backend,
        rounds=given.rounds or (1 if is_cuda else 2),
        budget_s=given.budget_s or (420.0 if is_cuda else float("inf")),
        shape=given.shape,
    )


def _choice(known: Sequence[str]) -> Callable[[str], list[str]]:
    def chosen(text: str) -> list[str]:
        names = text.split(",")
        if unknown := set(names) - set(known):
            raise argparse.ArgumentTypeError(f"not one of {known}: {', '.join(sorted(unknown))}")
        return names

    return chosen


if __name__ == "__main__":
    sys.exit(main())
