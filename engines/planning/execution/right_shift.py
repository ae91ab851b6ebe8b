"""A plan executed as it is: the same tasks after each other, each as soon as it can.

What a plan hands on becomes precedence. With people that is each person's sequence. With
capacities it is a flow network: every unit that a task takes comes from a task that has left it,
chain by chain (Policella et al., "From precedence constraint posting to partial order schedules",
AI Communications 2007), first from those it waits for anyway.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from engines.planning.arrays import Floats, Ints, Network
from engines.planning.execution.dispatch import run
from engines.planning.execution.policies import (
    NOBODY,
    Policy,
    consistent_order,
    list_policy,
    reach_of,
    underway_of,
)

NAME = "right shift"
_NO_CHAIN = (-1, 0)


def right_shift(network: Network, starts: Ints, people: Ints | None, durations: Floats) -> Floats:
    """When each task starts [S, n] where a plan is executed with right shift.

    `starts` [n] and `people` [n] (NOBODY where nobody is needed) are the plan's. A task starts
    when all have ended that it waits for, by precedence or for what they hand on; that may be
    earlier than planned, but not before its release.
    """
    return run(network, right_shift_policy(network, starts, people), durations).starts


def right_shift_policy(network: Network, starts: Ints, people: Ints | None) -> Policy:
    """The policy that executes a plan with right shift.

    A plan with capacities has many flow networks; in this one a unit comes, of those that a task
    has no other reason to wait for, from the one that has left it longest ago.
    """
    if people is not None:
        return _policy(network, starts, _sequences(network, starts, people), people)
    return _policy(network, starts, _flows(network, starts, _longest_ago), None)


def other_chainings(network: Network, starts: Ints) -> list[Policy]:
    """Right shift of a plan with capacities by other flow networks, for a search to begin with."""
    return [
        replace(_policy(network, starts, _flows(network, starts, prefers), None), name=name)
        for prefers, name in ((_last, "right shift, last"), (_largest, "right shift, largest"))
    ]


def _policy(network: Network, starts: Ints, arcs: Ints, people: Ints | None) -> Policy:
    keys = starts.astype(np.float64)
    policy = replace(
        list_policy(network, NAME, keys), order=consistent_order(network, keys, arcs), arcs=arcs
    )
    if people is None:
        return policy
    tolerance = np.where(people == NOBODY, 0.0, np.inf)
    return replace(policy, preferred=people, tolerance=tolerance)


def _in_time(network: Network, starts: Ints) -> list[int]:
    """Tasks that take time, by start."""
    rank = np.empty(network.n, np.int64)
    rank[network.order] = np.arange(network.n)
    tasks = np.lexsort((rank, starts))
    return [int(i) for i in tasks if network.durations[i] > 0 or underway_of(network)[i]]


def _sequences(network: Network, starts: Ints, people: Ints) -> Ints:
    arcs: list[tuple[int, int]] = []
    last: dict[int, int] = {}
    for task in _in_time(network, starts):
        person = int(people[task])
        if person in last:
            arcs.append((last[person], task))
        if person != NOBODY:
            last[person] = task
    return np.array(arcs, np.int64).reshape(-1, 2)


def _flows(network: Network, starts: Ints, prefers: Callable[[int, int], tuple[int, int]]) -> Ints:
    """The arcs of a flow network; of the tasks that could hand on, the least `prefers` first."""
    ends = starts + network.durations
    reach = reach_of(network)
    arcs: set[tuple[int, int]] = set()
    held = [{-1: int(units)} for units in network.capacities]
    for task in _in_time(network, starts):
        sources: set[int] = {-1}
        for resource, holders in enumerate(held):
            wanted = int(network.demands[task, resource])
            usable = [h for h in holders if h < 0 or ends[h] <= starts[task]]
            usable.sort(
                key=lambda h: (
                    h not in sources and not (h >= 0 and reach[h, task]),
                    prefers(int(ends[h]), holders[h]) if h >= 0 else _NO_CHAIN,
                )
            )
            for holder, units in _taken(usable, holders, wanted):
                holders[holder] -= units
                holders[task] = holders.get(task, 0) + units
                sources.add(holder)
        arcs.update((h, task) for h in sources if h >= 0 and not reach[h, task])
    return np.array(sorted(arcs), np.int64).reshape(-1, 2)


def _taken(usable: list[int], holders: dict[int, int], wanted: int) -> Iterator[tuple[int, int]]:
    """From whom how many units come."""
    for holder in usable:
        units = min(wanted, holders[holder])
        if units > 0:
            wanted -= units
            yield holder, units


def _longest_ago(end: int, units: int) -> tuple[int, int]:
    return end, -units


def _last(end: int, units: int) -> tuple[int, int]:
    return -end, -units


def _largest(end: int, units: int) -> tuple[int, int]:
    return -units, end
