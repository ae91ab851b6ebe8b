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
    LEFT,
    NOW,
    PERSON,
    RANK,
    START,
    WAITS,
    WAKES,
    Facts,
    State,
    Steering,
    add,
    count_down,
    flip,
    leave,
    new_state,
    next_due,
    next_start,
    place,
    pop,
    push,
    remove,
    soonest,
    welcome,
)
from engines.planning.execution.policies import Policy, facts_of, steering_of
from engines.planning.execution.scenarios import cv_of
from engines.planning.execution.starts import start_with_people

TO_THE_END, TO_A_DECISION = 0, 1
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
    now = state.clock[NOW]
    state.times[task] = now
    welcome(steering.tasks, state.ready, state.events, state.due, task, now)


@compiled
def go_on(facts: Facts, steering: Steering, state: State, durations: Floats) -> float:
    """Execute from where the state stands, events of the present first, to the end.

    The makespan; infinite where the policy blocks itself.
    """
    _advance(facts, steering, state, durations, TO_THE_END)
    return np.inf if state.ready[0] > 0 else state.clock[LAST]


@compiled
def settle(facts: Facts, steering: Steering, state: State, durations: Floats) -> None:
    """Let everything happen that is due by now, and decide nothing."""
    _advance(facts, steering, state, durations, TO_A_DECISION)


@compiled
def _advance(facts: Facts, steering: Steering, state: State, durations: Floats, until: int) -> None:
    """The loop over events; every array is taken out of its tuple once, which is what costs."""
    events, due, clock, ready = state.events, state.due, state.clock, state.ready
    steered, later, tasks, times = steering.tasks, steering.later, state.tasks, state.times
    free, demands, freed, is_placed = state.free, facts.demands, state.freed, state.is_placed
    crew, idle, is_staffed, now = state.crew, state.idle, len(state.crew) > 0, clock[NOW]
    while True:
        at = next_due(events, due, now)
        while at > 0:
            event = pop(events, due, at)
            if event < len(durations):
                clock[LAST] = max(clock[LAST], times[event, END])
                add(free, demands, event, 1)
                leave(crew, idle, tasks[event, PERSON], event)
                for k in range(count_down(later, tasks, event, freed)):
                    times[freed[k]] = now
                    welcome(steered, ready, events, due, freed[k], now)
            else:
                _happen(steering, state, event)
            at = next_due(events, due, now)
        if until == TO_A_DECISION:
            return
        at = 0
        if is_staffed:
            start_with_people(facts, steering, state, durations)
        else:
            at = next_start(steered, ready, is_placed, free, demands, 1)
        while at > 0:
            task = remove(ready, at)
            add(free, demands, task, -1)
            times[task, START] = now
            times[task, END] = now + durations[task]
            place(is_placed, steered[task, RANK])
            push(events, due, task, times[task, END])
            at = next_start(steered, ready, is_placed, free, demands, at)
        if events[0] == 0:
            return
        now = soonest(events, due)
        clock[NOW] = now


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
