"""How a process is: ready, degraded or not ready, with the reasons by part."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Status(StrEnum):
    """The answer in one word."""

    READY = "ready"
    DEGRADED = "degraded"
    NOT_READY = "not ready"


@dataclass(frozen=True)
class Condition:
    """What is wrong, by part, in words."""

    stuck: Mapping[str, str] = field(default_factory=dict[str, str])
    degraded: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def status(self) -> Status:
        """Stuck in any part is not ready."""
        if self.stuck:
            return Status.NOT_READY
        return Status.DEGRADED if self.degraded else Status.READY

    @property
    def http_status(self) -> int:
        """200, or 503 for what is not ready."""
        return 503 if self.status is Status.NOT_READY else 200

    def degree(self, part: str) -> int:
        """How bad a part is: 0 nothing is wrong with it, 1 degraded, 2 stuck."""
        return 2 if part in self.stuck else int(part in self.degraded)

    def as_json(self) -> dict[str, str | dict[str, str]]:
        """The body of `/readyz`."""
        return {
            "status": self.status,
            "stuck": dict(self.stuck),
            "degraded": dict(self.degraded),
        }


def pulse(lag_s: float, hung_s: float) -> tuple[int, dict[str, str | float]]:
    """The answer of `/healthz` for a loop that came round that late: status and body."""
    hung = lag_s > hung_s
    return 503 if hung else 200, {
        "status": "hung" if hung else "alive",
        "loop_lag_s": round(lag_s, 3),
    }


HUNG_S = 10.0
"""A loop that came round this late serves nobody in time: start the process again."""
