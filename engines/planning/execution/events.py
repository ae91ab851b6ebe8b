"""What an execution reads and where it stands, and its list of events to come.

An event is a number: the end of task i is i, its release n + i, and the return of person p from
an absence 2 n + p. Rows of numbers stand together in tables with named columns, and a list's
length in its first cell: compiled code pays for every array that it takes out of a tuple, and
these are read some thousand times in an execution.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engines.planning.arrays import Floats, Ints
from engines.planning.compiled import compiled

Bools = NDArray[np.bool_]

SAME_TIME = 1e-9
"""Events this close are one, and the decision comes after all of them."""
BLOCKED = 1 << 30
"""More than any task waits for: nobody has to start it."""

RANK, LEAD, WAITS, IS_INSTANT = 0, 1, 2, 3
"""Columns of `Steering.tasks`: place in the order; how far a task may be ahead of the first
unstarted one; how many have to end before it; whether it needs no time and so nobody."""
LEFT, PERSON = 0, 1
"""Columns of `State.tasks`: how many ends it still waits for; who does it, or -1."""
START, END = 0, 1
"""Columns of `State.times`. A start is that of being ready before it is that of the work; an end is
written as the work starts, and no policy looks at it."""
NOW, LAST = 0, 1
"""Cells of `State.clock`: the time, and when the last task so far has ended."""
WORD = 62
"""People in a word of a set of people: person p is bit p % WORD of word p // WORD."""
BUSY, WAKES = 0, 1
"""Columns of `State.crew`: the task a person is at, or -1; whether their return is an event."""


class Facts(NamedTuple):
    """A network as an execution reads it."""

    planned: Floats  # [n], expected durations
    floors: Floats  # [n], what is expected to be left of a task that is overdue
    is_underway: Bools  # [n], began by `now`
    releases: Floats  # [n]
    fixed_starts: Floats  # [n]
    fixed_people: Ints  # [n], -1 where free
    demands: Ints  # [n, r]
    capacities: Ints  # [r]
    able_sets: Ints  # [n, w], a set of people
    able_first: Ints  # [n + 1]
    able: Ints  # [sum]
    able_durations: Floats  # [sum], expected ticks of presence
    absent_first: Ints  # [p + 1]
    absent_from: Floats  # [sum]
    absent_until: Floats  # [sum]
    now: float


class Steering(NamedTuple):
    """A policy as an execution reads it."""

    order: Ints  # [n], every task after those it waits for
    tasks: Ints  # [n, 4]
    later: Ints  # [n, 1 + k], how many tasks wait for this one's end, and which
    preferred: Ints  # [n], a person, or -1
    tolerance: Floats  # [n], ticks of a later end accepted for the preferred person


class State(NamedTuple):
    """Where an execution stands."""

    tasks: Ints  # [n, 2]
    times: Floats  # [n, 2]
    ready: Ints  # [1 + n], how many tasks may start, and which, by rank
    events: Ints  # [1 + 2 n + p], how many events are to come, and which
    due: Floats  # [1 + 2 n + p], when; the first cell is not used
    is_placed: Ints  # [1 + n], the first unstarted rank, and of each rank whether it is started
    free: Ints  # [r]
    idle: Ints  # [w], a set of people
    crew: Ints  # [p, 2]
    expects: Floats  # [p], when the task they are at was expected to end as it began
    clock: Floats  # [2]
    freed: Ints  # [n], scratch


@compiled
def new_state(facts: Facts) -> State:
    """Room for an execution."""
    n, p = len(facts.planned), len(facts.absent_first) - 1
    return State(
        np.zeros((n, 2), np.int64),
        np.zeros((n, 2), np.float64),
        np.zeros(1 + n, np.int64),
        np.zeros(1 + 2 * n + p, np.int64),
        np.zeros(1 + 2 * n + p, np.float64),
        np.zeros(1 + n, np.int64),
        np.zeros(len(facts.capacities), np.int64),
        np.zeros(facts.able_sets.shape[1], np.int64),
        np.zeros((p, 2), np.int64),
        np.zeros(p, np.float64),
        np.zeros(2, np.float64),
        np.zeros(n, np.int64),
    )


@compiled
def copy_state(state: State, into: State) -> None:
    """Make `into` stand where `state` stands."""
    ready, pending = state.ready[0] + 1, state.events[0] + 1
    into.tasks[:] = state.tasks
    into.times[:] = state.times
    into.ready[:ready] = state.ready[:ready]
    into.events[:pending] = state.events[:pending]
    into.due[:pending] = state.due[:pending]
    into.is_placed[:] = state.is_placed
    into.free[:] = state.free
    into.idle[:] = state.idle
    into.crew[:] = state.crew
    into.expects[:] = state.expects
    into.clock[:] = state.clock


@compiled
def push(events: Ints, due: Floats, event: int, when: float) -> None:
    """Let `event` happen at `when`."""
    at = events[0] + 1
    events[0] = at
    events[at] = event
    due[at] = when


@compiled
def pop(events: Ints, due: Floats, at: int) -> int:
    """Take the event in cell `at` off the list; the last one takes its cell."""
    event, last = events[at], events[0]
    events[at] = events[last]
    due[at] = due[last]
    events[0] = last - 1
    return event


@compiled
def next_due(events: Ints, due: Floats, now: float) -> int:
    """The cell of an event that is due by now, or 0."""
    for at in range(1, events[0] + 1):
        if due[at] <= now + SAME_TIME:
            return at
    return 0


@compiled
def soonest(events: Ints, due: Floats) -> float:
    """When the next event happens."""
    when = np.inf
    for at in range(1, events[0] + 1):
        when = min(when, due[at])
    return when


@compiled
def count_down(later: Ints, tasks: Ints, ended: int, freed: Ints) -> int:
    """Tell those who wait for `ended`; how many of them wait no more, written to `freed`."""
    count = 0
    for k in range(1, later[ended, 0] + 1):
        task = later[ended, k]
        tasks[task, LEFT] -= 1
        if tasks[task, LEFT] == 0:
            freed[count] = task
            count += 1
    return count


@compiled
def insert(steered: Ints, ready: Ints, task: int) -> None:
    """Put a task among the ready ones, by rank."""
    rank = steered[task, RANK]
    at = ready[0] + 1
    while at > 1 and steered[ready[at - 1], RANK] > rank:
        ready[at] = ready[at - 1]
        at -= 1
    ready[at] = task
    ready[0] += 1


@compiled
def welcome(steered: Ints, ready: Ints, events: Ints, due: Floats, task: int, now: float) -> None:
    """Take in a task that waits for nothing: it is ready, or, where it is instant, ends."""
    if steered[task, IS_INSTANT] == 1:
        push(events, due, task, now)
    else:
        insert(steered, ready, task)


@compiled
def remove(ready: Ints, at: int) -> int:
    """Take the task in cell `at` off the ready ones."""
    task = ready[at]
    for k in range(at, ready[0]):
        ready[k] = ready[k + 1]
    ready[0] -= 1
    return task


@compiled
def next_start(
    steered: Ints, ready: Ints, is_placed: Ints, free: Ints, demands: Ints, at: int
) -> int:
    """The first cell, from `at` on, of a ready task that fits and may start by its lead; or 0."""
    for k in range(at, ready[0] + 1):
        task = ready[k]
        if steered[task, RANK] - is_placed[0] <= steered[task, LEAD] and fits(demands, free, task):
            return k
    return 0


@compiled
def fits(demands: Ints, free: Ints, task: int) -> bool:
    """Whether the free capacities are enough."""
    for r in range(len(free)):  # noqa: SIM110 - compiled code has no generators
        if demands[task, r] > free[r]:
            return False
    return True


@compiled
def add(free: Ints, demands: Ints, task: int, sign: int) -> None:
    """Give back what a task takes of the capacities, or, with -1, take it."""
    for r in range(len(free)):
        free[r] += sign * demands[task, r]


@compiled
def leave(crew: Ints, idle: Ints, person: int, task: int) -> None:
    """Note that somebody, where it is anybody, has ended a task."""
    if person >= 0 and crew[person, BUSY] == task:
        crew[person, BUSY] = -1
        flip(idle, person)


@compiled
def place(is_placed: Ints, rank: int) -> None:
    """Note that the task of a rank has started, and move on to the first that has not."""
    is_placed[1 + rank] = 1
    first = is_placed[0]
    while first + 1 < len(is_placed) and is_placed[1 + first] == 1:
        first += 1
    is_placed[0] = first


@compiled
def is_any(people: Ints, others: Ints) -> bool:
    """Whether two sets of people have somebody in common."""
    for word in range(len(people)):  # noqa: SIM110 - compiled code has no generators
        if people[word] & others[word]:
            return True
    return False


@compiled
def flip(people: Ints, person: int) -> None:
    """Put somebody into a set, or take them out."""
    people[person // WORD] ^= 1 << (person % WORD)
