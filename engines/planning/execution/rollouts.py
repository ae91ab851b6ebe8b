"""A policy that looks ahead: at each decision it plays out what may come, and takes the best.

Rollout of a list policy (Bertsekas, Tsitsiklis and Wu, J. Heuristics 1997): the first few ready
tasks that fit, and waiting, are each followed by the list policy on sampled durations. What has
run for a while is sampled from what is left of its distribution; nothing else is known. It costs
some thousand times what the list policy costs. For capacities only.
"""

from typing import NamedTuple

import numpy as np

from engines.planning.arrays import Floats, Ints, Network
from engines.planning.chance import below, seeded
from engines.planning.compiled import compiled
from engines.planning.execution.dispatch import Executed, begin, go_on, settle
from engines.planning.execution.events import (
    END,
    NOW,
    RANK,
    START,
    Bools,
    Facts,
    State,
    Steering,
    add,
    copy_state,
    fits,
    new_state,
    place,
    push,
    remove,
    soonest,
)
from engines.planning.execution.policies import Policy, facts_of, steering_of
from engines.planning.execution.scenarios import cv_of, draw_spread

WAIT = -1
OPTIONS = 3
"""Ready tasks that are looked at in a decision, beside waiting."""
BLOCK = 8
"""Samples between two looks at which options are worth more of them."""
BEHIND = 0.5
CLEAR = 2.0
"""Standard errors: an option that is behind the policy's own by BEHIND is dropped, and one is
taken in its place that is ahead by CLEAR."""
POOL = 1000
OVERDUE = 1.1
"""Times what it has taken, where a task takes longer than every sample."""


class Foresight(NamedTuple):
    """What a rollout draws from."""

    pool: Floats  # [P, n], sampled durations
    ranked: Floats  # [P, n], the same, each task's sorted
    samples: int


def run_ahead(
    network: Network,
    policy: Policy,
    durations: Floats,
    cv: float | Floats,
    *,
    samples: int = 64,
    seed: int = 0,
) -> Executed:
    """Execute durations [S, n], playing `samples` futures of each option out at every decision.

    Only for capacities. `cv` is what the durations are held to vary by.
    """
    assert not network.people
    pool = draw_spread(network, cv, POOL, seed)
    starts, ends = look_ahead(
        facts_of(network, cv_of(network, cv)),
        steering_of(network, policy),
        Foresight(pool, np.sort(pool, axis=0), samples),
        np.ascontiguousarray(durations),
        seeded(seed),
    )
    return Executed(starts, ends, None)


@compiled
def look_ahead(
    facts: Facts, steering: Steering, foresight: Foresight, durations: Floats, chance: Ints
) -> tuple[Floats, Floats]:
    """Starts and ends [S, n] of durations [S, n]."""
    state, future = new_state(facts), new_state(facts)
    first_chance = chance.copy()
    starts, ends = np.empty(durations.shape), np.empty(durations.shape)
    for s in range(len(durations)):
        chance[:] = first_chance  # what comes of a scenario does not depend on those before it
        begin(facts, steering, state, durations[s])
        while True:
            settle(facts, steering, state, durations[s])
            _decide(facts, steering, foresight, (state, future, durations[s]), chance)
            if state.events[0] == 0:
                break
            state.clock[NOW] = soonest(state.events, state.due)
        starts[s] = state.times[:, START]
        ends[s] = state.times[:, END]
    return starts, ends


@compiled
def _decide(
    facts: Facts,
    steering: Steering,
    foresight: Foresight,
    case: tuple[State, State, Floats],
    chance: Ints,
) -> None:
    """Start tasks until none fits or waiting is better."""
    state, future, durations = case
    options = np.empty(OPTIONS + 1, np.int64)
    while True:
        count = _options(facts, state, options)
        if count == 0:
            return
        at = 0
        if count > 1:
            found = np.zeros((count, foresight.samples))
            sight = (foresight, options[:count], found)
            at = _best(found[:, : _explore(facts, steering, sight, (state, future), chance)])
        if options[at] == WAIT:
            return
        _start(facts, steering, state, int(options[at]), float(durations[options[at]]))


@compiled
def _options(facts: Facts, state: State, options: Ints) -> int:
    """The first ready tasks that fit, and waiting where anything runs."""
    count = 0
    for at in range(1, state.ready[0] + 1):
        if count < OPTIONS and fits(facts.demands, state.free, int(state.ready[at])):
            options[count] = state.ready[at]
            count += 1
    if count > 0 and state.events[0] > 0:
        options[count] = WAIT
        count += 1
    return count


@compiled
def _start(facts: Facts, steering: Steering, state: State, task: int, duration: float) -> None:
    at = 1
    while state.ready[at] != task:
        at += 1
    remove(state.ready, at)
    add(state.free, facts.demands, task, -1)
    now = state.clock[NOW]
    state.times[task, START] = now
    state.times[task, END] = now + duration
    place(state.is_placed, steering.tasks[task, RANK])
    push(state.events, state.due, task, now + duration)


@compiled
def _explore(
    facts: Facts,
    steering: Steering,
    sight: tuple[Foresight, Ints, Floats],
    states: tuple[State, State],
    chance: Ints,
) -> int:
    """Play the options out, in `found` [options, samples]; how many samples were needed.

    An option that was dropped has no makespan from there on, which is infinite.
    """
    foresight, options, found = sight
    is_out = np.zeros(len(options), np.bool_)
    pool, first = foresight.pool, below(chance, len(foresight.pool))
    drawn = np.empty(pool.shape[1])
    for m in range(foresight.samples):
        drawn[:] = pool[(first + m) % len(pool)]
        _draw_rest(states[0], foresight.ranked, drawn, chance)
        for k in range(len(options)):
            found[k, m] = np.inf
            if not is_out[k]:
                found[k, m] = _play(facts, steering, states, drawn, int(options[k]))
        if (m + 1) % BLOCK == 0 and _drop(found[:, : m + 1], is_out) == 0:
            return m + 1
    return foresight.samples


@compiled
def _drop(found: Floats, is_out: Bools) -> int:
    """Drop what is behind the policy's own choice; how many others remain."""
    remain = 0
    for k in range(1, len(found)):
        if not is_out[k]:
            gap = found[k] - found[0]
            is_out[k] = gap.mean() >= BEHIND * gap.std() / np.sqrt(len(gap))
            remain += 0 if is_out[k] else 1
    return remain


@compiled
def _best(found: Floats) -> int:
    """The option that is clearly ahead by most, or the policy's own."""
    best, most = 0, 0.0
    for k in range(1, len(found)):
        if np.isinf(found[k, -1]):
            continue
        gap = found[0] - found[k]
        ahead = gap.mean()
        if ahead > most and ahead > CLEAR * gap.std() / np.sqrt(len(gap)):
            best, most = k, ahead
    return best


@compiled
def _draw_rest(state: State, ranked: Floats, drawn: Floats, chance: Ints) -> None:
    """Sampled durations of what runs, given how long it has run."""
    n, now = ranked.shape[1], state.clock[NOW]
    for at in range(1, state.events[0] + 1):
        task = state.events[at]
        if task >= n:
            continue
        elapsed = now - state.times[task, START]
        low, high = 0, len(ranked)
        while low < high:
            middle = (low + high) // 2
            if ranked[middle, task] > elapsed:
                high = middle
            else:
                low = middle + 1
        if low < len(ranked):
            drawn[task] = ranked[low + below(chance, len(ranked) - low), task]
        else:
            drawn[task] = OVERDUE * elapsed


@compiled
def _play(
    facts: Facts, steering: Steering, states: tuple[State, State], drawn: Floats, option: int
) -> float:
    state, future = states
    n = len(drawn)
    copy_state(state, future)
    for at in range(1, future.events[0] + 1):
        task = future.events[at]
        if task < n:
            future.due[at] = future.times[task, START] + drawn[task]
    if option == WAIT:
        future.clock[NOW] = soonest(future.events, future.due)
    else:
        _start(facts, steering, future, option, float(drawn[option]))
    return go_on(facts, steering, future, drawn)
