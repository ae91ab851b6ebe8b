"""How much computing a plan may cost, in CPU seconds of the thread that makes it."""

from collections.abc import Callable
from time import thread_time


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
