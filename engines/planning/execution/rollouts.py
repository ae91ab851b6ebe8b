"""A policy that looks ahead: at each decision it plays its own future out, and takes what ends best.

Rollout of a list policy (Bertsekas, Tsitsiklis and Wu, J. Heuristics 1997): the first few ready
tasks that could start, and waiting, are each followed by the list policy on sampled durations. What
has run for a while is sampled from what is left of its distribution; nothing else is known.
"""

from typing import NamedTuple

import numpy as np

from engines.planning.arrays import Floats, Ints
from engines.planning.capacity.chance import below
from engines.planning.compiled import compiled
from engines.planning.execution.dispatch import begin, go_on, settle
from engines.planning.execution.events import (
    END,
    LAST,
    NOW,
    RANK,
    START,
    Facts,
    State,
    Steering,
    add,
    copy_state,
    fits,
    new_state,
    place,
    push,
    soonest,
)

WAIT = -1


class Foresight(NamedTuple):
    """What a rollout draws from, and how much it looks at."""

    pool: Floats  # [P, n], sampled durations
    ranked: Floats  # [P, n], the same, each task's sorted
    options: int
    samples: int
    clear: float
    """Standard errors by which another option must be better than the policy's own."""
    block: int


@compiled
def look_ahead(
    facts: Facts, steering: Steering, foresight: Foresight, durations: Floats, chance: Ints
) -> tuple[Floats, Floats, Floats]:
    """Starts [S, n], ends [S, n] and makespans [S] of durations [S, n]."""
    state, future = new_state(facts), new_state(facts)
    starts, ends = np.empty(durations.shape), np.empty(durations.shape)
    makespans = np.empty(len(durations))
    for s in range(len(durations)):
        begin(facts, steering, state, durations[s])
        while True:
            settle(facts, steering, state, durations[s])
            _decide(facts, steering, foresight, (state, future), durations[s], chance)
            if state.events[0] == 0:
                break
            state.clock[NOW] = soonest(state.events, state.due)
        starts[s] = state.times[:, START]
        ends[s] = state.times[:, END]
        makespans[s] = state.clock[LAST] if state.ready[0] == 0 else np.inf
    return starts, ends, makespans


@compiled
def _decide(
    facts: Facts,
    steering: Steering,
    foresight: Foresight,
    states: tuple[State, State],
    durations: Floats,
    chance: Ints,
) -> None:
    state = states[0]
    options = np.empty(foresight.options + 1, np.int64)
    while True:
        count = _options(facts, state, options)
        if count == 0:
            return
        chosen = options[0]
        if count > 1 or state.events[0] > 0:
            chosen = _best(facts, steering, foresight, states, options[:count], chance)
        if chosen == WAIT:
            return
        start(facts, steering, state, chosen, durations[chosen])


@compiled
def _options(facts: Facts, state: State, options: Ints) -> int:
    """The first ready tasks that fit, and waiting where anything runs."""
    count = 0
    for at in range(1, state.ready[0] + 1):
        if count < len(options) - 1 and fits(facts.demands, state.free, state.ready[at]):
            options[count] = state.ready[at]
            count += 1
    if count > 0 and state.events[0] > 0:
        options[count] = WAIT
        count += 1
    return count


@compiled
def start(facts: Facts, steering: Steering, state: State, task: int, duration: float) -> None:
    kept = 0
    for at in range(1, state.ready[0] + 1):
        if state.ready[at] != task:
            kept += 1
            state.ready[kept] = state.ready[at]
    state.ready[0] = kept
    add(state.free, facts.demands, task, -1)
    now = state.clock[NOW]
    state.times[task, START] = now
    state.times[task, END] = now + duration
    place(state.is_placed, steering.tasks[task, RANK])
    push(state.events, state.due, task, now + duration)


@compiled
def _best(
    facts: Facts,
    steering: Steering,
    foresight: Foresight,
    states: tuple[State, State],
    options: Ints,
    chance: Ints,
) -> int:
    state, future = states
    count = len(options)
    found = np.zeros((count, foresight.samples))
    is_out = np.zeros(count, np.bool_)
    drawn = np.empty(foresight.pool.shape[1])
    first = below(chance, len(foresight.pool))
    for m in range(foresight.samples):
        drawn[:] = foresight.pool[(first + m) % len(foresight.pool)]
        _draw_rest(state, foresight.ranked, drawn, chance)
        for k in range(count):
            if not is_out[k]:
                found[k, m] = _play(facts, steering, (state, future), drawn, options[k])
        if (m + 1) % foresight.block == 0 and m + 1 < foresight.samples:
            if _drop(found[:, : m + 1], is_out) == 1:
                break
    best = 0
    total = 0.0
    for k in range(1, count):
        if is_out[k]:
            continue
        seen = m + 1
        gap = found[0, :seen] - found[k, :seen]
        mean = gap.mean()
        if mean > total and mean > foresight.clear * gap.std() / np.sqrt(seen):
            best, total = k, mean
    return options[best]


@compiled
def _drop(found: Floats, is_out: np.ndarray) -> int:
    """Drop what is clearly worse than the policy's own choice; how many remain."""
    remain = 1
    for k in range(1, len(found)):
        if not is_out[k]:
            gap = found[k] - found[0]
            if gap.mean() >= 0.5 * gap.std() / np.sqrt(len(gap)):
                is_out[k] = True
            else:
                remain += 1
    return remain


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
            drawn[task] = 1.1 * elapsed


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
        start(facts, steering, future, option, drawn[option])
    return go_on(facts, steering, future, drawn)
