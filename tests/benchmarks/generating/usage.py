"""What processes of the stack take: CPU seconds, their children's too, and memory at most."""

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.machine import rss_mb

LOOK_S = 0.5


@dataclass
class Usage:
    """Of one process, since it was first looked at."""

    name: str
    pid: int
    cpu_s: float = 0.0
    children_cpu_s: float = 0.0
    """Of all that it started and that has ended: git, the checks, the sandboxes."""
    most_mb: float = 0.0
    children_most_mb: float = 0.0
    """Of all its living descendants together; pages that they share are counted in each."""
    children_most: int = 0
    threads_most: int = 0

    def line(self) -> str:
        """For a person."""
        return (
            f"{self.name}: {self.cpu_s:.1f} CPU s and {self.children_cpu_s:.1f} in processes that "
            f"it started; {self.most_mb:.0f} MB at most, {self.threads_most} threads; "
            f"{self.children_most} descendants at once with {self.children_most_mb:.0f} MB"
        )


async def watched(*usages: Usage) -> None:
    """Until cancelled: keep what each takes."""
    before = {each.pid: _cpu_s(each.pid) for each in usages}
    while True:
        for each in usages:
            _look(each, before[each.pid])
        await asyncio.sleep(LOOK_S)


def _look(usage: Usage, before: tuple[float, float]) -> None:
    own_s, children_s = _cpu_s(usage.pid)
    usage.cpu_s, usage.children_cpu_s = own_s - before[0], children_s - before[1]
    usage.most_mb = max(usage.most_mb, rss_mb(usage.pid))
    threads = sum(1 for _ in Path(f"/proc/{usage.pid}/task").iterdir())
    usage.threads_most = max(usage.threads_most, threads)
    living = list(_descendants(usage.pid))
    usage.children_most = max(usage.children_most, len(living))
    usage.children_most_mb = max(usage.children_most_mb, sum(map(_rss_mb, living)))


def _descendants(pid: int) -> Iterator[int]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        found = [int(each) for task in tasks for each in (task / "children").read_text().split()]
    except OSError:  # it has ended meanwhile
        return
    for child in found:
        yield child
        yield from _descendants(child)


def _rss_mb(pid: int) -> float:
    try:
        return rss_mb(pid)
    except OSError:
        return 0.0


def _cpu_s(pid: int) -> tuple[float, float]:
    """Of the process, and of its children that have ended and theirs."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = os.sysconf("SC_CLK_TCK")
    own, children = fields[11:13], fields[13:15]
    return sum(map(int, own)) / ticks, sum(map(int, children)) / ticks
