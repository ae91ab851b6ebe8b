"""A network as the search's kernels read it: only what is free to move, demands packed in words.

The demands of several capacities share one 64-bit word. Each capacity has a field one bit wider
than its number; that bit is a guard, set in the profile of what is free. One subtraction then asks
about all capacities of the word: where a demand exceeds what is free, the guard is borrowed away.

Free tasks are renumbered along the precedence order, so that every task has a greater number than
its predecessors. Times are divided by their greatest common divisor. Fixed tasks are part of the
profile, and of the releases of what comes after them.
"""

from math import gcd
from typing import NamedTuple

import numpy as np

from engines.planning.arrays import Ints, Network, flat

_WORD_BITS = 63  # the sign stays out of it


class Side(NamedTuple):
    """What a task waits for, seen from one end of time."""

    first: Ints  # [m + 1]
    links: Ints  # predecessors, or successors in mirrored time
    floor: Ints  # [m], no start before


class Packed(NamedTuple):
    """m free tasks whose demands take w words, on a horizon of h slots."""

    durations: Ints  # [m]
    demands: Ints  # [w, m]
    guards: Ints  # [w]
    free: Ints  # [w, h], what fixed tasks leave, guards set
    forward: Side
    backward: Side
    floor: int
    """When the last fixed task ends: no makespan is less."""
    is_flat: bool
    """Whether nothing is fixed, so that the profile looks the same from both ends."""


class Numbering(NamedTuple):
    """How packed tasks and times map to those of the network."""

    tasks: Ints  # [m], the network's number of a packed task
    unit: int  # ticks of the network in a tick here


def pack(network: Network) -> tuple[Packed, Numbering]:
    """The packed form of a network without people."""
    tasks = network.order[network.fixed_starts[network.order] < 0]
    durations, releases = network.durations[tasks], _releases(network)[tasks]
    starts, ends = _fixed(network)
    unit = gcd(*durations.tolist(), *releases.tolist(), *starts.tolist(), *ends.tolist()) or 1
    floor = int(ends.max(initial=0)) // unit
    horizon = int(max(releases.max(initial=0) // unit, floor) + durations.sum() // unit) + 1
    words = _words(network.capacities)
    free = _left(network, (starts // unit, ends // unit), horizon)
    successors, predecessors = _links(network, tasks)
    packed = Packed(
        durations=durations // unit,
        demands=_pack(network.demands[tasks], words),
        guards=_guards(network.capacities, words),
        free=_pack(free, words) | _guards(network.capacities, words)[:, np.newaxis],
        forward=Side(*predecessors, releases // unit),
        backward=Side(*successors, np.zeros(len(tasks), np.int64)),
        floor=floor,
        is_flat=len(starts) == 0,
    )
    return packed, Numbering(tasks, unit)


def _releases(network: Network) -> Ints:
    """Releases that know of fixed predecessors."""
    releases = network.releases.copy()
    owners = np.repeat(np.arange(network.n), np.diff(network.predecessors_first))
    np.maximum.at(releases, owners, network.fixed_ends[network.predecessors])
    return releases


def _fixed(network: Network) -> tuple[Ints, Ints]:
    placed = network.fixed_starts >= 0
    return network.fixed_starts[placed], network.fixed_ends[placed]


def _left(network: Network, spans: tuple[Ints, Ints], horizon: int) -> Ints:
    """What fixed tasks leave of each capacity, [horizon, r]; 0 where they take too much."""
    left = np.tile(network.capacities, (horizon, 1))
    demands = network.demands[network.fixed_starts >= 0]
    for start, end, demand in zip(*spans, demands, strict=True):
        left[start:end] -= demand
    return np.maximum(left, 0)


def _links(network: Network, tasks: Ints) -> tuple[tuple[Ints, Ints], tuple[Ints, Ints]]:
    """Successors and predecessors among the free tasks, renumbered."""
    number = np.full(network.n, -1, np.int64)
    number[tasks] = np.arange(len(tasks))
    sides: list[tuple[Ints, Ints]] = []
    for first, links in (
        (network.successors_first, network.successors),
        (network.predecessors_first, network.predecessors),
    ):
        lists = [number[links[first[i] : first[i + 1]]] for i in tasks.tolist()]
        sides.append(flat([one[one >= 0].tolist() for one in lists]))
    return sides[0], sides[1]


def _words(capacities: Ints) -> list[list[tuple[int, int]]]:
    """For each word its capacities with the bit their fields begin at; at least one word."""
    words: list[list[tuple[int, int]]] = [[]]
    at = 0
    for capacity, units in enumerate(capacities.tolist()):
        width = units.bit_length() + 1
        if at + width > _WORD_BITS:
            words.append([])
            at = 0
        words[-1].append((capacity, at))
        at += width
    return words


def _pack(values: Ints, words: list[list[tuple[int, int]]]) -> Ints:
    """[k, r] as [w, k]."""
    packed = np.zeros((len(words), len(values)), np.int64)
    for word, fields in enumerate(words):
        for capacity, at in fields:
            packed[word] |= values[:, capacity] << at
    return packed


def _guards(capacities: Ints, words: list[list[tuple[int, int]]]) -> Ints:
    guards = [
        sum(1 << (at + int(capacities[capacity]).bit_length()) for capacity, at in fields)
        for fields in words
    ]
    return np.array(guards, np.int64)
