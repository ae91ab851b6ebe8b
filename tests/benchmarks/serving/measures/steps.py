"""Looks into our engine's steps, and gets in their way."""

import threading
import time
from collections.abc import Callable
from typing import Any, cast

from engines.generation.batching.engine import Engine
from engines.generation.batching.local import LocalModel
from engines.generation.batching.stream import Stream

Step = Callable[[], list[Stream]]


def engine_of(backend: LocalModel) -> Engine:
    """The engine at work; there is no public way to it, and only a benchmark needs one."""
    return cast(Any, backend)._supervisor.loop.engine


def records(backend: LocalModel) -> bool:
    """Whether its steps are replayed from CUDA graphs: it goes on without where that fails."""
    graphs = cast(Any, engine_of(backend))._graphs
    return graphs is not None and graphs.works


class StepClock:
    """Counts the steps of an engine and notes when each request left it."""

    def __init__(self, backend: LocalModel) -> None:
        engine = engine_of(backend)
        self.begun = 0
        self.left_at: dict[Stream, int] = {}
        """The number of the step in which a request's place became free."""
        self.ended_s: list[tuple[float, int]] = []
        """When each step ended, and how many requests were being written then."""
        self._engine, self._step = engine, engine.step
        cast(Any, engine).step = self._counted

    def _counted(self) -> list[Stream]:
        self.begun += 1
        dropped = self._step()
        self.left_at |= dict.fromkeys(dropped, self.begun)
        self.ended_s.append((time.perf_counter(), self._engine.running))
        return dropped


def kill(backend: LocalModel) -> None:
    """The engine's thread dies in its next step."""

    def die() -> list[Stream]:
        raise RuntimeError("killed by the benchmark")

    cast(Any, engine_of(backend)).step = die


def hang(backend: LocalModel) -> None:
    """The engine's next step never ends."""

    def sleep() -> list[Stream]:
        threading.Event().wait()
        return []

    cast(Any, engine_of(backend)).step = sleep


def kill_always(backend: LocalModel) -> None:
    """So does the next one's, and that of all after it."""
    start = cast(Any, backend)._supervisor._start

    def start_and_kill(generation: int, alarm: threading.Event) -> Any:
        loop = start(generation, alarm)

        def die() -> list[Stream]:
            raise RuntimeError("killed by the benchmark")

        loop.engine.step = die
        return loop

    cast(Any, backend)._supervisor._start = start_and_kill
    kill(backend)
