"""The critical path: when each task can start at the earliest, and what still has to follow it."""

from dataclasses import dataclass

import numpy as np

from engines.planning.arrays import Ints, Network


@dataclass(frozen=True)
class Timing:
    """Heads and tails by precedence alone, as if everybody were free. All are [n]."""

    least: Ints  # ticks that the task takes at the least
    heads: Ints  # earliest starts
    tails: Ints  # ticks between the task's end and the project's, at the least

    @property
    def critical_path(self) -> int:
        """The makespan that no plan can be below, by precedence alone."""
        return int((self.heads + self.least + self.tails).max(initial=0))


def timing_of(network: Network) -> Timing:
    """Heads and tails; what is fixed counts as it lies, absences do not count."""
    least = _least(network)
    heads = np.maximum(network.releases, 0)
    tails = np.zeros(network.n, np.int64)
    fixed = network.fixed_starts >= 0
    heads[fixed] = network.fixed_starts[fixed]
    least[fixed] = (network.fixed_ends - network.fixed_starts)[fixed]
    for task in network.order:
        for later in _of(task, network.successors_first, network.successors):
            if not fixed[later]:
                heads[later] = max(heads[later], heads[task] + least[task])
    for task in network.order[::-1]:
        for later in _of(task, network.successors_first, network.successors):
            if not fixed[later]:
                tails[task] = max(tails[task], least[later] + tails[later])
    return Timing(least, heads, tails)


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
