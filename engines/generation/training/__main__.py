"""`python -m engines.generation.training`: train a model on this machine, without the bot.

The examples are JSON lines, {"text": …} or {"prompt": …, "answer": …}, where a prompt is a text or
a list of {"role": …, "text": …}; any other file is one text, and a folder all its files. Ctrl-C
stops with a checkpoint, from which --resume goes on.
"""

import argparse
import json
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from engines.generation.training.engine import train
from engines.generation.training.types import (
    Answer,
    Example,
    Lora,
    PlanRefused,
    Text,
    TrainingFailed,
    TrainingPlan,
)
from engines.generation.types import Message
from engines.watch import Stopped


class Terminal:
    """A watch that writes to standard error and stops at Ctrl-C."""

    def __init__(self) -> None:
        self._stopped = False
        signal.signal(signal.SIGINT, self._stop)

    def report(self, text: str, done: float | None = None) -> None:
        """One line per report."""
        share = "" if done is None else f"{100 * done:3.0f} % "
        print(f"{share}{text}", file=sys.stderr)

    def phase(self, name: str) -> None:
        """Measure nothing."""

    def draft(self, text: str) -> None:
        """Ignore it: a training writes none."""

    def stop_requested(self) -> bool:
        """Whether Ctrl-C was pressed."""
        return self._stopped

    def _stop(self, number: int, frame: object) -> None:
        del number, frame
        self._stopped = True


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one plan; 0 when it is done, 1 for a reason why not, 130 when it was stopped."""
    given = _parser().parse_args(arguments)
    torch.set_num_threads(given.threads)
    try:
        result = train(_plan(given), Terminal())
    except (PlanRefused, TrainingFailed) as problem:
        print(problem, file=sys.stderr)
        return 1
    except Stopped:
        print("stopped; --resume goes on", file=sys.stderr)
        return 128 + signal.SIGINT
    print(f"{result.folder}: {result.digest}")
    print(f"{result.precision} on {result.device}; {result.cut_examples} examples were cut")
    print(f"training loss {result.losses[0].loss:.4f} -> {result.losses[-1].loss:.4f}")
    if result.held_out:
        print(f"held out {result.held_out[0].loss:.4f} -> {result.held_out[-1].loss:.4f}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m engines.generation.training", description=__doc__
    )
    add = parser.add_argument
    add("--base", type=Path, required=True, help="a folder with a model and its tokenizer")
    add("--output", type=Path, required=True, help="a folder; made where it is missing")
    add("--examples", type=Path, nargs="+", required=True, metavar="PATH")
    add("--held-out", type=Path, nargs="+", default=[], metavar="PATH")
    add("--steps", type=int, required=True)
    add("--lora-rank", type=int, default=0, help="0 trains all weights")
    add("--lora-dropout", type=float, default=Lora.dropout)
    add("--packing", action="store_true", help="several examples fill one sequence")
    add("--resume", action="store_true")
    add("--threads", type=int, default=1, help="of the CPU")
    for name in ("batch_size", "accumulation", "sequence_tokens", "warmup_steps", "seed"):
        add(f"--{name.replace('_', '-')}", type=int, default=getattr(TrainingPlan, name))
    for name in ("evaluate_every", "checkpoint_every"):
        add(f"--{name.replace('_', '-')}", type=int, default=getattr(TrainingPlan, name))
    for name in ("learning_rate", "weight_decay", "clip_norm"):
        add(f"--{name.replace('_', '-')}", type=float, default=getattr(TrainingPlan, name))
    return parser


def _plan(given: argparse.Namespace) -> TrainingPlan:
    of_the_plan = (set(TrainingPlan.__dataclass_fields__) & set(vars(given))) - {
        "examples",
        "held_out",
    }
    rank = given.lora_rank
    return TrainingPlan(
        examples=tuple(_examples(given.examples)),
        held_out=tuple(_examples(given.held_out)),
        lora=Lora(rank=rank, alpha=2.0 * rank, dropout=given.lora_dropout) if rank else None,
        **{name: getattr(given, name) for name in of_the_plan},
    )


def _examples(paths: Sequence[Path]) -> Iterator[Example]:
    for path in paths:
        if path.is_dir():
            yield from _examples(sorted(one for one in path.rglob("*") if one.is_file()))
        elif path.suffix == ".jsonl":
            for line in path.read_text().splitlines():
                yield _example(json.loads(line))
        else:
            yield Text(path.read_text(errors="replace"))


def _example(written: dict[str, Any]) -> Example:
    if "text" in written:
        return Text(written["text"])
    prompt = written["prompt"]
    if isinstance(prompt, str):
        return Answer(prompt, written["answer"])
    return Answer(tuple(Message(**turn) for turn in prompt), written["answer"])


if __name__ == "__main__":
    sys.exit(main())
