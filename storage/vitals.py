"""What every process tells of itself: build, memory, disk, database writes, its loop's pulse."""

import asyncio
import platform
import shutil
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, Histogram, ProcessCollector

from storage.condition import Condition

PACKAGE = "gryphgen-agentic"
_MS = (5, 10, 25, 50, 100, 150, 250, 300, 500)
LATENCY_BUCKETS_S = (*(ms / 1000 for ms in _MS), 1, 2.5, 3, 5, 10, 30, 60, 300)
"""0.3 is what an acknowledgement may take, 3 when Slack gives one up."""
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
        self.trouble = Gauge(
            "gryph_trouble",
            "What `/readyz` finds wrong, by part: 0 nothing, 1 degraded, 2 stuck",
            ["part"],
            registry=self.registry,
        )
        self.free_bytes = Gauge(
            "gryph_disk_free_bytes",
            "Room on the disk, by folder (home, artifacts)",
            ["folder"],
            registry=self.registry,
        )
        ProcessCollector(namespace="gryph", registry=self.registry)
        self._turned_at: float | None = None
        """None while nobody watches."""
        self._worst_s = 0.0
        self._worst_at = time.monotonic()

    def watch_home(self, home: Path) -> None:
        """Show at each look what room there is for a home folder and for its artifacts."""
        for name, folder in (("home", home), ("artifacts", home / "artifacts")):
            free = self.free_bytes.labels(name)
            free.set_function(lambda folder=folder: _free_bytes(folder))

    def tell(self, condition: Condition, parts: Sequence[str]) -> None:
        """Show of each part how it is."""
        for part in parts:
            self.trouble.labels(part).set(condition.degree(part))

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


def _free_bytes(folder: Path) -> float:
    """Of the disk that the folder is on, or will be; not a number where nobody can say."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        return shutil.disk_usage(existing).free
    except OSError:
        return float("nan")
