"""The thread that steps an engine, and what others may know of it while it does."""

import threading
import time
from types import TracebackType
from typing import Self

from engines.generation.batching.engine import Engine
from engines.generation.batching.forecast import Load
from engines.generation.batching.stream import Stream
from engines.generation.types import ModelUnavailable

_FIRST_STEP = 6
"""Times as long as any other may it take."""


class Loop:
    """One generation of the engine at work. Its methods never wait for a step to end.

    A thread that hangs cannot be killed. It is given up instead: its streams are taken over by the
    next generation, which alone is then heard, and should the thread wake up, it ends.
    """

    def __init__(self, engine: Engine, *, max_waiting: int, alarm: threading.Event) -> None:
        """Starts the thread.

        Args:
            engine: That only this thread touches.
            max_waiting: Requests that may wait beside those being written.
            alarm: Set when the thread dies.
        """
        self.engine = engine
        self.deaths: list[str] = []
        """Why the thread died; empty while it lives."""
        self.ended_requests = 0
        self._max_waiting = max_waiting
        self._alarm = alarm
        self._news = threading.Condition(threading.RLock())
        self._arrived: list[Stream] = []
        self._live: set[Stream] = set()
        self._stopped = False
        self._step_began: float | None = None
        self._thread = threading.Thread(
            target=self._run, name=f"generation-{engine.generation}", daemon=True
        )
        self._thread.start()

    def add(self, stream: Stream) -> None:
        """Begin as soon as there is a place.

        Raises:
            ModelUnavailable: Too many wait.
        """
        with self._news:
            live = sum(not other.ended for other in self._live)
            if live >= self.engine.places + self._max_waiting:
                raise ModelUnavailable(f"{live} requests are under way or wait already")
            self.adopt(stream)

    def adopt(self, stream: Stream) -> None:
        """As `add`, however many wait: a request that was accepted before."""
        with self._news:
            stream.take_over(self.engine.generation)
            self._live.add(stream)
            self._arrived.append(stream)
            self._news.notify_all()

    def load(self) -> Load:
        """What is under way."""
        with self._news:
            live = [stream for stream in self._live if not stream.ended]
        return Load(
            prompt_tokens=sum(len(stream.order.prompt) for stream in live if not stream.running),
            tokens_to_write=sum(stream.left_tokens for stream in live),
            requests=len(live),
        )

    def counts(self) -> tuple[int, int]:
        """Requests that hold a place, and that wait for one."""
        with self._news:
            running = sum(stream.running for stream in self._live)
            waiting = sum(not (stream.running or stream.ended) for stream in self._live)
        return running, waiting

    def oldest_waiting_s(self) -> float:
        """How long the request that waits longest for a place has waited."""
        now = time.monotonic()
        with self._news:
            waiting = [each for each in self._live if not (each.running or each.ended)]
        return max((now - stream.order.submitted for stream in waiting), default=0.0)

    def hangs(self, hang_s: float) -> bool:
        """Whether a step has been under way for longer than that, the very first apart: devices
        load their kernels then.
        """
        began = self._step_began
        if not (self.engine.generation or self.engine.written_tokens):
            hang_s *= _FIRST_STEP
        return began is not None and time.monotonic() - began > hang_s

    def give_up(self) -> list[Stream]:
        """The thread will do no more steps; the streams it leaves, oldest first."""
        with self._news:
            self._stopped = True
            self._news.notify_all()
            left = [stream for stream in self._live if not stream.ended]
            self._live.clear()
        return sorted(left, key=lambda stream: stream.order.submitted)

    def join(self, timeout_s: float) -> None:
        """Wait for the thread to end, after `give_up`."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        with _Obituary(self.deaths, self._alarm):
            self.engine.enter_thread()
            while self._next():
                self._step_began = time.monotonic()
                dropped = self.engine.step()
                self._step_began = None
                self.ended_requests += len(dropped)
                with self._news:
                    self._live.difference_update(dropped)

    def _next(self) -> bool:
        """Take in what arrived; wait while there is nothing to do; False when stopped."""
        with self._news:
            self._news.wait_for(lambda: self._stopped or self._live)
            for stream in self._arrived:
                self.engine.lanes.add(stream)
            self._arrived.clear()
            return not self._stopped


class _Obituary:
    """Writes down what a thread died of, whatever it was: the thread is supervised, and who
    supervises it tells the requests.
    """

    def __init__(self, deaths: list[str], alarm: threading.Event) -> None:
        self._deaths = deaths
        self._alarm = alarm

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if error is not None:
            self._deaths.append(f"{type(error).__name__}: {error}")
            self._alarm.set()
        return True
