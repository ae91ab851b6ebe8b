"""Places at this machine's processors, for tasks of which most wait for a model."""

import os
import threading
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager

LOOK_S = 0.4
"""How often who waits for a place looks up."""


class Places:
    """So many tasks at once may search, or run checks; the others wait, in the order they came.

    Without a bound as many type checkers and test runs would be alive as there are tasks in
    flight, with the memory of each, and none of them would end earlier. Thread-safe.
    """

    def __init__(self, most: int | None = None) -> None:
        """Without `most` as many as there are processors."""
        self._free = most or len(os.sched_getaffinity(0))
        self._waiting: deque[threading.Event] = deque()
        self._lock = threading.Lock()

    @contextmanager
    def taken(self, look: Callable[[], None]) -> Generator[None]:
        """A place while the block lasts.

        `look` is called several times a second while one is waited for; what it raises ends the
        waiting.
        """
        self._take(look)
        try:
            yield
        finally:
            self._give()

    def _take(self, look: Callable[[], None]) -> None:
        turn = threading.Event()
        with self._lock:
            if self._free:
                self._free -= 1
                return
            self._waiting.append(turn)
        try:
            while not turn.wait(LOOK_S):
                look()
        except BaseException:
            with self._lock:
                is_given = turn not in self._waiting
                if not is_given:
                    self._waiting.remove(turn)
            if is_given:
                self._give()
            raise

    def _give(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1
