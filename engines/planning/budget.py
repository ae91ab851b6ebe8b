"""How much computing a plan may cost, in CPU seconds of the thread that makes it."""

from time import thread_time


class Budget:
    """A number of CPU seconds that begin to run when it is made.

    Only work in the same thread is counted: compiled kernels are, a solver's own threads are not,
    and what those took is to be given to `charge`.
    """

    def __init__(self, cpu_s: float) -> None:
        """`cpu_s` CPU seconds from now."""
        self.cpu_s = cpu_s
        self._began_s = thread_time()
        self._charged_s = 0.0

    def charge(self, cpu_s: float) -> None:
        """Count what other threads took on this one's behalf."""
        self._charged_s += cpu_s

    @property
    def spent_s(self) -> float:
        """CPU seconds since it was made."""
        return thread_time() - self._began_s + self._charged_s

    @property
    def left_s(self) -> float:
        """CPU seconds that are left, at least 0."""
        return max(0.0, self.cpu_s - self.spent_s)

    @property
    def is_over(self) -> bool:
        """Whether nothing is left."""
        return self.spent_s >= self.cpu_s

    def share(self, part: float) -> "Budget":
        """A new budget of `part` (0 to 1) of what is left."""
        return Budget(self.left_s * part)
