"""The classic priority rules, from the critical path (Kolisch 1996; Hartmann & Kolisch 2000)."""

from enum import StrEnum

import numpy as np

from engines.planning.arrays import Floats, Ints, Network
from engines.planning.compiled import compiled


class Rule(StrEnum):
    """What comes first."""

    LFT = "LFT"  # least latest finish
    LST = "LST"  # least latest start
    EST = "EST"  # least earliest start
    SLK = "SLK"  # least slack
    MTS = "MTS"  # most successors, direct and later
    MIS = "MIS"  # most direct successors
    GRPW = "GRPW"  # greatest duration, with those of the direct successors
    SPT = "SPT"  # shortest
    LPT = "LPT"  # longest


def priorities(network: Network, rule: Rule) -> Floats:
    """A value for each task [n], the lowest first."""
    earliest, latest = critical_path(network)
    durations = network.durations
    match rule:
        case Rule.LFT:
            values = latest + durations
        case Rule.LST:
            values = latest
        case Rule.EST:
            values = earliest
        case Rule.SLK:
            values = latest - earliest
        case Rule.MTS:
            values = -_later(network)
        case Rule.MIS:
            values = -np.diff(network.successors_first)
        case Rule.GRPW:
            values = -(durations + _direct(network))
        case Rule.SPT:
            values = durations
        case Rule.LPT:
            values = -durations
    return values.astype(np.float64)


def critical_path(network: Network) -> tuple[Ints, Ints]:
    """Earliest and latest starts [n] where capacities did not matter."""
    earliest = np.zeros(network.n, np.int64)
    tails = np.zeros(network.n, np.int64)
    fixed = network.fixed_starts, network.fixed_ends
    durations = np.where(fixed[0] >= 0, fixed[1] - fixed[0], network.durations)
    links = (network.predecessors_first, network.predecessors)
    _heads(network.order, links, durations, (network.releases, network.fixed_starts), earliest)
    _tails(network.order, (network.successors_first, network.successors), durations, tails)
    return earliest, (earliest + tails).max(initial=0) - tails


@compiled
def _heads(
    order: Ints, links: tuple[Ints, Ints], durations: Ints, bounds: tuple[Ints, Ints], heads: Ints
) -> None:
    """The longest way to each task; a fixed one starts where it does."""
    first, predecessors = links
    releases, fixed = bounds
    for task in order:
        if fixed[task] >= 0:
            heads[task] = fixed[task]
            continue
        heads[task] = releases[task]
        for link in range(first[task], first[task + 1]):
            before = predecessors[link]
            heads[task] = max(heads[task], heads[before] + durations[before])


@compiled
def _tails(order: Ints, links: tuple[Ints, Ints], durations: Ints, tails: Ints) -> None:
    """The longest way from each task's start to the end."""
    first, successors = links
    for task in order[::-1]:
        for link in range(first[task], first[task + 1]):
            tails[task] = max(tails[task], tails[successors[link]])
        tails[task] += durations[task]


def _later(network: Network) -> Ints:
    """How many tasks come after each one, directly or not."""
    first, successors = network.successors_first.tolist(), network.successors.tolist()
    reach = [0] * network.n
    for task in network.order[::-1].tolist():
        for later in successors[first[task] : first[task + 1]]:
            reach[task] |= reach[later] | 1 << later
    return np.array([one.bit_count() for one in reach], np.int64)


def _direct(network: Network) -> Ints:
    """The direct successors' durations, added."""
    owners = np.repeat(np.arange(network.n), np.diff(network.successors_first))
    total = np.zeros(network.n, np.int64)
    np.add.at(total, owners, network.durations[network.successors])
    return total
