"""How near the device's bandwidth decoding comes, and how many requests a second keep a latency."""

# pyright: reportUnknownMemberType=false

import time
from itertools import pairwise
from statistics import median
from typing import Any

import torch

from engines.generation.batching.local import LocalModel
from engines.generation.batching.stream import Stream
from tests.benchmarks.machine import percentile
from tests.benchmarks.serving import ours
from tests.benchmarks.serving.asked import Asked
from tests.benchmarks.serving.measures.steps import StepClock
from tests.benchmarks.serving.served import peak_mb
from tests.benchmarks.serving.workload import Job, cut, seeded, source_tokens

_BATCH, _DECODING_PROMPT, _DECODED = 32, 128, 200
_PROMPT, _SHARED, _ANSWER, _PREFIXES = 300, 210, 48, 8
_SECONDS, _TRIALS = 12.0, 8
_COPIED_BYTES = {"cpu": 1 << 28, "cuda": 1 << 32}


def measure(asked: Asked) -> dict[str, Any]:
    """Bandwidth by a copy; the share of it that decoding uses; the highest rate that holds."""
    bandwidth = _bandwidth(asked)
    with ours.opened(asked) as backend:
        batch, step_s, read_bytes = _decoding(backend, asked)
        rate, p95_s = _highest_rate(backend, asked)
        stats = backend.stats()
    return {
        "bandwidth": bandwidth,
        "batch": batch,
        "step_s": step_s,
        "roofline_share": read_bytes / step_s / bandwidth,
        "rate": rate,
        "p95_s": p95_s,
        "memory_bytes": stats.memory_bytes,
        "peak_mb": peak_mb(cuda=asked.cuda),
    }


def _bandwidth(asked: Asked) -> float:
    """Bytes read and written per second by a copy within the device's memory."""
    source = torch.empty(_COPIED_BYTES[asked.device], dtype=torch.uint8, device=asked.device)
    target = torch.empty_like(source)
    seconds = list[float]()
    for _ in range(10):
        began = time.perf_counter()
        target.copy_(source)
        if asked.cuda:
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - began)
    return 2 * source.numel() / min(seconds)


def _decoding(backend: LocalModel, asked: Asked) -> tuple[int, float, float]:
    """Requests in the batch, the median step that decodes them, and the bytes it has to read.

    Noise ends a text now and then, so the batch is the size that most steps had.
    """
    rng, tokens = seeded(asked.seed), source_tokens(asked.folder)
    clock = StepClock(backend)
    jobs = [Job(cut(tokens, _DECODING_PROMPT, rng), _DECODED) for _ in range(_BATCH)]
    ours.serve(backend, jobs, streaming=False)
    steps: dict[int, list[float]] = {}
    for (before, running), (after, still) in pairwise(clock.ended_s[_BATCH:]):
        if running == still:
            steps.setdefault(running, []).append(after - before)
    batch = max(steps, key=lambda size: len(steps[size]))
    context = batch * (_DECODING_PROMPT + _DECODED / 2)
    network = backend.network
    read_bytes = network.weight_bytes + context * network.shape.token_bytes
    return batch, median(steps[batch]), read_bytes


def _highest_rate(backend: LocalModel, asked: Asked) -> tuple[float, float]:
    """Doubled while it holds, then halved in; the highest that held, and its p95."""
    low, low_p95, high, rate = 0.0, 0.0, 0.0, 4.0
    for turn in range(_TRIALS):
        p95 = _p95_s(backend, asked, rate, seed=asked.seed + turn)
        if p95 <= asked.slo_s:
            low, low_p95 = rate, p95
        else:
            high = rate
        rate = 2 * low if not high else (low + high) / 2
    return low, low_p95


def _p95_s(backend: LocalModel, asked: Asked, rate: float, *, seed: int) -> float:
    """Requests that come as a Poisson process, whatever became of those before."""
    rng, tokens = seeded(seed), source_tokens(asked.folder)
    prefixes = [cut(tokens, _SHARED, rng) for _ in range(_PREFIXES)]
    streams, began, due = list[Stream](), time.perf_counter(), 0.0
    while (due := due + rng.expovariate(rate)) < _SECONDS:
        prompt = rng.choice(prefixes) + cut(tokens, _PROMPT - _SHARED, rng)
        time.sleep(max(0.0, began + due - time.perf_counter()))
        streams.append(ours.submit(backend, Job(prompt, _ANSWER)))
    return percentile([stream.written().usage.total_s for stream in streams], 0.95)
