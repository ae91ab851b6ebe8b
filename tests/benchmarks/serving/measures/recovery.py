"""What becomes of requests whose engine dies or hangs under them."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from engines.generation.batching.local import LocalModel
from engines.generation.batching.stream import Stream
from engines.generation.types import ModelUnavailable
from tests.benchmarks.serving import ours
from tests.benchmarks.serving.asked import Asked
from tests.benchmarks.serving.measures.steps import hang, kill, kill_always
from tests.benchmarks.serving.workload import mixed

_REQUESTS = 16
_WAIT_S = 90.0
_ATTACKS: dict[str, Callable[[LocalModel], None]] = {
    "killed": kill,
    "hung": hang,
    "killed always": kill_always,
}


def measure(asked: Asked) -> dict[str, Any]:
    """Seconds until every request has ended, and how."""
    jobs = mixed(asked.folder, _REQUESTS, asked.seed)
    with ours.opened(asked) as backend:
        expected = [one.tokens for one in ours.serve(backend, jobs, streaming=False)]
    found: dict[str, Any] = {}
    for name, attack in _ATTACKS.items():
        with ours.opened(asked) as backend:
            streams = [ours.submit(backend, job) for job in jobs]
            while not all(stream.written_tokens() for stream in streams):
                time.sleep(0.001)
            began = time.monotonic()
            attack(backend)
            found[name] = _outcome(streams, expected, began)
    return found


def _outcome(
    streams: Sequence[Stream], expected: Sequence[tuple[int, ...]], began: float
) -> dict[str, Any]:
    finished = exact = failed = 0
    reasons = set[str]()
    while not all(stream.ended for stream in streams) and time.monotonic() - began < _WAIT_S:
        time.sleep(0.01)
    ended_s = time.monotonic() - began
    for stream, right in zip(streams, expected, strict=True):
        if not stream.ended:
            continue
        try:
            stream.written()
        except ModelUnavailable as problem:
            failed += 1
            reasons.add(str(problem))
        else:
            finished += 1
            exact += tuple(stream.written_tokens()) == right
    return {
        "requests": len(streams),
        "finished": finished,
        "exact": exact,
        "failed": failed,
        "reasons": sorted(reasons),
        "ended_s": ended_s,
    }
