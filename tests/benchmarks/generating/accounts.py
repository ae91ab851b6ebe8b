"""When a job was where, by the traces of the gateway and the worker and by the ledger."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.fakes.otlp import Received

KEEP = "keep"
"""The worker's phase after the engine: the job's last word."""
_AROUND = {"queue", "job", KEEP}
_PATH = re.compile(r"text/way_(\d+)\.py")
_S = 1e-9


@dataclass(frozen=True)
class Account:
    """One job in its worker; seconds since 1970, and durations."""

    queued_s: float
    """When it was put into the line."""
    started_s: float
    """When the worker had it."""
    engine_began_s: float
    engine_ended_s: float
    ended_s: float
    """After its last word."""
    phases_s: Mapping[str, float]
    """How long each part of the engine's work took, all its times together."""
    attempts: int

    @property
    def engine_s(self) -> float:
        """Checkout, search, writing and checks: what was not on the way there and back."""
        return self.engine_ended_s - self.engine_began_s


def number_of(line: str) -> int:
    """Which command a job's line is. Raises LookupError."""
    found = _PATH.search(line)
    if found is None:
        raise LookupError(line)
    return int(found[1])


def accounts(spans: Iterable[Received]) -> dict[str, Account]:
    """By job; of those that ran to their end."""
    by_job: defaultdict[str, list[Received]] = defaultdict(list)
    for span in spans:
        job = span.attributes.get("gryph.job")
        if job and span.service == "gryph-worker":
            by_job[str(job)].append(span)
    return {
        job: _account(found)
        for job, found in by_job.items()
        if {KEEP, "queue", "job"} <= {span.name for span in found}
    }


def _account(spans: Sequence[Received]) -> Account:
    parts = [span for span in spans if span.name not in _AROUND]
    kept = [span for span in spans if span.name == KEEP]
    jobs = [span for span in spans if span.name == "job"]
    lines = [span for span in spans if span.name == "queue"]
    phases_s: defaultdict[str, float] = defaultdict(float)
    for span in parts:
        phases_s[span.name] += (span.times_ns[1] - span.times_ns[0]) * _S
    return Account(
        queued_s=min(span.times_ns[0] for span in lines) * _S,
        started_s=min(span.times_ns[0] for span in jobs) * _S,
        engine_began_s=min(span.times_ns[0] for span in parts) * _S,
        engine_ended_s=max(span.times_ns[0] for span in kept) * _S,
        ended_s=max(span.times_ns[1] for span in kept) * _S,
        phases_s=dict(phases_s),
        attempts=len(jobs),
    )
