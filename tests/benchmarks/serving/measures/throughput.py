"""Tokens per second, latency and time to the first token of each backend."""

from collections.abc import Callable, Sequence
from typing import Any

from tests.benchmarks.serving import library, ours
from tests.benchmarks.serving.asked import Asked
from tests.benchmarks.serving.served import Ran
from tests.benchmarks.serving.workload import Job, layered, mixed


def _plain(asked: Asked, jobs: Sequence[Job]) -> Ran:
    return ours.run(asked, jobs, streaming=False)


def _layers(asked: Asked, jobs: Sequence[Job]) -> Ran:
    return ours.run(asked, layered(jobs), streaming=True)


BACKENDS: dict[str, Callable[[Asked, Sequence[Job]], Ran]] = {
    "sequential": library.sequential,
    "static": library.static,
    "transformers-cb": library.continuous,
    "ours": _plain,
    "ours-layers": _layers,
}


def measure(asked: Asked, backend: str) -> dict[str, Any]:
    """One backend on the mixed requests, all there at once."""
    jobs = mixed(asked.folder, asked.requests, asked.seed)
    ran = BACKENDS[backend](asked, jobs)
    return {**ran.as_json(), "answers": [list(one.tokens) for one in ran.served]}
