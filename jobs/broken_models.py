"""Ends the worker once a model broke in a way that only a new process repairs.

A fault on a CUDA device stays with the process: nothing that it asks of the device is done any
more. What is under way is handed back as at any other stop; whoever started the worker starts it
again.
"""

import os
import signal
import threading
from collections.abc import Callable
from weakref import WeakSet

import structlog

from engines.generation.types import Backend
from jobs.desk import Desk, Done, Work
from storage.models import RegisteredModel

log = structlog.get_logger()

_PATIENCE_S = 60.0
"""A process whose device never answers again may not end by itself."""


def end_worker() -> None:
    """Have this process stop as at a signal from outside, and at the latest in a minute."""
    os.kill(os.getpid(), signal.SIGTERM)
    last = threading.Timer(_PATIENCE_S, os.kill, (os.getpid(), signal.SIGKILL))
    last.daemon = True
    last.start()


class BrokenModels:
    """Knows the models that were opened; looks after each job whether one broke. Thread-safe."""

    def __init__(self, end: Callable[[], None] = end_worker) -> None:
        """`end` is called once."""
        self._end = end
        self._lock = threading.Lock()
        self._opened: WeakSet[Backend] = WeakSet()
        self._is_over = False

    def seen(
        self, opener: Callable[[RegisteredModel], Backend]
    ) -> Callable[[RegisteredModel], Backend]:
        """The same opener; what it opens is looked at."""

        def opened(model: RegisteredModel) -> Backend:
            backend = opener(model)
            with self._lock:
                self._opened.add(backend)
            return backend

        return opened

    def looked_at(self, work: Work) -> Work:
        """The same job, and a look at the models when it is over."""

        def done(request: object, desk: Desk) -> Done:
            try:
                return work(request, desk)
            finally:
                self._look()

        return done

    def _look(self) -> None:
        with self._lock:
            broken = [each.name for each in self._opened if each.stats().is_broken]
            is_news = bool(broken) and not self._is_over
            self._is_over = self._is_over or is_news
        if is_news:
            log.error("worker ends: only a new process can use its device", models=broken)
            self._end()
