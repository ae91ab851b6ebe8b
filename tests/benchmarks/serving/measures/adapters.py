"""An adapter that is replaced while requests run under it."""

# pyright: reportUnknownMemberType=false

import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model

from engines.generation.batching.stream import Stream
from engines.generation.types import Finish
from tests.benchmarks.serving import library, ours
from tests.benchmarks.serving.asked import Asked
from tests.benchmarks.serving.shapes import load
from tests.benchmarks.serving.workload import Job, cut, seeded, source_tokens

_REQUESTS = 32
_SWAPS = 5


def measure(asked: Asked) -> dict[str, Any]:
    """Load, replace under load, and compare each answer with peft's under the same adapter."""
    with TemporaryDirectory() as folder:
        adapters = [_made(asked, Path(folder) / str(seed), seed) for seed in range(_SWAPS + 1)]
        return _swapped(asked, adapters)


def _made(asked: Asked, folder: Path, seed: int) -> Path:
    """With random weights large enough to change what is written."""
    torch.manual_seed(seed)
    config = LoraConfig(
        task_type="CAUSAL_LM", r=8, target_modules="all-linear", init_lora_weights=False
    )
    get_peft_model(load(asked.folder, asked.device), config).save_pretrained(str(folder))
    return folder


def _swapped(asked: Asked, adapters: Sequence[Path]) -> dict[str, Any]:
    jobs = _jobs(asked)
    rounds = list[list[Stream]]()
    seconds = list[float]()
    with ours.opened(asked) as backend:
        backend.add_adapter("team", adapters[0])
        rounds.append([ours.submit(backend, job) for job in jobs])
        for folder in adapters[1:]:
            _until_half_written(rounds[-1])
            began = time.perf_counter()
            backend.add_adapter("team", folder)
            seconds.append(time.perf_counter() - began)
            rounds.append([ours.submit(backend, job) for job in jobs])
        ended = [[stream.written() for stream in streams] for streams in rounds]
    whole = (Finish.STOP, Finish.LENGTH)
    dropped = sum(one.finish not in whole for written in ended for one in written)
    answers = [[tuple(one.written_tokens()) for one in streams] for streams in rounds]
    return {
        "swap_s": seconds,
        "requests": len(rounds) * len(jobs),
        "dropped": dropped,
        **_compared(asked, adapters, jobs, answers),
    }


def _jobs(asked: Asked) -> list[Job]:
    """They begin alike, so that the prefix cache has what must not be used after a swap."""
    rng, tokens = seeded(asked.seed), source_tokens(asked.folder)
    prefix = cut(tokens, 128, rng)
    return [
        Job(prefix + cut(tokens, rng.randint(1, 24), rng), rng.randint(8, 24), adapter="team")
        for _ in range(_REQUESTS)
    ]


def _until_half_written(streams: Sequence[Stream]) -> None:
    while sum(bool(stream.written_tokens()) for stream in streams) < len(streams) // 2:
        time.sleep(0.001)


def _compared(
    asked: Asked,
    adapters: Sequence[Path],
    jobs: Sequence[Job],
    answers: Sequence[Sequence[tuple[int, ...]]],
) -> dict[str, int]:
    """Answers that are their adapter's own; those that are the one's before, and so are stale."""
    own = stale = 0
    before: list[tuple[int, ...]] = []
    for folder, written in zip(adapters, answers, strict=True):
        model: Any = PeftModel.from_pretrained(load(asked.folder, asked.device), folder).eval()
        expected = [library.generate(model, job) for job in jobs]
        own += sum(left == right for left, right in zip(expected, written, strict=True))
        stale += sum(
            answer != right and answer == old
            for answer, right, old in zip(written, expected, before, strict=False)
        )
        before = expected
    return {"own": own, "stale": stale}
