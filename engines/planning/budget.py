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


MOST_OVER = 3.0
"""Times the CPU seconds of a `Reckoned` that may pass before the clock ends it."""


class Reckoned(Budget):
    """CPU seconds as they are told of, not as they pass: the same work in every run.

    Where it takes longer than `MOST_OVER` times what was told, the clock counts after all.
    """

    _told_s = 0.0

    @override
    def did(self, cpu_s: float) -> None:
        self._told_s += cpu_s

    @property
    @override
    def spent_s(self) -> float:
        return max(self._told_s, super().spent_s / MOST_OVER)
