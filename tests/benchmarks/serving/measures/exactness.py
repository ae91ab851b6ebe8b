"""Whether what is written under load is what `generate` writes for each request alone."""

import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from engines.generation.batching.stream import Stream
from engines.generation.types import Finish
from tests.benchmarks.serving import library, ours
from tests.benchmarks.serving.asked import Asked
from tests.benchmarks.serving.shapes import load
from tests.benchmarks.serving.workload import Job, cut, seeded, source_tokens

_IN_FLIGHT = 64
_CANCELLED_SHARE = 0.2
_SHARING_SHARE = 0.3
_TIE = {"cpu": 1e-3, "cuda": 0.25}
"""Logits that differ by less are a tie that rounding decides: of float32, of bfloat16."""


@dataclass
class Compared:
    """How the answers compare."""

    identical: int = 0
    cancelled: int = 0
    """Of the identical: those that end early, and are the beginning of the right answer."""
    tied: int = 0
    """They differ from a token on whose rival's logit is no further away than rounding."""
    different: int = 0


def measure(asked: Asked) -> dict[str, Any]:
    """Random requests, some with a beginning in common, some cancelled on the way."""
    rng = seeded(asked.seed)
    jobs = _jobs(asked, rng)
    with ours.opened(asked) as backend:
        streams = _served(backend, jobs, rng)
    model = load(asked.folder, asked.device)
    compared = Compared()
    for job, stream in zip(jobs, streams, strict=True):
        _compare(model, job, stream, compared, tie=_TIE[asked.device])
    return {"requests": len(jobs), **vars(compared)}


def _jobs(asked: Asked, rng: random.Random) -> list[Job]:
    tokens = source_tokens(asked.folder)
    beginnings = [cut(tokens, rng.randint(40, 200), rng) for _ in range(8)]
    jobs = list[Job]()
    for _ in range(asked.exact_requests):
        prompt = cut(tokens, rng.randint(1, 160), rng)
        if rng.random() < _SHARING_SHARE:
            prompt = rng.choice(beginnings) + prompt
        jobs.append(Job(prompt, rng.randint(1, 48)))
    return jobs


def _served(backend: Any, jobs: Sequence[Job], rng: random.Random) -> list[Stream]:
    places, streams = threading.Semaphore(_IN_FLIGHT), list[Stream]()
    readers = list[threading.Thread]()
    for job in jobs:
        places.acquire()
        stream = ours.submit(backend, job)
        most = rng.randint(0, job.max_tokens) if rng.random() < _CANCELLED_SHARE else None
        reader = threading.Thread(target=_read, args=(stream, most, places))
        reader.start()
        readers.append(reader)
        streams.append(stream)
    for reader in readers:
        reader.join()
    return streams


def _read(stream: Stream, most: int | None, places: threading.Semaphore) -> None:
    """To the end, or until so many tokens were seen."""
    for _ in stream.pieces(wait_s=0.05):
        if most is not None and len(stream.written_tokens()) >= most:
            stream.cancel()
    places.release()


def _compare(model: Any, job: Job, stream: Stream, compared: Compared, *, tie: float) -> None:
    expected, tokens = library.generate(model, job), tuple(stream.written_tokens())
    cancelled = stream.written().finish is Finish.CANCELLED
    if tokens == (expected[: len(tokens)] if cancelled else expected):
        compared.identical += 1
        compared.cancelled += cancelled
    elif _gap(model, job, expected, tokens) < tie:
        compared.tied += 1
    else:
        compared.different += 1


def _gap(model: Any, job: Job, expected: Sequence[int], tokens: Sequence[int]) -> float:
    """Between the logits of the two tokens where the answers part."""
    pairs = enumerate(zip(expected, tokens, strict=False))
    at = next((index for index, (left, right) in pairs if left != right), None)
    if at is None:
        return float("inf")
    ids = torch.tensor([[*job.prompt, *expected[:at]]], device=model.device)
    with torch.no_grad():
        logits = model(ids).logits[0, -1].float()
    return float((logits[expected[at]] - logits[tokens[at]]).abs())
