"""Small changes of a policy, for the search: a rank, a lead, an arc, a person.

Each keeps the order consistent: a task stands after all that it waits for, so that no policy can
block itself.
"""

import numpy as np

from engines.planning.arrays import Ints
from engines.planning.chance import below, share
from engines.planning.compiled import compiled
from engines.planning.execution.events import IS_INSTANT, LEAD, RANK, WAITS, Facts, Steering

FAR = 24
"""How many ranks away an arc may begin."""
LEADS = 12
"""Leads of this many ranks are not told from unbounded ones."""
NEAR = 8
"""How many ranks a task moves at most, mostly."""
_HALF = 0.5
_WILD = 0.3
"""How often a task may move to any rank."""
TOLERANCES = np.array([0.0, 0.25, 0.5, 1.0, 2.0, np.inf])
"""Of the planned duration."""


@compiled
def copy_steering(steering: Steering, into: Steering) -> None:
    """Make `into` the same policy."""
    into.order[:] = steering.order
    into.tasks[:] = steering.tasks
    into.later[:] = steering.later
    into.preferred[:] = steering.preferred
    into.tolerance[:] = steering.tolerance


@compiled
def change(facts: Facts, steering: Steering, own: Ints, weights: Ints, chance: Ints) -> bool:
    """Change the policy a little; whether anything has changed.

    `own` [n]: how many successors each task has by precedence, which stand first among the
    later ones. `weights` [4]: how often a rank, lead, arc or person is changed, cumulated, of 100.
    """
    task = below(chance, len(own))
    if steering.tasks[task, IS_INSTANT] == 1 or facts.is_underway[task]:
        return False
    kind = below(chance, 100)
    if kind < weights[0]:
        return shift(steering, task, chance)
    if kind < weights[1]:
        return _change_lead(steering, task, chance)
    if kind < weights[2]:
        if share(chance) < _HALF:
            return _drop_arc(steering, task, own, chance)
        return _add_arc(facts, steering, task, chance)
    return _change_person(facts, steering, task, chance)


@compiled
def shift(steering: Steering, task: int, chance: Ints) -> bool:
    """Move a task to another rank between those it waits for and those that wait for it."""
    order, tasks, later = steering.order, steering.tasks, steering.later
    rank, n = tasks[task, RANK], len(order)
    high = n
    for k in range(1, later[task, 0] + 1):
        high = min(high, tasks[later[task, k], RANK])
    low = rank
    while low > 0 and not _precedes(later, int(order[low - 1]), task):
        low -= 1
    reach = 1 + below(chance, n if share(chance) < _WILD else NEAR)
    low, high = max(low, rank - reach), min(high - 1, rank + reach)
    to = low + below(chance, high - low + 1)
    if to == rank:
        return False
    step = 1 if to > rank else -1
    for at in range(rank, to, step):
        order[at] = order[at + step]
        tasks[order[at], RANK] = at
    order[to] = task
    tasks[task, RANK] = to
    return True


@compiled
def _precedes(later: Ints, earlier: int, task: int) -> bool:
    for k in range(1, later[earlier, 0] + 1):  # noqa: SIM110 - compiled code has no generators
        if later[earlier, k] == task:
            return True
    return False


@compiled
def _change_lead(steering: Steering, task: int, chance: Ints) -> bool:
    n = len(steering.order)
    lead = n if share(chance) < _HALF else below(chance, LEADS)
    changed = lead != steering.tasks[task, LEAD]
    steering.tasks[task, LEAD] = lead
    return changed


@compiled
def _add_arc(facts: Facts, steering: Steering, task: int, chance: Ints) -> bool:
    """Make a task wait for the end of one that stands before it."""
    rank, later = steering.tasks[task, RANK], steering.later
    if rank == 0:
        return False
    earlier = int(steering.order[rank - 1 - below(chance, min(rank, FAR))])
    if steering.tasks[earlier, IS_INSTANT] == 1 or _precedes(later, earlier, task):
        return False
    if later[earlier, 0] + 1 >= later.shape[1] or not _compete(facts, earlier, task):
        return False
    later[earlier, 0] += 1
    later[earlier, later[earlier, 0]] = task
    steering.tasks[task, WAITS] += 1
    return True


@compiled
def _compete(facts: Facts, one: int, other: int) -> bool:
    """Whether two tasks want the same capacity or the same person."""
    for r in range(facts.demands.shape[1]):
        if facts.demands[one, r] > 0 and facts.demands[other, r] > 0:
            return True
    for word in range(facts.able_sets.shape[1]):
        if facts.able_sets[one, word] & facts.able_sets[other, word]:
            return True
    return False


@compiled
def _drop_arc(steering: Steering, task: int, own: Ints, chance: Ints) -> bool:
    """Take back one of the arcs that begin at the task, or at one soon after it."""
    later, n = steering.later, len(own)
    for k in range(n):
        earlier = steering.order[(steering.tasks[task, RANK] + k) % n]
        arcs = int(later[earlier, 0] - own[earlier])
        if arcs > 0:
            at = 1 + own[earlier] + below(chance, arcs)
            steering.tasks[later[earlier, at], WAITS] -= 1
            later[earlier, at] = later[earlier, later[earlier, 0]]
            later[earlier, 0] -= 1
            return True
    return False


@compiled
def _change_person(facts: Facts, steering: Steering, task: int, chance: Ints) -> bool:
    first, last = facts.able_first[task], facts.able_first[task + 1]
    if last == first:
        return False
    if share(chance) < _HALF:
        steering.preferred[task] = facts.able[first + below(chance, last - first)]
    part = TOLERANCES[below(chance, len(TOLERANCES))]
    steering.tolerance[task] = part * facts.planned[task] if part > 0 else 0.0
    return True
