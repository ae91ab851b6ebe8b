"""A staffed problem as the kernels of this package read it.

What is fixed is taken out: it lies where it lies, its end counts as a release of what follows it
and its time is blocked for its person.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engines.planning.arrays import NEVER, Floats, Ints, Network, flat
from engines.planning.staffing.goals import Goals, Held
from engines.planning.timing import timing_of

PINNED = 10.0
"""What a tick costs by which a task ends after the pinned start of one that waits for it."""


class Links(NamedTuple):
    """Precedence among the f free tasks of n."""

    free: Ints  # [f], every one after its predecessors
    predecessors_first: Ints  # [n + 1]
    predecessors: Ints
    successors_first: Ints  # [n + 1]
    successors: Ints
    releases: Ints  # [n], the ends of fixed predecessors in it
    tails: Ints  # [n], ticks between the task's end and the project's, at the least


class Hands(NamedTuple):
    """Who is able to do what."""

    first: Ints  # [n + 1]
    able: Ints
    takes: Ints  # [n, p + 1], ticks of presence, -1 for who is not able; the last is nobody


class Calendars(NamedTuple):
    """When p people are not to be had. Spans are apart and in order."""

    free_from: Ints  # [p], before which no free task of theirs can start
    hindered: NDArray[np.bool_]  # [p + 1], whether there are any after that; the last is nobody
    absent_first: Ints  # [p + 1]
    absent_from: Ints
    absent_until: Ints
    blocked_first: Ints  # [p + 1], time with fixed tasks
    blocked_from: Ints
    blocked_until: Ints


class Fixed(NamedTuple):
    """What stays where it lies."""

    starts: Ints  # [n], -1 where free, as the next two
    ends: Ints  # [n]
    people: Ints  # [n]
    loads: Ints  # [p], ticks of fixed work
    end: int  # of the last


class Dues(NamedTuple):
    """Ends that should be kept, d of them. A task may have several."""

    tasks: Ints  # [d]
    ticks: Ints  # [d]
    prices: Floats  # [d], of a tick past it


class Prices(NamedTuple):
    """Those of `Goals`, and what the last two are about."""

    balance: float
    moves: float
    shift: float
    people: Ints  # [n], of the previous plan, -1 for nobody who is able
    starts: Ints  # [n], of the previous plan, -1 for none


class Crew(NamedTuple):
    """Of n tasks and p people, numbered as in the network."""

    links: Links
    hands: Hands
    calendars: Calendars
    fixed: Fixed
    dues: Dues
    prices: Prices
    milestones: Ints  # free tasks that need nobody


def crew_of(network: Network, goals: Goals, held: Held | None) -> Crew:
    """The arrays of a network under some goals."""
    is_free = network.fixed_starts < 0
    hands = _hands(network)
    return Crew(
        links=_links(network, is_free),
        hands=hands,
        calendars=_calendars(network, is_free),
        fixed=Fixed(
            network.fixed_starts,
            network.fixed_ends,
            network.fixed_people,
            _fixed_loads(network, is_free),
            int(network.fixed_ends.max(initial=0)),
        ),
        dues=_dues(network, goals, is_free),
        prices=_prices(goals, held, hands),
        milestones=np.flatnonzero(is_free & (np.diff(network.able_first) == 0)),
    )


def _links(network: Network, is_free: NDArray[np.bool_]) -> Links:
    n = network.n
    later = np.repeat(np.arange(n), np.diff(network.predecessors_first))
    earlier = network.predecessors
    releases = np.maximum(network.releases, 0)
    after_fixed = ~is_free[earlier]
    np.maximum.at(releases, later[after_fixed], network.fixed_ends[earlier[after_fixed]])
    inner = is_free[later] & is_free[earlier]
    later, earlier = later[inner], earlier[inner]
    return Links(
        free=network.order[is_free[network.order]],
        predecessors_first=_first(later, n),
        predecessors=earlier,
        successors_first=_first(earlier, n),
        successors=later[np.argsort(earlier, kind="stable")],
        releases=releases,
        tails=timing_of(network).tails,
    )


def _hands(network: Network) -> Hands:
    takes = np.full((network.n, network.people + 1), -1, np.int64)
    takes[np.diff(network.able_first) == 0, -1] = 0
    tasks = np.repeat(np.arange(network.n), np.diff(network.able_first))
    takes[tasks, network.able] = network.able_durations
    return Hands(network.able_first, network.able, takes)


def _calendars(network: Network, is_free: NDArray[np.bool_]) -> Calendars:
    blocked = _blocked(network, is_free)
    blocked_first, blocked_from = flat([[a for a, _ in spans] for spans in blocked])
    free_from = np.array(
        [_free_from(network, person, blocked[person], is_free) for person in range(network.people)],
        np.int64,
    )
    last = [
        max([0, *_of(network.absent_until, network.absent_first, person), *(b for _, b in theirs)])
        for person, theirs in enumerate(blocked)
    ]
    return Calendars(
        free_from,
        np.append(np.array(last) > free_from, False),
        network.absent_first,
        network.absent_from,
        network.absent_until,
        blocked_first,
        blocked_from,
        flat([[b for _, b in spans] for spans in blocked])[1],
    )


def _free_from(
    network: Network, person: int, blocked: list[tuple[int, int]], is_free: NDArray[np.bool_]
) -> int:
    """The first tick at which anything may start and the person is to be had."""
    tick = int(network.releases[is_free].min(initial=NEVER))
    absent = zip(
        _of(network.absent_from, network.absent_first, person),
        _of(network.absent_until, network.absent_first, person),
        strict=True,
    )
    for start, end in sorted([*absent, *blocked]):
        if start <= tick < end:
            tick = end
    return tick


def _of(values: Ints, first: Ints, person: int) -> list[int]:
    return values[first[person] : first[person + 1]].tolist()


def _first(keys: Ints, n: int) -> Ints:
    """Where each of n lists begins, from the list that each item of a flat one is in."""
    first = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(keys, minlength=n), out=first[1:])
    return first


def _blocked(network: Network, is_free: NDArray[np.bool_]) -> list[list[tuple[int, int]]]:
    """Each person's spans of fixed work; those that meet or overlap are one."""
    spans: list[list[tuple[int, int]]] = [[] for _ in range(network.people)]
    with_person = np.flatnonzero(~is_free & (network.fixed_people >= 0))
    for task in with_person[np.argsort(network.fixed_starts[with_person], kind="stable")]:
        theirs = spans[network.fixed_people[task]]
        start, end = int(network.fixed_starts[task]), int(network.fixed_ends[task])
        if start == end:
            continue
        if theirs and start <= theirs[-1][1]:
            start, before = theirs.pop()
            end = max(before, end)
        theirs.append((start, end))
    return spans


def _fixed_loads(network: Network, is_free: NDArray[np.bool_]) -> Ints:
    who = np.flatnonzero(~is_free & (network.fixed_people >= 0))
    loads = np.zeros(network.people, np.int64)
    np.add.at(loads, network.fixed_people[who], (network.fixed_ends - network.fixed_starts)[who])
    return loads


def _dues(network: Network, goals: Goals, is_free: NDArray[np.bool_]) -> Dues:
    """Deadlines, and the starts of pinned tasks that free ones come before."""
    prices = network.weights * goals.tardiness
    late = np.flatnonzero(is_free & (network.deadlines < NEVER) & (prices > 0))
    later = np.repeat(np.arange(network.n), np.diff(network.predecessors_first))
    earlier = network.predecessors
    # What is under way or done may be out of order: nothing can be early enough for that.
    pinned = is_free[earlier] & (network.fixed_starts[later] > network.releases[earlier])
    return Dues(
        np.concatenate([late, earlier[pinned]]),
        np.concatenate([network.deadlines[late], network.fixed_starts[later[pinned]]]),
        np.concatenate([prices[late], np.full(int(pinned.sum()), PINNED)]),
    )


def _prices(goals: Goals, held: Held | None, hands: Hands) -> Prices:
    n = len(hands.takes)
    if held is None:
        none = np.full(n, -1, np.int64)
        return Prices(float(goals.balance), 0.0, 0.0, none, none)
    people = held.people.astype(np.int64)
    people[(people >= 0) & (hands.takes[np.arange(n), people] < 0)] = -1
    starts = held.starts.astype(np.int64)
    return Prices(float(goals.balance), float(goals.moves), float(goals.shift), people, starts)
