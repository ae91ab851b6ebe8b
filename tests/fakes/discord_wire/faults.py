"""Failures on order: what Discord does on a bad day."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How a call fails."""

    RATE_LIMITED = "rate_limited"
    """429 as Discord sends it; nothing was done."""
    BANNED = "banned"
    """429 of the network before Discord: no Via header, no JSON."""
    ERROR_503 = "error_503"
    """Nothing was done."""
    UNAUTHORIZED = "unauthorized"
    """401: the token is not taken."""
    HANGS = "hangs"
    """No answer; nothing was done."""
    DONE_BUT_LOST = "done_but_lost"
    """It was done, and the answer is a 502."""
    CUT = "cut"
    """It was done, and the connection is gone."""


@dataclass
class Fault:
    """The next `times` calls of a method whose path ends so fail."""

    method: str
    ending: str
    kind: Kind
    times: int = 1
    retry_after_s: float = 1.0


class Faults:
    """The failures that are still to come."""

    def __init__(self) -> None:
        """A good day."""
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Order a failure."""
        self._waiting.append(fault)

    def take(self, method: str, path: str) -> Fault | None:
        """The failure of this call, if it is to fail."""
        for fault in self._waiting:
            if fault.method == method and path.endswith(fault.ending):
                fault.times -= 1
                if not fault.times:
                    self._waiting.remove(fault)
                return fault
        return None
