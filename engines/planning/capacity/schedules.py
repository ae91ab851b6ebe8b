"""Schedules from sequences and priorities: serial and parallel generation, and justification.

The serial scheme places each task of a sequence at its earliest; the parallel scheme walks through
time and starts what fits, the best priority first (Kolisch 1996). Justification shifts every task
to the right, the last one first, and then to the left again: the makespan never grows and often
shrinks (Valls, Ballestín, Quintanilla 2005).
"""

from typing import NamedTuple

import numpy as np

from engines.planning.arrays import Floats, Ints, Network
from engines.planning.capacity.packed import Numbering, Packed, Side, pack
from engines.planning.compiled import compiled


class Room(NamedTuple):
    """Working memory of one schedule in the making."""

    free: Ints  # [w, h]
    touched: Ints  # [1], slots from here on are as in the network
    order: Ints  # [m]
    counts: Ints  # [h + 1]
    mirrored: Ints  # [m], starts as seen from the end of time


def room_of(packed: Packed) -> Room:
    """Room for a network's schedules."""
    m, horizon = len(packed.durations), packed.free.shape[1]
    return Room(
        free=packed.free.copy(),
        touched=np.zeros(1, np.int64),
        order=np.zeros(m, np.int64),
        counts=np.zeros(horizon + 1, np.int64),
        mirrored=np.zeros(m, np.int64),
    )


def list_schedule(network: Network, priority: Ints | Floats) -> Ints:
    """Starts [n] of the serial scheme: of the tasks that may come next, the lowest value first.

    A sequence that respects precedence is given as each task's position in it.
    """
    packed, numbering = pack(network)
    return schedule_by(packed, numbering, network, priority)


def schedule_by(
    packed: Packed, numbering: Numbering, network: Network, priority: Ints | Floats
) -> Ints:
    """As `list_schedule`, of a network that is packed already."""
    values = np.asarray(priority, np.float64)[numbering.tasks]
    starts = np.zeros(len(values), np.int64)
    sequence = np.zeros(len(values), np.int64)
    sequence_of(packed, values, sequence)
    place_forward(packed, sequence, room_of(packed), starts)
    return unpacked(network, numbering, starts)


def parallel_schedule(network: Network, priority: Ints | Floats) -> Ints:
    """Starts [n] of the parallel scheme: at each moment what fits starts, lowest value first."""
    packed, numbering = pack(network)
    values = np.asarray(priority, np.float64)[numbering.tasks]
    starts = np.zeros(len(values), np.int64)
    place_parallel(packed, values, room_of(packed), starts)
    return unpacked(network, numbering, starts)


def unpacked(network: Network, numbering: Numbering, starts: Ints) -> Ints:
    """Starts [n] in the network's own numbers and ticks, fixed tasks where they are."""
    placed = network.fixed_starts.copy()
    placed[numbering.tasks] = starts * numbering.unit
    return placed


@compiled
def earliest(free: Ints, guard: int, demand: int, duration: int, start: int) -> int:
    """The first start from `start` on with room for a demand, in one word of the profile.

    Looks at a window from its end, so that a conflict is jumped over whole and no slot is looked
    at twice.
    """
    end = start + duration
    seen = start
    at = end - 1
    while at >= seen:
        if (free[np.uint64(at)] - demand) & guard != guard:
            seen = end
            end = at + 1 + duration
            at = end
        at -= 1
    return end - duration


@compiled
def fitting(packed: Packed, room: Room, task: int, start: int) -> int:
    """The first start from `start` on with room for a task, in all words."""
    words = len(packed.guards)
    at = start
    word, agreed = 0, 0
    while agreed < words:
        demand, guard = packed.demands[word, task], packed.guards[word]
        later = earliest(room.free[word], guard, demand, packed.durations[task], at)
        agreed = agreed + 1 if later == at else 1
        at = later
        word = (word + 1) % words
    return at


@compiled
def occupy(packed: Packed, room: Room, task: int, start: int) -> None:
    """Take a task's demand out of the profile."""
    for word in range(len(packed.guards)):
        for at in range(start, start + packed.durations[task]):
            room.free[word, at] -= packed.demands[word, task]


@compiled
def clear(packed: Packed, room: Room) -> None:
    """The profile as the fixed tasks leave it."""
    for word in range(len(packed.guards)):
        for at in range(room.touched[0]):
            room.free[word, at] = packed.free[word, at]
    room.touched[0] = 0


@compiled
def clear_mirrored(packed: Packed, room: Room, makespan: int) -> None:
    """The profile as seen back from the makespan."""
    clear(packed, room)
    if not packed.is_flat:
        for word in range(len(packed.guards)):
            for at in range(makespan):
                room.free[word, at] = packed.free[word, makespan - 1 - at]
        room.touched[0] = makespan


@compiled
def place(packed: Packed, side: Side, sequence: Ints, room: Room, starts: Ints) -> int:
    """Each task of the sequence at its earliest; writes the starts, returns the makespan."""
    if len(packed.guards) == 1:
        last = _place_in_one_word(packed, side, sequence, room, starts)
    else:
        last = _place_in_words(packed, side, sequence, room, starts)
    room.touched[0] = max(room.touched[0], last)
    return last


@compiled
def _place_in_words(packed: Packed, side: Side, sequence: Ints, room: Room, starts: Ints) -> int:
    last = 0
    for task in sequence:
        start = int(side.floor[task])
        for link in range(side.first[task], side.first[task + 1]):
            other = side.links[link]
            start = max(start, int(starts[other] + packed.durations[other]))
        start = fitting(packed, room, task, start)
        starts[task] = start
        occupy(packed, room, task, start)
        last = max(last, int(start + packed.durations[task]))
    return last


@compiled
def _place_in_one_word(packed: Packed, side: Side, sequence: Ints, room: Room, starts: Ints) -> int:
    """The same where it takes most of the search's time.

    Indices are unsigned, as numba looks for negative ones otherwise, and arrays are taken out of
    their tuples first: together a fourth less time.
    """
    first, links, floor = side
    durations, demands, guard = packed.durations, packed.demands[0], packed.guards[0]
    free = room.free[0]
    last = 0
    for position in range(len(sequence)):
        task = np.uint64(sequence[np.uint64(position)])
        start = int(floor[task])
        for link in range(first[task], first[task + np.uint64(1)]):
            other = np.uint64(links[np.uint64(link)])
            start = max(start, int(starts[other] + durations[other]))
        demand, duration = int(demands[task]), int(durations[task])
        start = earliest(free, guard, demand, duration, start)
        starts[task] = start
        end = start + duration
        for at in range(start, end):
            free[np.uint64(at)] -= demand
        last = max(last, end)
    return last


@compiled
def place_forward(packed: Packed, sequence: Ints, room: Room, starts: Ints) -> int:
    """The serial scheme; the makespan includes what is fixed."""
    clear(packed, room)
    return max(packed.floor, place(packed, packed.forward, sequence, room, starts))


@compiled
def by_start(starts: Ints, room: Room, sequence: Ints) -> None:
    """Tasks in the order of their starts, a task before its successors at the same tick."""
    counts = room.counts
    last = 0
    for start in starts:
        last = max(last, start)
    counts[: last + 2] = 0
    for start in starts:
        counts[start + 1] += 1
    for at in range(last + 1):
        counts[at + 1] += counts[at]
    for task in range(len(starts)):
        sequence[counts[starts[task]]] = task
        counts[starts[task]] += 1


@compiled
def by_end(packed: Packed, starts: Ints, room: Room, makespan: int) -> None:
    """Into `room.order`: tasks in falling order of their ends, successors first at the same."""
    counts = room.counts
    counts[: makespan + 2] = 0
    for task in range(len(starts)):
        counts[makespan - starts[task] - packed.durations[task] + 1] += 1
    for at in range(makespan + 1):
        counts[at + 1] += counts[at]
    for task in range(len(starts) - 1, -1, -1):
        at = makespan - starts[task] - packed.durations[task]
        room.order[counts[at]] = task
        counts[at] += 1


@compiled
def justify(packed: Packed, room: Room, makespan: int, starts: Ints) -> int:
    """Shift all tasks to the right and back to the left; returns the makespan, never longer."""
    by_end(packed, starts, room, makespan)
    clear_mirrored(packed, room, makespan)
    place(packed, packed.backward, room.order, room, room.mirrored)
    for task in range(len(starts)):
        starts[task] = makespan - room.mirrored[task] - packed.durations[task]
    by_start(starts, room, room.order)
    return place_forward(packed, room.order, room, starts)


@compiled
def sequence_of(packed: Packed, values: Floats, sequence: Ints) -> None:
    """The sequence that takes, of the tasks whose predecessors are in, the one of lowest value."""
    m = len(values)
    waits_for = np.diff(packed.forward.first)
    ready = np.zeros(m, np.int64)
    count = 0
    for task in range(m):
        if waits_for[task] == 0:
            ready[count] = task
            count += 1
    for position in range(m):
        best = 0
        for at in range(1, count):
            if _comes_before(values, ready[at], ready[best]):
                best = at
        task = ready[best]
        sequence[position] = task
        count -= 1
        ready[best] = ready[count]
        for link in range(packed.backward.first[task], packed.backward.first[task + 1]):
            later = packed.backward.links[link]
            waits_for[later] -= 1
            if waits_for[later] == 0:
                ready[count] = later
                count += 1


@compiled
def _comes_before(values: Floats, one: int, other: int) -> bool:
    return values[one] < values[other] or (values[one] == values[other] and one < other)


@compiled
def place_parallel(packed: Packed, values: Floats, room: Room, starts: Ints) -> int:
    """The parallel scheme; writes the starts, returns the makespan.

    The next task is the one that can start earliest, the lowest value first among equals.
    """
    clear(packed, room)
    m = len(values)
    ready_at = packed.forward.floor.copy()
    waits_for = np.diff(packed.forward.first)
    now, last = 0, 0
    for _ in range(m):
        task, now = _next_startable(packed, values, room, (waits_for, ready_at), now)
        starts[task] = now
        occupy(packed, room, task, now)
        end = now + packed.durations[task]
        last = max(last, end)
        room.touched[0] = max(room.touched[0], end)
        waits_for[task] = -1
        for link in range(packed.backward.first[task], packed.backward.first[task + 1]):
            later = packed.backward.links[link]
            waits_for[later] -= 1
            ready_at[later] = max(ready_at[later], end)
    return max(packed.floor, last)


@compiled
def _next_startable(
    packed: Packed, values: Floats, room: Room, waiting: tuple[Ints, Ints], now: int
) -> tuple[int, int]:
    """The task to start next, and when."""
    waits_for, ready_at = waiting
    best, best_at = -1, 0
    for task in range(len(values)):
        if waits_for[task] == 0 and (best < 0 or ready_at[task] <= best_at):
            at = fitting(packed, room, task, max(now, ready_at[task]))
            if best < 0 or at < best_at or (at == best_at and values[task] < values[best]):
                best, best_at = task, at
    return best, best_at
