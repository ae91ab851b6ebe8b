"""Places at this machine's processors, for tasks of which most wait for a model."""

import os
import threading
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager

LOOK_S = 0.4
"""How often who waits for a place looks up."""


class Places:
    """So many tasks at once may search, or run checks; the others wait, in the order they came,
    but what a model waits for goes first.

    Without a bound as many type checkers and test runs would be alive as there are tasks in
    flight, with the memory of each, and none of them would end earlier. Thread-safe.
    """

    def __init__(self, most: int | None = None) -> None:
        """Without `most` two for each processor: a check waits now and then."""
        self._free = most or 2 * len(os.sched_getaffinity(0))
        self._first: deque[threading.Event] = deque()
        self._then: deque[threading.Event] = deque()
        self._lock = threading.Lock()

    @contextmanager
    def taken(self, look: Callable[[], None], *, is_first: bool = False) -> Generator[None]:
        """A place while the block lasts.

        Args:
            look: Called several times a second while one is waited for; what it raises ends the
                waiting.
            is_first: Whether a model waits for what is done there.
        """
        self._take(look, self._first if is_first else self._then)
        try:
            yield
        finally:
            self._give()

    def _take(self, look: Callable[[], None], waiting: deque[threading.Event]) -> None:
        turn = threading.Event()
        with self._lock:
            if self._free:
                self._free -= 1
                return
            waiting.append(turn)
        try:
            while not turn.wait(LOOK_S):
                look()
        except BaseException:
            with self._lock:
                is_given = turn not in waiting
                if not is_given:
                    waiting.remove(turn)
            if is_given:
                self._give()
            raise

    def _give(self) -> None:
        with self._lock:
            if waiting := self._first or self._then:
                waiting.popleft().set()
            else:
                self._free += 1
