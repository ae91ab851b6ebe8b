"""What came back from a backend, and what it took."""

import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from tests.benchmarks.machine import percentile

_SAMPLE_EVERY_S = 0.02


@dataclass(frozen=True)
class Served:
    """One answer."""

    tokens: tuple[int, ...]
    first_s: float
    """Until its first token was there, from the moment all requests were."""
    total_s: float


@dataclass
class Meter:
    """What a stretch of work took in this process."""

    cpu_s: float = 0.0
    """Of all threads."""
    wall_s: float = 0.0
    samples: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    """Wall and CPU seconds since the beginning, now and then."""

    def cpu_at(self, wall_s: float) -> float:
        """CPU seconds spent until then: the latency on a machine that has nothing else to do."""
        walls, cpus = zip(*self.samples, strict=True)
        return float(np.interp(wall_s, walls, cpus))


@dataclass(frozen=True)
class Ran:
    """All answers of a run."""

    served: Sequence[Served]
    meter: Meter
    device_mb: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """The figures."""
        totals = [one.total_s for one in self.served]
        firsts = [one.first_s for one in self.served]
        cpus = [self.meter.cpu_at(total_s) for total_s in totals]
        return {
            "tokens": sum(len(one.tokens) for one in self.served),
            "cpu_s": self.meter.cpu_s,
            "wall_s": self.meter.wall_s,
            "p50_s": percentile(totals, 0.50),
            "p95_s": percentile(totals, 0.95),
            "p50_cpu_s": percentile(cpus, 0.50),
            "p95_cpu_s": percentile(cpus, 0.95),
            "first_p50_s": percentile(firsts, 0.50),
            "first_p95_s": percentile(firsts, 0.95),
            "device_mb": self.device_mb,
        }


@dataclass
class Clock:
    """Seconds since all requests were there."""

    began: float = field(default_factory=time.perf_counter)

    def now_s(self) -> float:
        """Since then."""
        return time.perf_counter() - self.began


@contextmanager
def metered(*, cuda: bool = False) -> Generator[Meter]:
    """Measure what is inside."""
    meter, ended = Meter(samples=[(0.0, 0.0)]), threading.Event()
    cpu, wall = time.process_time(), time.perf_counter()

    def sample() -> None:
        meter.wall_s, meter.cpu_s = time.perf_counter() - wall, time.process_time() - cpu
        meter.samples.append((meter.wall_s, meter.cpu_s))

    def sample_until_the_end() -> None:
        while not ended.wait(_SAMPLE_EVERY_S):
            sample()

    sampler = threading.Thread(target=sample_until_the_end, daemon=True)
    sampler.start()
    try:
        yield meter
    finally:
        ended.set()
        sampler.join()
    if cuda:
        torch.cuda.synchronize()
    sample()


def peak_mb(*, cuda: bool) -> float:
    """The most memory torch has held on the device so far, in MB; 0 on a CPU."""
    return torch.cuda.max_memory_reserved() / 1e6 if cuda else 0.0
