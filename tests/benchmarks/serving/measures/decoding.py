"""How near the device's bandwidth decoding comes."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import median
from typing import Any

from engines.generation.batching.local import LocalModel
from tests.benchmarks.serving import ours
from tests.benchmarks.serving.asked import Asked
from tests.benchmarks.serving.bandwidth import bandwidth
from tests.benchmarks.serving.measures.steps import StepClock, records
from tests.benchmarks.serving.served import Served
from tests.benchmarks.serving.workload import Job, cut, seeded, source_tokens

_BATCH, _PROMPT, _DECODED = 32, 128, 200


def measure(asked: Asked) -> dict[str, Any]:
    """Bandwidth by a copy, and the share of it that decoding uses, as asked; where that is with
    CUDA graphs, without them too, and how many tokens the two agree on from the beginning.
    """
    rng, tokens = seeded(asked.seed), source_tokens(asked.folder)
    jobs = [Job(cut(tokens, _PROMPT, rng), _DECODED) for _ in range(_BATCH)]
    found: dict[str, Any] = {"bandwidth": bandwidth(asked)}
    with ours.opened(replace(asked, graphs=False)) as backend:
        served, found["eager"] = _decoded(backend, jobs)
    if asked.graphs:
        with ours.opened(asked) as backend:
            ours.serve(backend, jobs[:1], streaming=False)
            again, found["graphs"] = _decoded(backend, jobs)
            found["recorded"] = records(backend)
        found["agree"] = _agreeing(served, again)
    return found


def _decoded(backend: LocalModel, jobs: Sequence[Job]) -> tuple[list[Served], dict[str, float]]:
    """Requests in the batch, the median step that decodes them, and the bytes it has to read.

    Noise ends a text now and then, so the batch is the size that most steps had.
    """
    clock = StepClock(backend)
    served = ours.serve(backend, jobs, streaming=False)
    steps: dict[int, list[float]] = {}
    for (before, running), (after, still) in pairwise(clock.ended_s):
        if running == still:
            steps.setdefault(running, []).append(after - before)
    batch = max(steps, key=lambda size: len(steps[size]))
    context = batch * (_PROMPT + _DECODED / 2)
    network = backend.network
    read_bytes = network.weight_bytes + context * network.shape.token_bytes
    return served, {"batch": batch, "step_s": median(steps[batch]), "read_bytes": read_bytes}


def _agreeing(served: Sequence[Served], again: Sequence[Served]) -> float:
    """The share of tokens before the two first differ; rounding decides between near ones."""
    same = total = 0
    for one, other in zip(served, again, strict=True):
        pairs = zip(one.tokens, other.tokens, strict=False)
        parted = next((at for at, (left, right) in enumerate(pairs) if left != right), None)
        same += len(one.tokens) if parted is None else parted
        total += len(one.tokens)
    return same / total
