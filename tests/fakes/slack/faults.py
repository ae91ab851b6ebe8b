"""Failures on order: what a platform does on a bad day."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How a call fails."""

    RATE_LIMITED = "rate_limited"
    """429 with Retry-After; nothing was done."""
    ERROR_500 = "error_500"
    """A proxy's HTML page; nothing was done."""
    HANGS = "hangs"
    """No answer within the client's patience; nothing was done."""
    DONE_BUT_LOST = "done_but_lost"
    """It was done, and the answer is a 500."""
    REFUSED = "refused"
    """`ok: false` with `code`."""


@dataclass
class Fault:
    """Of the next calls of `method`, `times` fail after `spared` that do not."""

    method: str
    kind: Kind
    times: int = 1
    retry_after_s: int = 7
    code: str = "internal_error"
    spared: int = 0


class Faults:
    """The failures that are still to come."""

    def __init__(self) -> None:
        """A good day."""
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Order a failure."""
        self._waiting.append(fault)

    def take(self, method: str) -> Fault | None:
        """The failure of this call, if it is to fail."""
        for fault in self._waiting:
            if fault.method == method and fault.spared:
                fault.spared -= 1
            elif fault.method == method:
                fault.times -= 1
                if not fault.times:
                    self._waiting.remove(fault)
                return fault
        return None
