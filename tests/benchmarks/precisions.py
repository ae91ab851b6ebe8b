"""What a precision costs and saves: `python -m tests.benchmarks.precisions`, on a CPU, one thread.

A small model learns the standard library for some steps (random weights alone say little about
rounding), or `--folder` names one. Then it is served in each precision by the engine: CPU seconds,
bytes of weights, and how far its logits are from those of float32 on source it has not learnt.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# torch and transformers are typed in part.

import argparse
import json
import sysconfig
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import AutoTokenizer

from engines.generation.batching.local import LocalModel
from engines.generation.batching.network import load_model
from engines.generation.batching.settings import LocalSettings, Precision
from engines.generation.tiny import make_tiny
from engines.generation.training.engine import train
from engines.generation.training.types import Text, TrainingPlan
from engines.generation.types import ModelRequest
from engines.watch import Unwatched
from tests.benchmarks.machine import machine

PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16", "int8", "int4")
_PROMPT_TOKENS = 64
_WRITTEN_TOKENS = 48
_SEEN_TOKENS = 256
"""Of one held-out text."""
_LEARNT = slice(0, 160)
_HELD_OUT = slice(160, 164)
_ROUNDS = 4
_CPU = torch.device("cpu")


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--hidden", type=int, default=512)
    parser.add_argument("--layers", type=int, default=4)
    given = parser.parse_args()
    print(machine("torch", "transformers"), flush=True)
    torch.set_num_threads(1)
    with TemporaryDirectory() as place:
        folder = given.folder or _learnt(Path(place), given)
        held_out = _held_out(folder)
        exact = _logits(folder, "float32", held_out)
        served = _served(folder)
        for precision in PRECISIONS:
            figures = {**served[precision], **_errors(folder, precision, held_out, exact)}
            print(json.dumps({"precision": precision, **figures}), flush=True)


def _learnt(place: Path, given: argparse.Namespace) -> Path:
    base = make_tiny(place / "base", layers=given.layers, hidden=given.hidden, vocabulary=4096)
    examples = tuple(Text(path.read_text(errors="replace")) for path in _sources()[_LEARNT])
    plan = TrainingPlan(
        base, place / "learnt", examples, steps=given.steps, sequence_tokens=256,
        learning_rate=1e-3, warmup_steps=given.steps // 10, packing=True,
    )  # fmt: skip
    return train(plan, Unwatched()).folder


def _sources() -> list[Path]:
    found = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    Random(1).shuffle(found)  # noqa: S311 - seeded
    return found


def _held_out(folder: Path) -> Tensor:
    """[texts, tokens]."""
    tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    texts = [path.read_text(errors="replace") for path in _sources()[_HELD_OUT]]
    return torch.tensor([tokenizer(text)["input_ids"][:_SEEN_TOKENS] for text in texts])


def _settings(folder: Path, precision: Precision) -> LocalSettings:
    return LocalSettings("bench", str(folder), precision=precision, memory_gb=1.0)


def _served(folder: Path) -> dict[str, dict[str, float]]:
    """Weights, and tokens per CPU second for one request and for 16 at once: the best of some
    rounds, in which all take turns.
    """
    models = {each: LocalModel(_settings(folder, each)) for each in PRECISIONS}
    figures: dict[str, dict[str, float]] = {
        each: {"weights_mb": model.network.weight_bytes / 1e6} for each, model in models.items()
    }
    for turn in range(_ROUNDS):
        for precision, model in models.items():
            for count in (1, 16):
                name, speed = f"tokens_per_cpu_s_at_{count}", round(_speed(model, count, turn))
                figures[precision][name] = max(speed, figures[precision].get(name, 0))
    for model in models.values():
        model.close()
    return figures


def _speed(model: LocalModel, count: int, turn: int) -> float:
    chance = Random(f"{count} {turn}")  # noqa: S311 - seeded; no prompt comes twice and is cached
    prompts = [[chance.randrange(300, 4000) for _ in range(_PROMPT_TOKENS)] for _ in range(count)]
    began = time.process_time()
    request = ModelRequest((), max_tokens=_WRITTEN_TOKENS)
    streams = [model.submit_tokens(prompt, request) for prompt in prompts]
    written = sum(stream.written().usage.written_tokens for stream in streams)
    return written / (time.process_time() - began)


def _logits(folder: Path, precision: Precision, texts: Tensor) -> Tensor:
    model = load_model(_settings(folder, precision), _CPU).eval()
    with torch.inference_mode():
        return model(texts).logits.float()


def _errors(
    folder: Path, precision: Precision, texts: Tensor, exact: Tensor
) -> dict[str, float | Sequence[int]]:
    """Against float32, over all positions of the held-out texts."""
    logits = _logits(folder, precision, texts)
    off = (logits - exact).abs()
    same = logits.argmax(-1) == exact.argmax(-1)
    loss = cross_entropy(logits[:, :-1].flatten(0, 1), texts[:, 1:].flatten())
    return {
        "positions": same.numel(),
        "logit_spread": round(float(exact.std()), 3),
        "max_error": round(float(off.max()), 4),
        "mean_error": round(float(off.mean()), 5),
        "same_first": round(float(same.float().mean()), 4),
        "loss": round(float(loss), 4),
    }


if __name__ == "__main__":
    main()
