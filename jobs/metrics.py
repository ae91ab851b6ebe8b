"""Prometheus metrics of a worker, and the one place where an attempt at a job is accounted for."""

import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

import structlog
from prometheus_client import Counter, Gauge, Histogram

from jobs.model_metrics import ModelMetrics
from storage import traces
from storage.ledger import Leased, Refusal
from storage.vitals import LATENCY_BUCKETS_S, Vitals

JOB_BUCKETS_S = (0.1, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 900)
LOST = "lost"
OUTCOMES = (
    *("succeeded", "cancelled", "user", "outside", "timeout", "crash", "handed_back", "again"),
    LOST,
)

Phase = tuple[str, int]
"""A part of the work and when it began, in nanoseconds of the epoch."""


@dataclass
class Account:
    """What becomes of one attempt."""

    outcome: str = LOST
    """One of `OUTCOMES`."""
    phases: list[Phase] = field(default_factory=list[Phase])


class WorkerMetrics:
    """One instance per worker; `registry` is what its `/metrics` shows."""

    def __init__(self) -> None:
        """All series start at zero."""
        self.vitals = Vitals("worker")
        self.registry = registry = self.vitals.registry
        self.slots = Gauge(
            "gryph_worker_slots", "Jobs this worker may run at once", registry=registry
        )
        self.running = Gauge(
            "gryph_worker_running", "Jobs this worker runs, by verb", ["verb"], registry=registry
        )
        self.ended = Counter(
            "gryph_worker_attempts",
            f"Attempts that are over, by verb and outcome ({', '.join(OUTCOMES)})",
            ["verb", "outcome"],
            registry=registry,
        )
        self.wait_s = self._seconds(
            "gryph_worker_queue_wait_seconds", "From being queued to a worker's start, by verb"
        )
        self.job_s = self._seconds(
            "gryph_worker_job_seconds", "From an attempt's start to its last word, by verb"
        )
        self.phase_s = Histogram(
            "gryph_worker_phase_seconds",
            "Parts of the work, by verb and phase (the engine's own few words)",
            ["verb", "phase"],
            registry=registry,
            buckets=JOB_BUCKETS_S,
        )
        self._states()
        self.models = ModelMetrics()
        registry.register(self.models)

    def _states(self) -> None:
        registry = self.registry
        self.refused = Counter(
            "gryph_worker_leases_refused",
            "Bells for jobs that the ledger did not give, by reason (not queued, stale clearance)",
            ["reason"],
            registry=registry,
        )
        self.sandbox = Gauge(
            "gryph_worker_sandbox",
            "Always 1; the rung of isolation that was proven when the worker started, or none",
            ["rung"],
            registry=registry,
        )
        self.sandbox_refusals = Counter(
            "gryph_worker_sandbox_refusals",
            "Jobs refused because this host offers no isolation",
            registry=registry,
        )
        self.broker_losses = Counter(
            "gryph_worker_broker_losses", "Times the broker went away", registry=registry
        )
        for reason in Refusal:
            self.refused.labels(reason)

    def expect(self, verbs: Iterable[str]) -> None:
        """Begin at zero what alarms look at: Prometheus sees no increase in a series that it
        first meets at one.
        """
        for verb in verbs:
            for outcome in OUTCOMES:
                self.ended.labels(verb, outcome)

    def _seconds(self, name: str, what: str) -> Histogram:
        buckets = (*LATENCY_BUCKETS_S, *JOB_BUCKETS_S)
        return Histogram(name, what, ["verb"], registry=self.registry, buckets=sorted(set(buckets)))

    @contextmanager
    def attempt(self, leased: Leased) -> Generator[Account]:
        """Account for one attempt, from its lease to its last word: log lines, trace, figures."""
        account, verb, began = Account(), leased.verb, time.perf_counter()
        began_ns, queued_ns = time.time_ns(), _ns(leased.queued_at)
        self.wait_s.labels(verb).observe(max(0.0, (began_ns - queued_ns) / 1e9))
        about = {"job": leased.job, "verb": verb, "attempt": leased.attempt}
        traces.past("queue", (min(queued_ns, began_ns), began_ns), leased.traceparent, **about)
        self.running.labels(verb).inc()
        try:
            with (
                structlog.contextvars.bound_contextvars(job=leased.job, attempt=leased.attempt),
                traces.span(
                    "job",
                    kind="consumer",
                    parent=leased.traceparent,
                    job=leased.job,
                    verb=verb,
                    attempt=leased.attempt,
                ) as span,
            ):
                try:
                    yield account
                finally:
                    span.note(outcome=account.outcome)
                    self._tell_phases(leased, account.phases, span.traceparent)
        finally:
            self.running.labels(verb).dec()
            self.ended.labels(verb, account.outcome).inc()
            self.job_s.labels(verb).observe(time.perf_counter() - began)

    def _tell_phases(self, leased: Leased, phases: Sequence[Phase], parent: str | None) -> None:
        """Each phase goes on until the next one begins; the last of them only marks the end."""
        for (name, began_ns), (_, ended_ns) in pairwise(phases):
            self.phase_s.labels(leased.verb, name).observe(max(0, ended_ns - began_ns) / 1e9)
            traces.past(name, (began_ns, max(began_ns, ended_ns)), parent, job=leased.job)


def _ns(moment: datetime) -> int:
    """Nanoseconds of the epoch."""
    return int(moment.timestamp() * 1e9)
