"""What every process tells of itself: build, memory, database writes, whether its loop turns."""

import asyncio
import platform
import time
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Gauge, Histogram, ProcessCollector

PACKAGE = "gryphgen-agentic"
LATENCY_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
LAG_BUCKETS_S = (0.005, 0.02, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
LOOK_S = 0.25
"""How often the event loop is asked to come round."""
REMEMBERED_S = 15.0
"""How long the worst delay counts as the present one."""


class Vitals:
    """The series that gateways and workers share, and the loop's pulse."""

    def __init__(self, process: str) -> None:
        """`process` is "gateway" or "worker"; `registry` is what `/metrics` shows."""
        self.registry = CollectorRegistry()
        self.started_at = time.monotonic()
        self.write_s = Histogram(
            "gryph_database_write_seconds",
            "From asking for a transaction to its commit",
            registry=self.registry,
            buckets=LATENCY_BUCKETS_S,
        )
        self.lag_s = Histogram(
            "gryph_event_loop_lag_seconds",
            "How much later than asked the event loop came round",
            registry=self.registry,
            buckets=LAG_BUCKETS_S,
        )
        self.build = Gauge(
            "gryph_build_info",
            "Always 1; version of the package, Python, and kind of process",
            ["version", "python", "process"],
            registry=self.registry,
        )
        self.build.labels(version(PACKAGE), platform.python_version(), process).set(1)
        ProcessCollector(namespace="gryph", registry=self.registry)
        self._turned_at: float | None = None
        """None while nobody watches."""
        self._worst_s = 0.0
        self._worst_at = time.monotonic()

    async def watch_loop(self) -> None:
        """Measure the loop until cancelled."""
        try:
            while True:
                asked_at = self._turned_at = time.monotonic()
                await asyncio.sleep(LOOK_S)
                self._note(time.monotonic() - asked_at - LOOK_S)
        finally:
            self._turned_at = None

    def _note(self, lag_s: float) -> None:
        now = time.monotonic()
        lag_s = max(0.0, lag_s)
        self.lag_s.observe(lag_s)
        if lag_s >= self._worst_s or now - self._worst_at > REMEMBERED_S:
            self._worst_s, self._worst_at = lag_s, now

    def loop_lag_s(self) -> float:
        """The worst delay of the last seconds, one that goes on just now included.

        May be asked from another thread, which is how a blocked loop is told of.
        """
        now, turned_at = time.monotonic(), self._turned_at
        late_s = 0.0 if turned_at is None else now - turned_at - LOOK_S
        remembered = now - self._worst_at <= REMEMBERED_S
        return max(0.0, late_s, self._worst_s if remembered else 0.0)

    @property
    def age_s(self) -> float:
        """How long this process has been there."""
        return time.monotonic() - self.started_at
