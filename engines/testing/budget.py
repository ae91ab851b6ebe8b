"""How many CPU seconds a run has spent, in this thread and in its sandboxed processes."""

import time
from dataclasses import dataclass

_START_CPU_S = 0.04
"""What starting a jail costs beside the program in it; see `engines/sandbox/README.md`."""


@dataclass
class Account:
    """The CPU seconds of one sandboxed process and its children."""

    cpu_s: float = _START_CPU_S

    def reported(self, cpu_s: float) -> None:
        """Note what the process says it has spent so far; it can only grow."""
        self.cpu_s = max(self.cpu_s, cpu_s + _START_CPU_S)


class Budget:
    """The CPU seconds of one run, from its first step to its last."""

    def __init__(self, cpu_s: float) -> None:
        """Start to count now, in this thread."""
        self.cpu_s = cpu_s
        self._started_s = time.thread_time()
        self._accounts: list[Account] = []

    def account(self) -> Account:
        """A new account, for one sandboxed process."""
        self._accounts.append(Account())
        return self._accounts[-1]

    @property
    def spent_s(self) -> float:
        """All that was spent so far."""
        jailed_s = sum(one.cpu_s for one in self._accounts)
        return time.thread_time() - self._started_s + jailed_s

    @property
    def left_s(self) -> float:
        """What is left; negative where it was overdrawn."""
        return self.cpu_s - self.spent_s
