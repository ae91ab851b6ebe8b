"""What transformers itself offers: one by one, a padded batch, and its continuous batching."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# torch and transformers are typed in part.

import logging
from collections.abc import Sequence
from typing import Any

import torch
from transformers import GenerationConfig
from transformers.generation.configuration_utils import ContinuousBatchingConfig

from tests.benchmarks.serving.asked import Asked
from tests.benchmarks.serving.served import Clock, Ran, Served, metered, peak_mb
from tests.benchmarks.serving.shapes import load
from tests.benchmarks.serving.workload import Job

_PAGE = 256
"""Tokens of one block of the library's cache, its default."""
_STEP_TOKENS = {"cpu": 256, "cuda": 4096}
"""Computed in one step at most. On a CPU it matters little: 256 to 1024 are within a tenth."""
_TIMEOUT_S = 600.0
_ONE_BY_ONE = {"cuda": 12}


class FirstToken:
    """A streamer that notes when the first token came."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.first_s = 0.0
        self._puts = 0

    def put(self, value: Any) -> None:
        """The prompt comes first, then each token."""
        del value
        self._puts += 1
        if self._puts == 2:
            self.first_s = self._clock.now_s()

    def end(self) -> None:
        """Nothing to do."""


def until_end(tokens: Sequence[int], model: Any, max_tokens: int) -> tuple[int, ...]:
    """The tokens up to the first that ends a text, it included, `max_tokens` at most."""
    end: int = model.generation_config.eos_token_id
    kept = tuple(tokens[:max_tokens])
    return kept[: kept.index(end) + 1] if end in kept else kept


def generate(model: Any, job: Job, streamer: FirstToken | None = None) -> tuple[int, ...]:
    """One greedy answer."""
    ids = torch.tensor([job.prompt], device=model.device)
    output = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=job.max_tokens,
        do_sample=False,
        streamer=streamer,
    )
    return until_end(output[0, ids.shape[1] :].tolist(), model, job.max_tokens)


def sequential(asked: Asked, jobs: Sequence[Job]) -> Ran:
    """`generate`, one request after the other; on a GPU, where each takes a second and more, of a
    few only.
    """
    jobs = jobs[: _ONE_BY_ONE.get(asked.device)]
    model = load(asked.folder, asked.device)
    generate(model, jobs[0])
    served = list[Served]()
    with metered(cuda=asked.cuda) as meter:
        clock = Clock()
        for job in jobs:
            noted = FirstToken(clock)
            tokens = generate(model, job, noted)
            served.append(Served(tokens, noted.first_s, clock.now_s()))
    return Ran(served, meter, peak_mb(cuda=asked.cuda))


def static(asked: Asked, jobs: Sequence[Job]) -> Ran:
    """`generate` on all requests as one padded batch, which ends when the longest does."""
    model = load(asked.folder, asked.device)
    generate(model, jobs[0])
    width = max(len(job.prompt) for job in jobs)
    pad: int = model.generation_config.pad_token_id
    rows = [[pad] * (width - len(job.prompt)) + list(job.prompt) for job in jobs]
    seen = [[0] * (width - len(job.prompt)) + [1] * len(job.prompt) for job in jobs]
    with metered(cuda=asked.cuda) as meter:
        clock = Clock()
        noted = FirstToken(clock)
        output = model.generate(
            torch.tensor(rows, device=model.device),
            attention_mask=torch.tensor(seen, device=model.device),
            max_new_tokens=max(job.max_tokens for job in jobs),
            do_sample=False,
            streamer=noted,
        )
        written: list[list[int]] = output[:, width:].tolist()
        ended = clock.now_s()
    served = [
        Served(until_end(tokens, model, job.max_tokens), noted.first_s, ended)
        for tokens, job in zip(written, jobs, strict=True)
    ]
    return Ran(served, meter, peak_mb(cuda=asked.cuda))


def continuous(asked: Asked, jobs: Sequence[Job]) -> Ran:
    """The library's continuous batching, plain: no grammar, no stop strings, no streaming."""
    logging.getLogger("ContinuousBatchingLogger").setLevel(logging.ERROR)
    model = load(asked.folder, asked.device)
    longest = max(len(job.prompt) + job.max_tokens for job in jobs)
    config = ContinuousBatchingConfig(
        page_size=_PAGE,
        num_blocks=len(jobs) * -(-longest // _PAGE) + 8,
        max_batch_tokens=_STEP_TOKENS[asked.device],
    )
    settings = GenerationConfig(
        do_sample=False,
        eos_token_id=model.generation_config.eos_token_id,
        pad_token_id=model.generation_config.pad_token_id,
        max_new_tokens=128,
    )
    with model.continuous_batching_context_manager(
        generation_config=settings, continuous_batching_config=config
    ) as manager:
        _served_by(manager, [Job(jobs[0].prompt[::-1], 4)])
        with metered(cuda=asked.cuda) as meter:
            served = _served_by(manager, jobs)
    return Ran(served, meter, peak_mb(cuda=asked.cuda))


def _served_by(manager: Any, jobs: Sequence[Job]) -> list[Served]:
    clock = Clock()
    indices = {
        manager.add_request(
            list(job.prompt), max_new_tokens=job.max_tokens, record_timestamps=True
        ): index
        for index, job in enumerate(jobs)
    }
    served: dict[int, Served] = {}
    while len(served) < len(jobs):
        result = manager.get_result(timeout=_TIMEOUT_S)
        if result is None or result.error:
            raise RuntimeError(f"transformers' continuous batching failed: {result}")
        tokens, times = tuple(result.generated_tokens), result.timestamps
        index = indices[result.request_id]
        served[index] = Served(tokens, times[0] - clock.began, times[-1] - clock.began)
    return [served[index] for index in range(len(jobs))]
