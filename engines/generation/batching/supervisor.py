"""Keeps an engine alive by the progress of its steps: one that dies or hangs is started anew."""

import logging
import threading
from collections.abc import Callable

from engines.generation.batching.loop import Loop
from engines.generation.batching.stream import Stream
from engines.generation.types import EngineLost, ModelUnavailable

_MOST_LOSSES = 5
"""Engines lost in a row, with no request ended between them, until the model counts as down."""
_CHECKS = 8
"""Looks within the time after which a step counts as hung."""
_JOIN_S = 5.0

log = logging.getLogger(__name__)


class Supervisor:
    """Owns the loop of the present generation. From any thread."""

    def __init__(
        self, name: str, start: Callable[[int, threading.Event], Loop], *, hang_s: float
    ) -> None:
        """Starts generation 0 and the thread that watches it.

        Args:
            name: Of the model, for messages.
            start: Makes the loop of a generation, which sets the event when it dies.
            hang_s: Longest time of a step.

        Raises:
            ModelUnavailable: It cannot be started, for want of memory as a rule.
        """
        self.restarts = 0
        self.hangs = 0
        """Of them, those for a step that did not end."""
        self.is_broken = False
        """Whether no engine can be started here any more. After a fault on a CUDA device none can
        in this process, whatever is tried; in a new one it can.
        """
        self._name = name
        self._start = start
        self._hang_s = hang_s
        self._alarm = threading.Event()
        self._lock = threading.Lock()
        self._down: str | None = None
        self._losses = 0
        self._written_before = 0
        try:
            self._loop = start(0, self._alarm)
        except RuntimeError as error:  # torch has no memory left, or no device
            raise ModelUnavailable(f"the engine of {name} cannot be started: {error}") from error
        self._thread = threading.Thread(target=self._watch, name="generation-watch", daemon=True)
        self._thread.start()

    @property
    def loop(self) -> Loop:
        """Of the present generation."""
        return self._loop

    @property
    def written_tokens(self) -> int:
        """By all generations."""
        return self._written_before + self._loop.engine.written_tokens

    def add(self, stream: Stream) -> None:
        """Hand a request to the engine.

        Raises:
            ModelUnavailable: It takes none now.
        """
        with self._lock:
            if self._down:
                raise ModelUnavailable(self._down)
            self._loop.add(stream)

    def close(self) -> None:
        """End the engine and all that is under way. Idempotent."""
        reason = f"{self._name} was closed"
        with self._lock:
            self._down = self._down or reason
            left = self._loop.give_up()
        for stream in left:
            stream.fail(ModelUnavailable(reason))
        self._alarm.set()
        self._loop.join(_JOIN_S)
        self._thread.join(_JOIN_S)
        self._loop.engine.drop_memory()

    def _watch(self) -> None:
        while not self._down:
            self._alarm.wait(self._hang_s / _CHECKS)
            self._alarm.clear()
            if reason := self._lost():
                self._restart(reason)

    def _lost(self) -> str:
        if self._loop.deaths:
            return self._loop.deaths[0]
        if self._loop.hangs(self._hang_s):
            return f"no progress for {self._hang_s:g} s"
        return ""

    def _restart(self, reason: str) -> None:
        with self._lock:
            if self._down:
                return
            log.error("the engine of %s was lost: %s", self._name, reason)
            left = self._loop.give_up()
            self._replace(reason)
            again = [] if self._down else [stream for stream in left if _once_more(stream)]
            for stream in again:
                self._loop.adopt(stream)
        for stream in set(left) - set(again):
            stream.fail(EngineLost(f"the engine of {self._name} was lost: {reason}"))

    def _replace(self, reason: str) -> None:
        """Start the next generation, unless that was tried often enough."""
        old = self._loop
        self.restarts += 1
        self.hangs += not old.deaths
        self._written_before += old.engine.written_tokens
        self._losses = 1 if old.ended_requests else self._losses + 1
        old.engine.drop_memory()
        if self._losses >= _MOST_LOSSES:
            self._break(f"its engine was lost again and again ({reason})")
            return
        try:
            self._loop = self._start(old.engine.generation + 1, self._alarm)
        except RuntimeError as error:  # torch has no memory left, or no device
            self._break(f"its engine cannot be started again ({error})")

    def _break(self, reason: str) -> None:
        self._down = f"{self._name} is down: {reason}"
        self.is_broken = True


def _once_more(stream: Stream) -> bool:
    """Whether a request is run again: those that had not begun, and others once."""
    if stream.running:
        stream.reruns += 1
    return stream.reruns <= 1
