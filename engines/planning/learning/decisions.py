"""The decisions of an execution one by one: who or what may start, and what the base would do.

An execution by `engines.planning.execution.dispatch` starts by rank whatever its policy lets
start. Here it stops before every start: the candidates are all ready (task, person) pairs that
find capacity, and waiting for the next event; the base policy's own choice is one of them.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engines.planning.arrays import Floats, Ints
from engines.planning.compiled import compiled
from engines.planning.execution.dispatch import begin, settle
from engines.planning.execution.events import (
    BUSY,
    END,
    LEAD,
    NOW,
    RANK,
    START,
    State,
    fits,
    is_any,
    new_state,
    place,
    push,
    soonest,
)
from engines.planning.execution.starts import absences_of, choose_person, give, present
from engines.planning.learning.case import Case

Singles = NDArray[np.float32]

MOST = 64
"""Candidates of a decision, without waiting; beyond them the worst ranks stay out."""
WAIT = -1
COUNT, BASE, MAY_WAIT, PASSED, STARTED = 0, 1, 2, 3, 4
"""Cells of `Desk.marks`: how many candidates without waiting; which one is the base's choice
(`COUNT` for waiting); 1 where one may wait; the rank up to which the base is through with its
list at this time; how many tasks started at this time."""
AHEAD, RUNNING, ENDED = 0, 1, 2
EXPECTED_END = 0
"""Cell of `Desk.outlook`: a lower bound of the expected end of all, at what is known."""


class Desk(NamedTuple):
    """What one execution works on."""

    state: State
    marks: Ints  # [5]
    tasks: Ints  # [most + 1], of each candidate; WAIT behind the last
    people: Ints  # [most + 1], -1 where capacities do the work
    rows: Singles  # [most + 1, features]
    stages: Ints  # [n], AHEAD, RUNNING or ENDED
    expected: Floats  # [n], expected ends of what has begun, earliest starts of the rest
    outlook: Floats  # [1]
    energy: Floats  # [r], expected capacity-ticks that are left


def new_desk(case: Case, width: int, most: int = MOST) -> Desk:
    """Room for an execution whose candidates have `width` features."""
    return Desk(
        new_state(case.facts),
        np.zeros(5, np.int64),
        np.zeros(most + 1, np.int64),
        np.zeros(most + 1, np.int64),
        np.zeros((most + 1, width), np.float32),
        np.zeros(len(case.traits), np.int64),
        np.zeros(len(case.traits)),
        np.zeros(1),
        np.zeros(len(case.facts.capacities)),
    )


@compiled
def open_up(case: Case, desk: Desk, durations: Floats) -> bool:
    """Begin an execution; whether there is anything to decide."""
    begin(case.facts, case.steering, desk.state, durations)
    desk.marks[PASSED] = -1
    desk.marks[STARTED] = 0
    return to_decision(case, desk, durations)


@compiled
def act(case: Case, desk: Desk, pick: int, durations: Floats) -> bool:
    """Start candidate `pick`, or wait where it is `COUNT`; whether there is more to decide."""
    if pick == desk.marks[COUNT]:
        let_pass(desk)
    else:
        start(case, desk, pick, durations)
    return to_decision(case, desk, durations)


@compiled
def let_pass(desk: Desk) -> None:
    """Move on to the next event."""
    state = desk.state
    state.clock[NOW] = soonest(state.events, state.due)
    desk.marks[PASSED] = -1
    desk.marks[STARTED] = 0


@compiled
def to_decision(case: Case, desk: Desk, durations: Floats) -> bool:
    """Let time pass until something may start; False where nothing is left."""
    state = desk.state
    while True:
        settle(case.facts, case.steering, state, durations)
        if state.ready[0] > 0:
            base, person = _base_choice(case, desk)
            _list(case, desk)
            if desk.marks[COUNT] > 0:
                _mark_base(desk, base, person)
                desk.marks[MAY_WAIT] = 1 if state.events[0] > 0 else 0
                _tell_stages(case.steering.tasks, state, desk.stages)
                return True
        if state.events[0] == 0:
            return False
        let_pass(desk)


@compiled
def _tell_stages(steered: Ints, state: State, stages: Ints) -> None:
    """What has begun and ended; a start in the state may be that of being ready."""
    now, times, is_placed = state.clock[NOW], state.times, state.is_placed
    for task in range(len(stages)):
        stages[task] = AHEAD
        if is_placed[1 + steered[task, RANK]] == 1 and times[task, START] >= 0:
            stages[task] = RUNNING if times[task, END] > now else ENDED


@compiled
def _base_choice(case: Case, desk: Desk) -> tuple[int, int]:
    """The task that the base policy would start next at this time, and by whom; or WAIT."""
    state, steered = desk.state, case.steering.tasks
    ready, is_placed, free = state.ready, state.is_placed, state.free
    for at in range(1, ready[0] + 1):
        task = ready[at]
        rank = steered[task, RANK]
        if rank <= desk.marks[PASSED] or rank - is_placed[0] > steered[task, LEAD]:
            continue
        if len(state.crew) > 0:
            if is_any(case.facts.able_sets[task], state.idle):
                person = choose_person(case.facts, case.steering, state, task)
                if person >= 0:
                    return task, person
        elif fits(case.facts.demands, free, task):
            return task, -1
    return WAIT, -1


@compiled
def _list(case: Case, desk: Desk) -> None:
    """Write down the candidates, by rank."""
    state = desk.state
    desk.marks[COUNT] = 0
    for at in range(1, state.ready[0] + 1):
        task = state.ready[at]
        if len(state.crew) > 0:
            _list_people(case, desk, task)
        elif fits(case.facts.demands, state.free, task):
            _add(desk.marks, desk.tasks, desk.people, task, -1)
    desk.tasks[desk.marks[COUNT]], desk.people[desk.marks[COUNT]] = WAIT, -1


@compiled
def _list_people(case: Case, desk: Desk, task: int) -> None:
    """Everyone who is able, free and there is a candidate for the task."""
    now, crew = desk.state.clock[NOW], desk.state.crew
    for at in range(case.facts.able_first[task], case.facts.able_first[task + 1]):
        person = case.facts.able[at]
        if crew[person, BUSY] < 0 and present(absences_of(case.facts, person), now) <= now:
            _add(desk.marks, desk.tasks, desk.people, task, person)


@compiled
def _add(marks: Ints, tasks: Ints, people: Ints, task: int, person: int) -> None:
    at = marks[COUNT]
    if at < len(tasks) - 1:
        tasks[at], people[at] = task, person
        marks[COUNT] = at + 1


@compiled
def _mark_base(desk: Desk, task: int, person: int) -> None:
    """Find the base's choice; the first candidate where it would wait and nothing comes."""
    count = desk.marks[COUNT]
    desk.marks[BASE] = count if desk.state.events[0] > 0 else 0
    for at in range(count):
        if desk.tasks[at] == task and desk.people[at] == person:
            desk.marks[BASE] = at


@compiled
def start(case: Case, desk: Desk, pick: int, durations: Floats) -> None:
    """Start a candidate now."""
    state, steered = desk.state, case.steering.tasks
    task, person = desk.tasks[pick], desk.people[pick]
    _leave(state.ready, task)
    if pick == desk.marks[BASE]:
        desk.marks[PASSED] = steered[task, RANK]
    desk.marks[STARTED] += 1
    if person >= 0:
        give(case.facts, case.steering, state, (task, person), float(durations[task]))
        return
    now = state.clock[NOW]
    for k in range(len(state.free)):
        state.free[k] -= case.facts.demands[task, k]
    state.times[task, START] = now
    state.times[task, END] = now + durations[task]
    place(state.is_placed, steered[task, RANK])
    push(state.events, state.due, task, now + durations[task])


@compiled
def _leave(ready: Ints, task: int) -> None:
    """Take a task off the ready ones, which stay ordered."""
    kept = 0
    for at in range(1, ready[0] + 1):
        if ready[at] != task:
            kept += 1
            ready[kept] = ready[at]
    ready[0] = kept
