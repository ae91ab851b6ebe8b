"""How much computing a plan may cost, in CPU seconds of the thread that makes it."""

from collections.abc import Callable
from time import thread_time

from typing_extensions import override


def _never() -> bool:
    return False


class Budget:
    """A number of CPU seconds that begin to run when it is made.

    Only work in the same thread is counted, compiled kernels and the solver's single worker
    included.
    """

    def __init__(self, cpu_s: float, stopped: Callable[[], bool] = _never) -> None:
        """`cpu_s` CPU seconds from now, or until `stopped` says so."""
        self.cpu_s = cpu_s
        self.stopped = stopped
        self._began_s = thread_time()

    @property
    def spent_s(self) -> float:
        """CPU seconds since it was made."""
        return thread_time() - self._began_s

    def did(self, cpu_s: float) -> None:
        """Told of work that takes about so long; a clock has seen it by itself."""

    @property
    def left_s(self) -> float:
        """CPU seconds that are left, at least 0."""
        return max(0.0, self.cpu_s - self.spent_s)

    @property
    def is_over(self) -> bool:
        """Whether nothing is left."""
        return self.spent_s >= self.cpu_s or self.stopped()

    def share(self, part: float) -> "Budget":
        """A new budget of `part` (0 to 1) of what is left."""
        return Budget(self.left_s * part, self.stopped)


MOST_OVER, LOADING_S = 3.0, 2.0
"""Times its CPU seconds that a `Reckoned` may really take, and what loading kernels may."""


class Reckoned(Budget):
    """CPU seconds as they are told of, not as they pass: the same work in every run.

    The clock only ends it where what it is told of is far too little.
    """

    _told_s = 0.0

    @override
    def did(self, cpu_s: float) -> None:
        self._told_s += cpu_s

    @property
    @override
    def spent_s(self) -> float:
        is_late = super().spent_s > MOST_OVER * self.cpu_s + LOADING_S
        return max(self._told_s, self.cpu_s) if is_late else self._told_s
