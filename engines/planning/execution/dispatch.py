"""Executions of a network under a policy, one for each scenario of durations."""

from dataclasses import dataclass

import numpy as np

from engines.planning.arrays import Floats, Ints, Network
from engines.planning.compiled import compiled
from engines.planning.execution.events import (
    BLOCKED,
    BUSY,
    END,
    IS_INSTANT,
    LAST,
    LEAD,
    LEFT,
    NOW,
    PERSON,
    RANK,
    SAME_TIME,
    START,
    WAITS,
    WAKES,
    Facts,
    State,
    Steering,
    count_down,
    flip,
    insert,
    new_state,
    place,
    pop,
    push,
    soonest,
)
from engines.planning.execution.policies import Policy, facts_of, steering_of
from engines.planning.execution.scenarios import cv_of
from engines.planning.execution.starts import start_with_people

ASSUMED_CV = 0.5
"""What a policy takes durations to vary by where nobody says."""


@dataclass(frozen=True)
class Executed:
    """What happened in S scenarios."""

    starts: Floats  # [S, n]
    ends: Floats  # [S, n]
    people: Ints | None  # [S, n], -1 for nobody; none where capacities do the work

    @property
    def makespans(self) -> Floats:
        """When each scenario's last task ended, [S]."""
        return self.ends.max(axis=1)


def run(
    network: Network, policy: Policy, durations: Floats, *, cv: float | Floats = ASSUMED_CV
) -> Executed:
    """Execute durations [S, n], each seen only when its task ends.

    `cv` is what the policy holds the durations to vary by: it only bears on when people who are
    late are expected to be free.
    """
    facts = facts_of(network, cv_of(network, cv))
    shape = durations.shape
    executed = Executed(np.empty(shape), np.empty(shape), np.empty(shape, np.int64))
    assert executed.people is not None
    _run(
        facts,
        steering_of(network, policy),
        np.ascontiguousarray(durations),
        executed.starts,
        executed.ends,
        executed.people,
    )
    return executed if network.people else Executed(executed.starts, executed.ends, None)


def makespans(
    network: Network, policy: Policy, durations: Floats, *, cv: float | Floats = ASSUMED_CV
) -> Floats:
    """Only the makespans of `run`, [S]."""
    facts = facts_of(network, cv_of(network, cv))
    return makespans_of(facts, steering_of(network, policy), np.ascontiguousarray(durations))


@compiled
def execute(facts: Facts, steering: Steering, state: State, durations: Floats) -> float:
    """One execution of durations [n]: the makespan; infinite where the policy blocks itself."""
    begin(facts, steering, state, durations)
    return go_on(facts, steering, state, durations)


@compiled
def begin(facts: Facts, steering: Steering, state: State, durations: Floats) -> None:
    """Stand at the beginning, with what is under way running and nothing decided."""
    n = len(durations)
    state.events[0] = 0
    state.ready[0] = 0
    state.is_placed[:] = 0
    state.clock[:] = facts.now
    state.free[:] = facts.capacities
    state.times[:] = -1.0
    state.tasks[:, PERSON] = -1
    state.crew[:, BUSY] = -1
    state.crew[:, WAKES] = 0
    state.idle[:] = 0
    for person in range(len(state.crew)):
        flip(state.idle, person)
    for task in range(n):
        state.tasks[task, LEFT] = steering.tasks[task, WAITS]
        if facts.is_underway[task]:
            _resume(facts, state, task, durations[task])
        elif facts.releases[task] > facts.now:
            state.tasks[task, LEFT] += 1
            push(state.events, state.due, n + task, facts.releases[task])
        elif steering.tasks[task, WAITS] == 0:
            _free(steering, state, task)
        if steering.tasks[task, IS_INSTANT] == 1 or facts.is_underway[task]:
            place(state.is_placed, steering.tasks[task, RANK])


@compiled
def _resume(facts: Facts, state: State, task: int, duration: float) -> None:
    start, person = facts.fixed_starts[task], facts.fixed_people[task]
    state.tasks[task, LEFT] = BLOCKED
    state.tasks[task, PERSON] = person
    state.times[task, START] = start
    state.times[task, END] = start + duration
    push(state.events, state.due, task, start + duration)
    if person >= 0 and start + duration > facts.now and state.crew[person, BUSY] < 0:
        state.crew[person, BUSY] = task
        flip(state.idle, person)
        state.expects[person] = start + facts.planned[task]
    for r in range(len(state.free)):
        state.free[r] -= facts.demands[task, r]


@compiled
def _free(steering: Steering, state: State, task: int) -> None:
    """What waits for nothing is ready, or, where it is instant, ends."""
    if steering.tasks[task, IS_INSTANT] == 1:
        state.times[task] = state.clock[NOW]
        push(state.events, state.due, task, state.clock[NOW])
    else:
        insert(steering.tasks, state.ready, task)


@compiled
def go_on(facts: Facts, steering: Steering, state: State, durations: Floats) -> float:
    """Execute from where the state stands, events of the present first, to the end."""
    events, clock, ready = state.events, state.clock, state.ready
    is_staffed = len(state.crew) > 0
    while True:
        settle(facts, steering, state)
        if ready[0] > 0:
            if is_staffed:
                start_with_people(facts, steering, state, durations)
            else:
                start_with_capacities(facts, steering, state, durations)
        if events[0] == 0:
            return np.inf if ready[0] > 0 else clock[LAST]
        clock[NOW] = soonest(events, state.due)


@compiled
def settle(facts: Facts, steering: Steering, state: State) -> None:
    """Let everything happen that is due by now."""
    events, due, clock, ready = state.events, state.due, state.clock, state.ready
    steered, later, tasks, times = steering.tasks, steering.later, state.tasks, state.times
    free, demands, freed, crew = state.free, facts.demands, state.freed, state.crew
    n, now = len(tasks), clock[NOW]
    at = 1
    while at <= events[0]:
        when = due[at]
        if when > now + SAME_TIME:
            at += 1
            continue
        event = pop(events, due, at)
        if event >= n:
            _happen(steering, state, event)
            continue
        clock[LAST] = max(clock[LAST], when)
        for r in range(len(free)):
            free[r] += demands[event, r]
        person = tasks[event, PERSON]
        if person >= 0 and crew[person, BUSY] == event:
            crew[person, BUSY] = -1
            flip(state.idle, person)
        for k in range(count_down(later, tasks, event, freed)):
            task = freed[k]
            if steered[task, IS_INSTANT] == 1:
                times[task] = now
                push(events, due, task, now)
            else:
                insert(steered, ready, task)


@compiled
def _happen(steering: Steering, state: State, event: int) -> None:
    """A release, or somebody's return."""
    n = len(state.tasks)
    if event >= 2 * n:
        state.crew[event - 2 * n, WAKES] = 0
        return
    state.tasks[event - n, LEFT] -= 1
    if state.tasks[event - n, LEFT] == 0:
        _free(steering, state, event - n)


@compiled
def start_with_capacities(
    facts: Facts, steering: Steering, state: State, durations: Floats
) -> None:
    """Start the ready tasks that fit, by rank (parallel schedule generation)."""
    steered, ready, is_placed = steering.tasks, state.ready, state.is_placed
    times, events, due = state.times, state.events, state.due
    free, demands, now = state.free, facts.demands, state.clock[NOW]
    kept = 0
    for at in range(1, ready[0] + 1):
        task = ready[at]
        is_held = steered[task, RANK] - is_placed[0] > steered[task, LEAD]
        if is_held or not fits(demands, free, task):
            kept += 1
            ready[kept] = task
            continue
        for r in range(len(free)):
            free[r] -= demands[task, r]
        times[task, START] = now
        times[task, END] = now + durations[task]
        place(is_placed, steered[task, RANK])
        push(events, due, task, now + durations[task])
    ready[0] = kept


@compiled
def fits(demands: Ints, free: Ints, task: int) -> bool:
    """Whether the free capacities are enough."""
    for r in range(len(free)):  # noqa: SIM110 - compiled code has no generators
        if demands[task, r] > free[r]:
            return False
    return True


@compiled
def makespans_of(facts: Facts, steering: Steering, durations: Floats) -> Floats:
    """The makespans of durations [S, n]."""
    state = new_state(facts)
    found = np.empty(len(durations))
    for s in range(len(durations)):
        found[s] = execute(facts, steering, state, durations[s])
    return found


@compiled
def _run(
    facts: Facts,
    steering: Steering,
    durations: Floats,
    starts: Floats,
    ends: Floats,
    people: Ints,
) -> None:
    state = new_state(facts)
    for s in range(len(durations)):
        execute(facts, steering, state, durations[s])
        starts[s] = state.times[:, START]
        ends[s] = state.times[:, END]
        people[s] = state.tasks[:, PERSON]
