"""Who starts a ready task, where people do the work.

It goes to whom it is expected to end with first, a preferred person's end counting as earlier by
the task's tolerance; where that person is busy or away, it waits.
"""

import numpy as np

from engines.planning.arrays import Floats, Ints
from engines.planning.compiled import compiled
from engines.planning.execution.events import (
    BUSY,
    END,
    LEAD,
    NOW,
    PERSON,
    RANK,
    START,
    WAKES,
    Facts,
    State,
    Steering,
    flip,
    is_any,
    place,
    push,
)


@compiled
def start_with_people(facts: Facts, steering: Steering, state: State, durations: Floats) -> None:
    """Start the ready tasks that somebody takes now, by rank."""
    steered, ready, is_placed = steering.tasks, state.ready, state.is_placed
    able_sets, idle = facts.able_sets, state.idle
    kept = 0
    for at in range(1, ready[0] + 1):
        task = ready[at]
        person = -1
        is_held = steered[task, RANK] - is_placed[0] > steered[task, LEAD]
        if not is_held and is_any(able_sets[task], idle):
            person = choose_person(facts, steering, state, task)
        if person >= 0:
            give(facts, steering, state, (task, person), float(durations[task]))
        else:
            kept += 1
            ready[kept] = task
    ready[0] = kept


@compiled
def give(
    facts: Facts, steering: Steering, state: State, pair: tuple[int, int], duration: float
) -> None:
    """Start a task with a person who is there and free."""
    task, person = pair
    now = state.clock[NOW]
    first, last = facts.able_first[task], facts.able_first[task + 1]
    ticks = expected_ticks(facts.able[first:last], facts.able_durations[first:last], person)
    absences = absences_of(facts, person)
    end = work(absences, now, duration * (ticks / facts.planned[task]))
    state.tasks[task, PERSON] = person
    state.crew[person, BUSY] = task
    flip(state.idle, person)
    state.expects[person] = work(absences, now, ticks)
    state.times[task, START] = now
    state.times[task, END] = end
    place(state.is_placed, steering.tasks[task, RANK])
    push(state.events, state.due, task, end)


@compiled
def expected_ticks(able: Ints, ticks: Floats, person: int) -> float:
    """Expected ticks of presence; infinite for those who are not able."""
    for k in range(len(able)):
        if able[k] == person:
            return ticks[k]
    return np.inf


@compiled
def absences_of(facts: Facts, person: int) -> tuple[Floats, Floats]:
    """From when until when somebody is away."""
    first, last = facts.absent_first[person], facts.absent_first[person + 1]
    return facts.absent_from[first:last], facts.absent_until[first:last]


@compiled
def present(absences: tuple[Floats, Floats], when: float) -> float:
    """The first time from `when` that is outside of the absences."""
    since, until = absences
    for k in range(len(since)):
        if since[k] <= when < until[k]:
            when = until[k]
    return when


@compiled
def work(absences: tuple[Floats, Floats], start: float, ticks: float) -> float:
    """When `ticks` of presence have passed since `start`."""
    since, until = absences
    end = start + ticks
    for k in range(len(since)):
        if until[k] > start and since[k] < end:
            end += until[k] - max(start, since[k])
    return end


@compiled
def choose_person(facts: Facts, steering: Steering, state: State, task: int) -> int:
    """Who starts the task now; -1 where it waits."""
    first, last = facts.able_first[task], facts.able_first[task + 1]
    able, ticks = facts.able[first:last], facts.able_durations[first:last]
    crew, expects, floors, now = state.crew, state.expects, facts.floors, state.clock[NOW]
    preferred, tolerance = steering.preferred[task], steering.tolerance[task]
    best, best_end, best_begin = -1, np.inf, np.inf
    for k in range(len(able)):
        person = able[k]
        begins, doing = now, crew[person, BUSY]
        if doing >= 0:
            begins = max(expects[person], now + floors[doing])
        end = begins + ticks[k]
        if facts.absent_first[person] < facts.absent_first[person + 1]:
            absences = absences_of(facts, person)
            begins = present(absences, float(begins))
            end = work(absences, begins, ticks[k])
        if person != preferred:
            end += tolerance
        if best < 0 or end < best_end or (end == best_end and begins < best_begin):
            best, best_end, best_begin = person, float(end), float(begins)
    if crew[best, BUSY] >= 0:
        return -1
    if best_begin > now and crew[best, WAKES] == 0:
        crew[best, WAKES] = 1
        push(state.events, state.due, 2 * len(floors) + best, best_begin)
    return best if best_begin <= now else -1
