"""A plan in the making: a precedence-feasible list of tasks and a person for each.

Each person does theirs in the list's order, each as soon as its predecessors, its release and the
person allow. Every plan in which nothing can start earlier without another order is such a list
of some order, so nothing is lost by never going back into a gap.
"""

from typing import NamedTuple

import numpy as np

from engines.planning.arrays import Ints
from engines.planning.compiled import compiled
from engines.planning.staffing.crew import Calendars, Crew, Links


class Draft(NamedTuple):
    """Of n tasks, f of them free, and p people.

    Each person's free tasks are a chain in the list's order. It begins and ends at node n + person,
    whose end is when they are free from. Person p is nobody, who does milestones: that has no
    chain, and is node n + p.
    """

    order: Ints  # [f], the list
    places: Ints  # [n], where in the list a task is
    people: Ints  # [n]
    ticks: Ints  # [n], of presence, that the task takes its person
    before: Ints  # [n + p + 1], the node before a task, or the last of a person
    behind: Ints  # [n + p + 1], the node after a task, or the first of a person
    loads: Ints  # [p], ticks of presence, what is fixed included
    starts: Ints  # [n]
    ends: Ints  # [n + p + 1]


def empty_draft(crew: Crew) -> Draft:
    """A draft in which only what is fixed has its place."""
    n, people = len(crew.hands.takes), len(crew.fixed.loads)
    nodes = n + people + 1
    draft = Draft(
        order=crew.links.free.copy(),
        places=np.full(n, -1, np.int64),
        people=np.full(n, people, np.int64),
        ticks=np.zeros(n, np.int64),
        before=np.full(nodes, nodes - 1, np.int64),
        behind=np.full(nodes, nodes - 1, np.int64),
        loads=crew.fixed.loads.copy(),
        starts=crew.fixed.starts.copy(),
        ends=np.zeros(nodes, np.int64),
    )
    draft.ends[:n] = crew.fixed.ends
    draft.ends[n:-1] = crew.calendars.free_from
    return draft


@compiled
def _first_after(until: Ints, low: int, high: int, tick: int) -> int:
    """The first of the ordered spans low..high - 1 that ends after a tick, `high` for none."""
    while low < high:
        middle = (low + high) // 2
        if until[middle] > tick:
            high = middle
        else:
            low = middle + 1
    return low


@compiled
def _present_from(calendars: Calendars, person: int, tick: int) -> int:
    """The first tick from `tick` on at which a person is there."""
    stop = calendars.absent_first[person + 1]
    i = _first_after(calendars.absent_until, calendars.absent_first[person], stop, tick)
    while i < stop and calendars.absent_from[i] <= tick:
        tick = calendars.absent_until[i]
        i += 1
    return tick


@compiled
def _worked_until(calendars: Calendars, person: int, start: int, ticks: int) -> int:
    """When somebody who starts at a tick of presence has been there for `ticks` of them."""
    stop = calendars.absent_first[person + 1]
    i = _first_after(calendars.absent_until, calendars.absent_first[person], stop, start)
    while i < stop and calendars.absent_from[i] < start + ticks:
        ticks -= calendars.absent_from[i] - start
        start = calendars.absent_until[i]
        i += 1
    return start + ticks


@compiled
def placed(calendars: Calendars, person: int, earliest: int, ticks: int) -> tuple[int, int]:
    """Start and end of `ticks` of work in a person's first gap that holds them.

    Absences interrupt the work, fixed tasks do not: it lies before or after them.
    """
    start = earliest
    if not calendars.hindered[person]:
        return start, start + ticks
    stop = calendars.blocked_first[person + 1]
    i = _first_after(calendars.blocked_until, calendars.blocked_first[person], stop, start)
    while True:
        start = _present_from(calendars, person, start)
        end = _worked_until(calendars, person, start, ticks)
        while i < stop and calendars.blocked_until[i] <= start:
            i += 1
        if i >= stop or calendars.blocked_from[i] >= end:
            return start, end
        start = calendars.blocked_until[i]


@compiled
def ready_at(links: Links, ends: Ints, task: int) -> int:
    """When its release and its predecessors let a task start."""
    tick: int = links.releases[task]
    for j in range(links.predecessors_first[task], links.predecessors_first[task + 1]):
        earlier: int = links.predecessors[j]
        tick = max(tick, ends[earlier])
    return tick


@compiled
def decode(crew: Crew, draft: Draft, begin: int, most: float) -> bool:
    """Starts and ends of the list from a place on; False, midway, if they cannot end by `most`."""
    if crew.calendars.hindered.any():
        return _decode_hindered(crew, draft, begin, most)
    return _decode_free(crew.links, draft, begin, most)


@compiled
def _decode_hindered(crew: Crew, draft: Draft, begin: int, most: float) -> bool:
    links, calendars = crew.links, crew.calendars
    for i in range(begin, len(draft.order)):
        task: int = draft.order[i]
        last: int = draft.before[task]
        start = max(ready_at(links, draft.ends, task), draft.ends[last])
        start, end = placed(calendars, draft.people[task], start, draft.ticks[task])
        draft.starts[task] = start
        draft.ends[task] = end
        if end + links.tails[task] > most:
            return False
    return True


@compiled
def _decode_free(links: Links, draft: Draft, begin: int, most: float) -> bool:
    """The same where all are always there. Written out: calls would cost more than the work."""
    ends = draft.ends
    for i in range(begin, len(draft.order)):
        task: int = draft.order[i]
        last: int = draft.before[task]
        start: int = links.releases[task]
        end: int = ends[last]
        start = max(start, end)
        for j in range(links.predecessors_first[task], links.predecessors_first[task + 1]):
            earlier: int = links.predecessors[j]
            end = ends[earlier]
            start = max(start, end)
        end = start + draft.ticks[task]
        draft.starts[task] = start
        ends[task] = end
        if end + links.tails[task] > most:
            return False
    return True


@compiled
def relink(crew: Crew, draft: Draft) -> None:
    """Places, chains and loads, from the list and its people."""
    n = len(draft.people)
    draft.loads[:] = crew.fixed.loads
    for node in range(n, len(draft.before)):
        draft.before[node] = node
        draft.behind[node] = node
    for i in range(len(draft.order)):
        draft.places[draft.order[i]] = i
    for i in range(len(draft.order)):
        link(crew.hands.takes, draft, draft.order[i])


@compiled
def link(takes: Ints, draft: Draft, task: int) -> None:
    """Into the chain of its person, behind whoever of the chain is before it in the list."""
    person = draft.people[task]
    if person == len(draft.loads):
        return
    draft.ticks[task] = takes[task, person]
    draft.loads[person] += draft.ticks[task]
    n = len(draft.people)
    place = draft.places[task]
    last = draft.before[n + person]
    while last < n and draft.places[last] > place:
        last = draft.before[last]
    following = draft.behind[last]
    draft.behind[last] = task
    draft.before[following] = task
    draft.before[task] = last
    draft.behind[task] = following


@compiled
def unlink(draft: Draft, task: int) -> None:
    """Out of the chain of its person."""
    person = draft.people[task]
    if person == len(draft.loads):
        return
    draft.loads[person] -= draft.ticks[task]
    last, following = draft.before[task], draft.behind[task]
    draft.behind[last] = following
    draft.before[following] = last


@compiled
def tidy(draft: Draft) -> None:
    """Sort the list by ends: what is near in time becomes near in the list, and no start changes.

    Tasks that end at once keep their order, so that a milestone stays behind what it waits for.
    """
    order = draft.order
    for i in range(1, len(order)):
        task = order[i]
        j = i - 1
        while j >= 0 and draft.ends[order[j]] > draft.ends[task]:
            order[j + 1] = order[j]
            j -= 1
        order[j + 1] = task
    for i in range(len(order)):
        draft.places[order[i]] = i
