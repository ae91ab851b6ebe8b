"""What decides, while a project runs, which ready task starts and who does it.

A policy is a list with three ways to hold a task back. A lead bounds how far a task may run ahead
of the list: none for any is the activity-based policy (Stork, "Stochastic resource-constrained
project scheduling", 2001), no bound is parallel dispatch. An arc makes a task wait for the end of
another one, as the pre-processor policies do (Ashtiani, Leus and Aryanezhad, J. Scheduling 2011;
Rostami, Creemers and Leus, J. Scheduling 2018). A preferred person makes it wait for somebody.
A plan executed with right shift is the policy whose arcs are the plan's flows, so that a search
over all of them is never worse than right shift or any priority rule that it began with.
"""

from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush

import numpy as np
from numpy.typing import NDArray

from engines.planning.arrays import Floats, Ints, Network, flat
from engines.planning.execution.events import IS_INSTANT, LEAD, RANK, WAITS, WORD, Facts, Steering

NOBODY = -1


@dataclass(frozen=True)
class Policy:
    """A list policy for one network; it sees a duration only when the task has ended."""

    name: str
    order: Ints  # [n], every task after its predecessors and after those its arcs wait for
    lead: Ints  # [n], how many ranks a task may be ahead of the first unstarted one
    arcs: Ints  # [a, 2], (earlier, later): the later one waits for the earlier one's end
    preferred: Ints  # [n], a person, or NOBODY
    tolerance: Floats  # [n], how much later an end is accepted for the preferred person; may be inf

    def named(self, name: str) -> "Policy":
        """The same under another name."""
        return replace(self, name=name)


def list_policy(network: Network, name: str, keys: Floats) -> Policy:
    """Parallel dispatch, the smallest key first, made to keep precedence."""
    n = network.n
    return Policy(
        name,
        consistent_order(network, keys),
        np.full(n, n, np.int64),
        np.empty((0, 2), np.int64),
        np.full(n, NOBODY, np.int64),
        np.zeros(n),
    )


def activity_based(policy: Policy) -> Policy:
    """The same list, its tasks started in its order."""
    return replace(policy, name=f"{policy.name}, in order", lead=np.zeros_like(policy.lead))


def with_people(policy: Policy, people: Ints, tolerance: Floats) -> Policy:
    """The same list with preferred people."""
    return replace(policy, preferred=people, tolerance=tolerance)


def classic_rules(network: Network, starts: Ints | None = None) -> list[Policy]:
    """Priority rules of the field, and the order of a plan's starts where there is a plan.

    Latest finish and start times from the critical path, most total successors (Kolisch 1996),
    and the greatest rank positional weight, here over all successors.
    """
    tails = tails_of(network)
    reach = reach_of(network)
    counts, weights = reach.sum(axis=1), reach @ network.durations + network.durations
    rules = [
        ("LFT", -(tails - network.durations)),
        ("LST", -tails),
        ("MTS", -counts),
        ("GRPW*", -weights),
    ]
    if starts is not None:
        rules.append(("plan order", starts + 1e-3 * np.argsort(np.argsort(-tails))))
    return [list_policy(network, name, np.asarray(keys, np.float64)) for name, keys in rules]


def tails_of(network: Network) -> Floats:
    """The longest expected path from each task's start to the project's end, [n]."""
    tails = network.durations.astype(np.float64)
    for task in network.order[::-1]:
        later = _of(network.successors_first, network.successors, task)
        if len(later):
            tails[task] += tails[later].max()
    return tails


def consistent_order(network: Network, keys: Floats, arcs: Ints | None = None) -> Ints:
    """All tasks by key, each after its predecessors and those that `arcs` make it wait for."""
    later_of = [
        [int(later) for later in _of(network.successors_first, network.successors, task)]
        for task in range(network.n)
    ]
    if arcs is not None:
        for earlier, later in arcs:
            later_of[int(earlier)].append(int(later))
    waits = np.zeros(network.n, np.int64)
    for later in later_of:
        np.add.at(waits, later, 1)
    return _by_key(later_of, waits, keys)


def _by_key(later_of: list[list[int]], waits: Ints, keys: Floats) -> Ints:
    heap = [(float(keys[i]), int(i)) for i in np.flatnonzero(waits == 0)]
    heapify(heap)
    order: list[int] = []
    while heap:
        _, task = heappop(heap)
        order.append(int(task))
        for later in later_of[task]:
            waits[later] -= 1
            if waits[later] == 0:
                heappush(heap, (float(keys[later]), later))
    return np.array(order, np.int64)


def reach_of(network: Network) -> NDArray[np.bool_]:
    """Whether the column's task comes after the row's, directly or not, [n, n]."""
    reach = np.zeros((network.n, network.n), np.bool_)
    for task in network.order[::-1]:
        for later in _of(network.successors_first, network.successors, task):
            reach[task] |= reach[later]
            reach[task, later] = True
    return reach


def _of(first: Ints, values: Ints, task: int) -> Ints:
    return values[first[task] : first[task + 1]]


def facts_of(network: Network, cv: Floats) -> Facts:
    """What an execution reads of a network, the policy expecting durations of that cv, [n]."""
    now = now_of(network)
    is_underway = underway_of(network)
    fixed_spans = network.fixed_ends - network.fixed_starts
    planned = np.where(is_underway, fixed_spans, network.durations).astype(np.float64)
    is_ahead = (network.fixed_starts > now) & ~is_underway
    able_first, able, able_durations = _able(network, is_ahead)
    return Facts(
        planned=planned,
        floors=np.asarray(cv * planned, np.float64),
        is_underway=is_underway,
        releases=np.where(is_ahead, network.fixed_starts, network.releases).astype(np.float64),
        fixed_starts=network.fixed_starts.astype(np.float64),
        fixed_people=network.fixed_people,
        demands=np.where(instant_of(network)[:, None], 0, network.demands),
        capacities=network.capacities,
        able_sets=_sets(able_first, able, network.people),
        able_first=able_first,
        able=able,
        able_durations=able_durations.astype(np.float64),
        absent_first=network.absent_first,
        absent_from=network.absent_from.astype(np.float64),
        absent_until=network.absent_until.astype(np.float64),
        now=float(now),
    )


def _sets(first: Ints, able: Ints, people: int) -> Ints:
    """The people of each task as a set, [n, w]."""
    sets = np.zeros((len(first) - 1, people // WORD + 1), np.int64)
    for task in range(len(sets)):
        for person in _of(first, able, task):
            sets[task, person // WORD] |= 1 << int(person % WORD)
    return sets


def _able(network: Network, is_ahead: NDArray[np.bool_]) -> tuple[Ints, Ints, Ints]:
    """Who may do each task; of one that is promised to somebody for later, only they."""
    who: list[list[int]] = []
    ticks: list[list[int]] = []
    for task in range(network.n):
        able = [int(one) for one in _of(network.able_first, network.able, task)]
        took = [int(one) for one in _of(network.able_first, network.able_durations, task)]
        person = int(network.fixed_people[task])
        if is_ahead[task] and person >= 0:
            known = dict(zip(able, took, strict=True))
            able, took = [person], [known.get(person, int(network.durations[task]))]
        who.append(able)
        ticks.append(took)
    first, flat_who = flat(who)
    return first, flat_who, flat(ticks)[1]


def steering_of(network: Network, policy: Policy, room: int = 0) -> Steering:
    """What an execution reads of a policy, with room for so many more arcs from each task."""
    n = network.n
    tasks = np.zeros((n, 4), np.int64)
    tasks[policy.order, RANK] = np.arange(n)
    tasks[:, LEAD] = policy.lead
    tasks[:, IS_INSTANT] = instant_of(network)
    waits = np.diff(network.predecessors_first)
    tasks[:, WAITS] = waits + np.bincount(policy.arcs[:, 1], minlength=n)
    own = np.diff(network.successors_first)
    counts = own + np.bincount(policy.arcs[:, 0], minlength=n)
    later = np.full((n, 1 + int(counts.max(initial=0)) + room), -1, np.int64)
    later[:, 0] = own
    for task in range(n):
        later[task, 1 : 1 + own[task]] = _of(network.successors_first, network.successors, task)
    for earlier, after in policy.arcs:
        later[earlier, 0] += 1
        later[earlier, later[earlier, 0]] = after
    return Steering(policy.order, tasks, later, policy.preferred, policy.tolerance)


def policy_of(network: Network, steering: Steering, name: str) -> Policy:
    """The policy that a search has written into its arrays."""
    own = np.diff(network.successors_first)
    arcs = [
        (earlier, int(after))
        for earlier in range(network.n)
        for after in steering.later[earlier, 1 + own[earlier] : 1 + steering.later[earlier, 0]]
    ]
    return Policy(
        name,
        steering.order.copy(),
        steering.tasks[:, LEAD].copy(),
        np.array(arcs, np.int64).reshape(-1, 2),
        steering.preferred.copy(),
        steering.tolerance.copy(),
    )


def instant_of(network: Network) -> NDArray[np.bool_]:
    """Which tasks need no time, and so nobody and nothing, [n]."""
    return (network.durations == 0) & ~underway_of(network)


def underway_of(network: Network) -> NDArray[np.bool_]:
    """Which tasks have begun by `now`, [n]."""
    return (network.fixed_starts >= 0) & (network.fixed_starts <= now_of(network))


def now_of(network: Network) -> int:
    """The earliest start of all: what lies before has happened."""
    return int(network.releases.min()) if network.n else 0
