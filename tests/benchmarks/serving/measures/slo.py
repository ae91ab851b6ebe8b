"""How many requests a second keep a latency, and in how much memory."""

# pyright: reportUnknownMemberType=false
# torch is typed in part.

import time
from collections.abc import Sequence
from typing import Any

import torch

from engines.generation.batching.local import LocalModel
from engines.generation.batching.stream import Stream
from engines.generation.types import ModelUnavailable
from tests.benchmarks.machine import percentile
from tests.benchmarks.serving import ours
from tests.benchmarks.serving.asked import Asked
from tests.benchmarks.serving.bandwidth import bandwidth
from tests.benchmarks.serving.served import peak_mb
from tests.benchmarks.serving.workload import Job, cut, seeded, source_tokens

_PROMPT, _SHARED, _ANSWER, _PREFIXES = 300, 210, 48, 8
_FIRST_RATE = {"cpu": 4.0, "cuda": 50.0}
_PLACES = {"cpu": 64, "cuda": 192}
"""A large card answers so quickly that it is the places that run out."""
_TOO_LATE = 2.0
"""Times the latency that must be kept: who waits so long shows that the rate does not hold."""
_LOOK_EVERY = 16


def measure(asked: Asked) -> dict[str, Any]:
    """Bandwidth by a copy, for scaling; each rate that was tried with its p95, None where it was
    given up; memory.
    """
    speed = bandwidth(asked)
    with ours.opened(asked, places=_PLACES[asked.device]) as backend:
        tokens = source_tokens(asked.folder)
        _p95_s(backend, asked, tokens, _FIRST_RATE[asked.device], seconds=2.0)  # warms up
        tried = _tried(backend, asked, tokens)
        stats = backend.stats()
        return {
            "bandwidth": speed,
            "tried": tried,
            "memory_bytes": stats.memory_bytes,
            "peak_mb": peak_mb(cuda=asked.cuda),
            "card_mb": _card_mb(asked),
        }


def _tried(
    backend: LocalModel, asked: Asked, tokens: Sequence[int]
) -> list[tuple[float, float | None]]:
    """Doubled while it holds, then halved in."""
    found = list[tuple[float, float | None]]()
    low, high, rate = 0.0, 0.0, _FIRST_RATE[asked.device]
    for _ in range(asked.trials):
        p95_s = _p95_s(backend, asked, tokens, rate, seconds=asked.trial_s)
        found.append((rate, p95_s))
        if p95_s is not None and p95_s <= asked.slo_s:
            low = rate
        else:
            high = rate
        rate = 2 * low if not high else (low + high) / 2
    return found


def _p95_s(
    backend: LocalModel, asked: Asked, tokens: Sequence[int], rate: float, *, seconds: float
) -> float | None:
    """Requests that come as a Poisson process, whatever became of those before; None where they
    come so much faster than they go that there is no end to it.
    """
    rng = seeded(asked.seed + int(rate))
    prefixes = [cut(tokens, _SHARED, rng) for _ in range(_PREFIXES)]
    streams, began, due = list[Stream](), time.perf_counter(), 0.0
    while (due := due + rng.expovariate(rate)) < seconds:
        prompt = rng.choice(prefixes) + cut(tokens, _PROMPT - _SHARED, rng)
        time.sleep(max(0.0, began + due - time.perf_counter()))
        if len(streams) % _LOOK_EVERY == 0 and _is_behind(backend, asked, rate):
            return _given_up(streams)
        try:
            streams.append(ours.submit(backend, Job(prompt, _ANSWER)))
        except ModelUnavailable:
            return _given_up(streams)
    if not streams:
        return None
    return percentile([stream.written().usage.total_s for stream in streams], 0.95)


def _is_behind(backend: LocalModel, asked: Asked, rate: float) -> bool:
    return backend.stats().waiting > max(_LOOK_EVERY, _TOO_LATE * asked.slo_s * rate)


def _given_up(streams: Sequence[Stream]) -> None:
    for stream in streams:
        stream.cancel()
    for stream in streams:
        stream.written()


def _card_mb(asked: Asked) -> float:
    """What the device has in use, by this process and its driver and by others; 0 on a CPU."""
    if not asked.cuda:
        return 0.0
    free, total = torch.cuda.mem_get_info()
    return (total - free) / 1e6
