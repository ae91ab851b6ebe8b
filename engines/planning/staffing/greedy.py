"""The list policy: tasks in priority order, each to the person with whom it ends best."""

from typing import NamedTuple

import numpy as np

from engines.planning.arrays import Floats, Ints
from engines.planning.compiled import compiled
from engines.planning.staffing.crew import Crew
from engines.planning.staffing.draft import Draft, placed, ready_at, relink, tidy


class Taste(NamedTuple):
    """How the policy chooses among people."""

    target: float  # ends by which the project can still end in time cost nothing: 0 for none
    loyalty: float  # ticks of delay that are put up with for whoever is wished for


@compiled
def _best_person(
    crew: Crew, draft: Draft, task: int, wished: int, left: Ints, taste: Taste
) -> tuple[int, int, int]:
    """Who gets a task, and its start and end with them; nobody for a milestone.

    What is best ends first by the project's end: after the task come its successors, and what
    else the person is wished for, `left` [p] ticks.
    """
    ready = ready_at(crew.links, draft.ends, task)
    n, nobody = len(draft.people), len(draft.loads)
    best, best_start, best_end, least = nobody, ready, ready, np.inf
    for j in range(crew.hands.first[task], crew.hands.first[task + 1]):
        person: int = crew.hands.able[j]
        last: int = draft.before[n + person]
        start = max(ready, draft.ends[last])
        start, end = placed(crew.calendars, person, start, crew.hands.takes[task, person])
        cost = max(0.0, end + max(crew.links.tails[task], left[person]) - taste.target)
        if wished >= 0 and person != wished:
            cost += taste.loyalty
        if cost < least or (cost == least and end < best_end):
            best, best_start, best_end, least = person, start, end, cost
    return best, best_start, best_end


@compiled
def _next_ready(priority: Floats, waits_for: Ints, free: Ints) -> int:
    """Of the tasks that wait for nothing, the one of highest priority."""
    best = -1
    for i in range(len(free)):
        task = free[i]
        if waits_for[task] == 0 and (best < 0 or priority[task] > priority[best]):
            best = task
    return best


@compiled
def give_all(crew: Crew, draft: Draft, priority: Floats, wished: Ints, taste: Taste) -> None:
    """Fill a draft anew.

    Args:
        crew: The problem.
        draft: What to fill; what was in it is gone.
        priority: [n], the highest first, as far as precedence allows.
        wished: [n], who should have it, -1 for anybody.
        taste: How to choose.
    """
    waits_for = np.diff(crew.links.predecessors_first)
    n, takes = len(draft.people), crew.hands.takes
    left = np.zeros(len(draft.loads), np.int64)
    for i in range(len(crew.links.free)):
        task: int = crew.links.free[i]
        if wished[task] >= 0 and takes[task, wished[task]] > 0:
            left[wished[task]] += takes[task, wished[task]]
    for node in range(n, len(draft.before)):
        draft.before[node] = node
    for i in range(len(draft.order)):
        task = _next_ready(priority, waits_for, crew.links.free)
        waits_for[task] = -1
        for j in range(crew.links.successors_first[task], crew.links.successors_first[task + 1]):
            waits_for[crew.links.successors[j]] -= 1
        wish: int = wished[task]
        if wish >= 0 and takes[task, wish] > 0:
            left[wish] -= takes[task, wish]
        person, start, end = _best_person(crew, draft, task, wish, left, taste)
        draft.order[i] = task
        draft.people[task] = person
        draft.starts[task] = start
        draft.ends[task] = end
        draft.before[n + person] = task if person < len(draft.loads) else n + person
    tidy(draft)
    relink(crew, draft)
