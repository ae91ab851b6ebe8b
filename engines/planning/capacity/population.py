"""A population of schedules on a ring, each of which mates with those near it.

A child competes with its own parent only, never with the worst of all, so that the population
stays varied for long: a cellular genetic algorithm (Alba & Dorronsoro 2008). How near mates have
to be matters little. Schedules are activity lists with two-point crossover (Hartmann 1998), each
justified (Valls, Ballestín, Quintanilla 2005) and its list read off its starts again.
"""

from typing import NamedTuple

import numpy as np

from engines.planning.arrays import Floats, Ints
from engines.planning.capacity.packed import Packed
from engines.planning.capacity.schedules import (
    Room,
    by_start,
    justify,
    place_forward,
    sequence_of,
)
from engines.planning.capacity.variation import cross, shift
from engines.planning.chance import below, drawn, share
from engines.planning.compiled import compiled

NEAR = 10
"""Mates are at most so far away on the ring."""
SHIFTS = 3
"""Random shifts in each child."""
REACH = 10
"""The most positions that a shift goes."""
NOISE = 0.5
"""How far sampled priorities are off, as a share of their range."""


class Population(NamedTuple):
    """p schedules of m tasks."""

    sequences: Ints  # [p, m]
    starts: Ints  # [p, m]
    makespans: Ints  # [p]
    best: Ints  # [m], starts of the best schedule ever
    best_makespan: Ints  # [1]


class Bench(NamedTuple):
    """What the making of a child takes beside the room for its schedule."""

    child: Ints  # [m]
    starts: Ints  # [m]
    taken: Ints  # [m]
    state: Ints  # [1]


def population_of(size: int, m: int) -> Population:
    """Places for `size` schedules, still empty."""
    return Population(
        sequences=np.zeros((size, m), np.int64),
        starts=np.zeros((size, m), np.int64),
        makespans=np.full(size, np.iinfo(np.int64).max, np.int64),
        best=np.zeros(m, np.int64),
        best_makespan=np.full(1, np.iinfo(np.int64).max, np.int64),
    )


def bench_of(m: int, state: Ints) -> Bench:
    """An empty bench with a random state."""
    return Bench(np.zeros(m, np.int64), np.zeros(m, np.int64), np.zeros(m, np.int64), state)


@compiled
def enter(
    packed: Packed, room: Room, bench: Bench, pool: Population, place: int, values: Floats
) -> None:
    """Put the schedule of priority values at a place in the population."""
    sequence_of(packed, values, bench.child)
    makespan = place_forward(packed, bench.child, room, bench.starts)
    makespan = justify(packed, room, makespan, bench.starts)
    _put(pool, bench, room, place, makespan)


@compiled
def fill(
    packed: Packed,
    room: Room,
    bench: Bench,
    pool: Population,
    places: tuple[int, int],
    values: Floats,
) -> None:
    """Sample the places from the first up to, without, the second, around priority values."""
    width = NOISE * (values.max() - values.min() + 1e-9)
    noisy = np.empty(len(values))
    for place in range(places[0], places[1]):
        for task in range(len(values)):
            noisy[task] = values[task] + width * share(bench.state)
        enter(packed, room, bench, pool, place, noisy)


@compiled
def evolve(packed: Packed, room: Room, bench: Bench, pool: Population, children: int) -> None:
    """Make children; each takes its parent's place if it is no longer and not there yet."""
    size, m = pool.sequences.shape
    for _ in range(children):
        place = below(bench.state, size)
        mate = _near(bench.state, place, size)
        rival = _near(bench.state, place, size)
        if pool.makespans[rival] < pool.makespans[mate]:
            mate = rival
        one, other = (place, mate) if drawn(bench.state) & 1 else (mate, place)
        length = m // 4 + below(bench.state, m // 2 + 1)
        begin = below(bench.state, m - length + 1)
        cuts = (begin, begin + length)
        cross(pool.sequences[one], pool.sequences[other], cuts, bench.taken, bench.child)
        for _ in range(SHIFTS):
            shift(packed, bench.child, REACH, bench.state)
        makespan = place_forward(packed, bench.child, room, bench.starts)
        makespan = justify(packed, room, makespan, bench.starts)
        if makespan <= pool.makespans[place] and not _is_near(pool, place, makespan, bench.starts):
            _put(pool, bench, room, place, makespan)


@compiled
def _near(state: Ints, place: int, size: int) -> int:
    """A place near another one on the ring."""
    return (place + (1 + below(state, NEAR)) * (2 * (drawn(state) & 1) - 1)) % size


@compiled
def _is_near(pool: Population, place: int, makespan: int, starts: Ints) -> bool:
    """Whether a schedule is there already, near a place."""
    size = len(pool.makespans)
    for step in range(-NEAR, NEAR + 1):
        at = (place + step) % size
        if pool.makespans[at] == makespan and _same(pool.starts[at], starts):
            return True
    return False


@compiled
def _same(one: Ints, other: Ints) -> bool:
    at = 0
    while at < len(one) and one[at] == other[at]:
        at += 1
    return at == len(one)


@compiled
def _put(pool: Population, bench: Bench, room: Room, place: int, makespan: int) -> None:
    by_start(bench.starts, room, pool.sequences[place])
    pool.starts[place] = bench.starts
    pool.makespans[place] = makespan
    if makespan < pool.best_makespan[0]:
        pool.best_makespan[0] = makespan
        pool.best[:] = bench.starts
