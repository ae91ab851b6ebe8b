"""How much memory the processes hold, and whether it grows."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.acceptance.campaign.processes import Crew, now_s
from tests.benchmarks.machine import rss_mb

EVERY_S = 2.0
LEAST_S = 15.0
"""A process that lived for less after the warm-up has no slope."""
HOUR_S = 3600.0


@dataclass(frozen=True)
class Slope:
    """One process' memory over its life."""

    name: str
    pid: int
    seconds: float
    first_mb: float
    last_mb: float
    mb_per_hour: float


@dataclass
class Memory:
    """Samples every process of a crew."""

    crew: Crew
    samples: dict[tuple[str, int], list[tuple[float, float]]] = field(
        default_factory=lambda: defaultdict[tuple[str, int], list[tuple[float, float]]](list)
    )
    """By name and pid: seconds and MB."""

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            for name, member in self.crew.members.items():
                if member.pid is not None:
                    self._sample(name, member.pid)
            await asyncio.sleep(EVERY_S)

    def _sample(self, name: str, pid: int) -> None:
        try:
            held_mb = rss_mb(pid)
        except OSError:
            return
        self.samples[name, pid].append((now_s(), held_mb))

    def slopes(self, warm_up_s: float) -> list[Slope]:
        """Of every process that lived on after its warm-up, by least squares."""
        found: list[Slope] = []
        for (name, pid), all_samples in self.samples.items():
            warm = [s for s in all_samples if s[0] - all_samples[0][0] >= warm_up_s]
            if len(warm) < 2 or warm[-1][0] - warm[0][0] < LEAST_S:
                continue
            seconds = warm[-1][0] - warm[0][0]
            found.append(Slope(name, pid, seconds, warm[0][1], warm[-1][1], _slope(warm) * HOUR_S))
        return found


def _slope(samples: Sequence[tuple[float, float]]) -> float:
    """Least squares, in MB a second."""
    mean_at = sum(at for at, _ in samples) / len(samples)
    mean_mb = sum(mb for _, mb in samples) / len(samples)
    above = sum((at - mean_at) * (mb - mean_mb) for at, mb in samples)
    below = sum((at - mean_at) ** 2 for at, _ in samples)
    return above / below
