"""How soon a cancelled request is gone, and what it leaves behind."""

import time
from typing import Any

from engines.generation.batching.local import LocalModel
from engines.generation.batching.stream import Stream
from engines.generation.types import Finish
from tests.benchmarks.serving import ours
from tests.benchmarks.serving.asked import Asked
from tests.benchmarks.serving.measures.steps import StepClock
from tests.benchmarks.serving.workload import Job, cut, seeded, source_tokens

_TRIALS = 100
_BESIDE = 12
"""Long requests that are written meanwhile, fewer than have a place at once."""
_IN_FLIGHT = 64
_WAIT_S = 60.0


def measure(asked: Asked) -> dict[str, Any]:
    """Steps until the place is free, one by one; then blocks and events after very many."""
    with ours.opened(asked) as backend:
        free = backend.stats().free_blocks
        steps = _steps(backend, asked)
        events = _many(backend, asked)
        _until(lambda: backend.stats().running == 0)
        stats = backend.stats()
    assert free is not None
    assert stats.free_blocks is not None
    return {
        "steps_most": max(steps),
        "trials": len(steps),
        "cancels": asked.cancels,
        "events": events,
        "leaked_blocks": free - stats.free_blocks,
        "still_running": stats.running,
    }


def _steps(backend: LocalModel, asked: Asked) -> list[int]:
    """Steps begun after a cancel up to the one that frees the place; 0: the one under way did."""
    rng, tokens = seeded(asked.seed), source_tokens(asked.folder)
    clock, steps = StepClock(backend), list[int]()
    others = [ours.submit(backend, Job(cut(tokens, 32, rng), 3000)) for _ in range(_BESIDE)]
    while len(steps) < _TRIALS:
        stream = ours.submit(backend, Job(cut(tokens, 32, rng), 120))
        _until(lambda stream=stream: len(stream.written_tokens()) > 2 or stream.ended)
        if stream.ended:  # noise can end at once
            continue
        before = clock.begun
        stream.cancel()
        if clock.begun == before:  # else it is not known which came first, the step or the cancel
            _until(lambda stream=stream: stream in clock.left_at)
            steps.append(clock.left_at[stream] - before)
    for other in others:
        other.cancel()
    return steps


def _many(backend: LocalModel, asked: Asked) -> int:
    """Cancels before, while and after they are written; how many of their readers saw the end."""
    rng, tokens = seeded(asked.seed), source_tokens(asked.folder)
    flying, ended = list[Stream](), 0
    for _ in range(asked.cancels):
        flying.append(
            ours.submit(
                backend, Job(cut(tokens, rng.randint(2, 24), rng), rng.choice((40, 120, 200)))
            )
        )
        if len(flying) == _IN_FLIGHT:
            ended += _cancelled(flying.pop(rng.randrange(_IN_FLIGHT)))
    return ended + sum(_cancelled(stream) for stream in flying)


def _cancelled(stream: Stream) -> bool:
    """Whether its reader sees the end."""
    stream.cancel()
    began = time.monotonic()
    for _ in stream.pieces(wait_s=1.0):
        if time.monotonic() - began > _WAIT_S:
            return False
    return stream.written().finish in (Finish.CANCELLED, Finish.LENGTH, Finish.STOP)


def _until(condition: Any) -> None:
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > _WAIT_S:
            raise TimeoutError("the engine did not come so far")
        time.sleep(0.0005)
