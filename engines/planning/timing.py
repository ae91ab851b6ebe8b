"""The critical path: when each task can start at the earliest, and what still has to follow it."""

from dataclasses import dataclass

import numpy as np

from engines.planning.arrays import Ints, Network

MOST_LOOKED_AT = 20
"""People who are able to do a task, above which their absences are not counted."""


@dataclass(frozen=True)
class Timing:
    """Heads and tails by precedence alone, as if everybody were free. All are [n]."""

    least: Ints  # ticks of presence that the task takes at the least
    heads: Ints  # earliest starts
    ends: Ints  # earliest ends
    tails: Ints  # ticks between the task's end and the project's, at the least

    @property
    def critical_path(self) -> int:
        """The makespan that no plan can be below, by precedence alone."""
        return int((self.ends + self.tails).max(initial=0))


def timing_of(network: Network, *, with_absences: bool = False) -> Timing:
    """Heads and tails; what is fixed counts as it lies.

    Heads count absences where that is asked for; it takes several times as long.
    """
    least = _least(network)
    heads = np.maximum(network.releases, 0)
    tails = np.zeros(network.n, np.int64)
    fixed = network.fixed_starts >= 0
    heads[fixed] = network.fixed_starts[fixed]
    least[fixed] = (network.fixed_ends - network.fixed_starts)[fixed]
    ends = heads + least
    counts_absences = with_absences and len(network.absent_from) > 0
    for task in network.order:
        if fixed[task]:
            continue
        for earlier in _of(task, network.predecessors_first, network.predecessors):
            heads[task] = max(heads[task], ends[earlier])
        ends[task] = heads[task] + least[task]
        if counts_absences and least[task] > 0:
            heads[task], ends[task] = _present(network, task, int(heads[task]), int(ends[task]))
    for task in network.order[::-1]:
        for later in _of(task, network.successors_first, network.successors):
            if not fixed[later]:
                tails[task] = max(tails[task], least[later] + tails[later])
    return Timing(least, heads, ends, tails)


def _of(task: int, first: Ints, values: Ints) -> Ints:
    return values[first[task] : first[task + 1]]


def _least(network: Network) -> Ints:
    """The task's duration with the quickest who is able."""
    least = network.durations.copy()
    for task in range(network.n):
        theirs = _of(task, network.able_first, network.able_durations)
        if len(theirs):
            least[task] = theirs.min()
    return least


def _present(network: Network, task: int, head: int, end: int) -> tuple[int, int]:
    """The earliest start and end of a task with those who are there; `end` is without absences."""
    able = _of(task, network.able_first, network.able)
    if len(able) > MOST_LOOKED_AT:
        return head, end
    ticks = _of(task, network.able_first, network.able_durations)
    spans = [_worked(network, *each, head) for each in zip(able, ticks, strict=True)]
    return min(start for start, _ in spans), min(end for _, end in spans)


def _worked(network: Network, person: int, ticks: int, tick: int) -> tuple[int, int]:
    """When somebody who begins from `tick` on begins, and has been there for `ticks`."""
    absences = slice(network.absent_first[person], network.absent_first[person + 1])
    start, left = -1, int(ticks)
    for begin, until in zip(
        network.absent_from[absences].tolist(),
        network.absent_until[absences].tolist(),
        strict=True,
    ):
        if until <= tick:
            continue
        if begin > tick:
            start = tick if start < 0 else start
            if begin - tick >= left:
                break
            left -= begin - tick
        tick = until
    return (tick if start < 0 else start), tick + left
