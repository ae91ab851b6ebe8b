"""Lower bounds of the makespan that cost next to nothing.

Critical path; energy (Baptiste, Le Pape, Nuijten 1999, in its simplest windows): all that must lie
between the head of some tasks and the tail of others has to fit into the capacity there is. For
people the capacity is a pool: those who alone are able to do a set of tasks.
"""

from collections.abc import Iterable
from itertools import combinations

import numpy as np

from engines.planning.arrays import Ints, Network
from engines.planning.timing import Timing, timing_of

MOST_POOLS = 200
MOST_THRESHOLDS = 24
"""Heads and tails that windows are cut at."""
FEW_THRESHOLDS = 5
"""The same, where each window has to be read off the people's calendars."""


def lower_bound(network: Network) -> int:
    """Ticks that no plan's makespan is below."""
    timing = timing_of(network, with_absences=True)
    best = timing.critical_path
    if network.people:
        return max(best, _staffed_bound(network, timing))
    for resource, units in enumerate(network.capacities):
        energy = timing.least * network.demands[:, resource]
        inside = np.flatnonzero((energy > 0) & (network.fixed_starts < 0))
        best = max(best, _window_bound(timing, inside, energy, int(units)))
    return best


def _window_bound(timing: Timing, inside: Ints, energy: Ints, units: int) -> int:
    """max over windows of head + ceil(energy / units) + tail."""
    if len(inside) == 0:
        return 0
    heads = _thresholds(timing.heads[inside])
    tails = _thresholds(timing.tails[inside])
    cells = np.zeros((len(heads), len(tails)), np.int64)
    rows = np.searchsorted(heads, timing.heads[inside], side="right") - 1
    columns = np.searchsorted(tails, timing.tails[inside], side="right") - 1
    np.add.at(cells, (rows, columns), energy[inside])
    inner = cells[::-1, ::-1].cumsum(0).cumsum(1)[::-1, ::-1]
    windows = heads[:, None] + -(-inner // units) + tails[None, :]
    return int(windows[inner > 0].max(initial=0))


def _thresholds(values: Ints, most: int = MOST_THRESHOLDS) -> Ints:
    """The values that windows begin at, least first; the least of all is among them."""
    distinct = np.unique(values)
    if len(distinct) <= most:
        return distinct
    return distinct[np.linspace(0, len(distinct) - 1, most).astype(np.int64)]


def _pools(by_able: Iterable[frozenset[int]]) -> list[frozenset[int]]:
    """Sets of people that tasks are confined to, and unions of them, smallest first."""
    sets = sorted(by_able, key=_size_then_members)
    pools = dict.fromkeys(sets[:MOST_POOLS])
    for one, other in combinations(sets, 2):
        if len(pools) >= MOST_POOLS:
            break
        pools.setdefault(one | other)
    pools.setdefault(frozenset[int]().union(*sets))
    return list(pools)


def _size_then_members(pool: frozenset[int]) -> tuple[int, list[int]]:
    return len(pool), sorted(pool)


def _by_able(network: Network) -> dict[frozenset[int], list[int]]:
    """The tasks that are still to be given, by who may do them."""
    found: dict[frozenset[int], list[int]] = {}
    for task in range(network.n):
        able = network.able[network.able_first[task] : network.able_first[task + 1]]
        if len(able) and network.fixed_starts[task] < 0:
            found.setdefault(frozenset(able.tolist()), []).append(task)
    return found


def _staffed_bound(network: Network, timing: Timing) -> int:
    by_able = _by_able(network)
    best = 0
    for pool in _pools(by_able):
        tasks = [task for able, theirs in by_able.items() if able <= pool for task in theirs]
        inside = np.array(tasks, np.int64)
        best = max(best, _window_bound(timing, inside, timing.least, len(pool)))
        if len(network.absent_from) and len(inside):
            best = max(best, _absence_bound(network, timing, pool, inside))
    return best


def _absence_bound(network: Network, timing: Timing, pool: frozenset[int], inside: Ints) -> int:
    """max over a few windows of when the pool has been there for what lies in it, + tail."""
    heads, tails, work = timing.heads[inside], timing.tails[inside], timing.least[inside]
    best = 0
    for head in _thresholds(heads, FEW_THRESHOLDS).tolist():
        for tail in _thresholds(tails, FEW_THRESHOLDS).tolist():
            ticks = int(work[(heads >= head) & (tails >= tail)].sum())
            if ticks > 0:
                best = max(best, _present_until(network, pool, head, ticks) + tail)
    return best


def _present_until(network: Network, pool: frozenset[int], start: int, work: int) -> int:
    """The tick by which a pool's people, from `start` on, have been there for `work` ticks."""
    low, high = start, start + work + int((network.absent_until - network.absent_from).sum())
    while low < high:
        middle = (low + high) // 2
        if _presence(network, pool, start, middle) >= work:
            high = middle
        else:
            low = middle + 1
    return low


def _presence(network: Network, pool: frozenset[int], start: int, end: int) -> int:
    total = 0
    for person in pool:
        span = slice(network.absent_first[person], network.absent_first[person + 1])
        away = np.minimum(network.absent_until[span], end) - np.maximum(
            network.absent_from[span], start
        )
        total += end - start - int(np.maximum(away, 0).sum())
    return total
