"""What a decision is worth, from simulating on from it by the base policy (compiled).

Rollouts (Bertsekas and Castañon, "Rollout algorithms for stochastic scheduling problems", 1999):
each candidate is begun in copies of the present whose future is sampled, the same samples for all.
They are the teacher that the scorer is first cloned from (classification-based policy iteration:
Lazaric, Ghavamzadeh and Munos, 2010), and a policy of their own, which nothing is learned in.
"""

from typing import NamedTuple

import numpy as np

from engines.planning.arrays import Floats
from engines.planning.compiled import compiled
from engines.planning.execution.dispatch import go_on
from engines.planning.execution.events import (
    END,
    LAST,
    NOW,
    START,
    State,
    copy_state,
    new_state,
    soonest,
)
from engines.planning.learning.case import CV, Case
from engines.planning.learning.decisions import (
    BASE,
    COUNT,
    MAY_WAIT,
    Desk,
    act,
    new_desk,
    open_up,
    start,
)
from engines.planning.learning.features import WIDTH

TRIES = 20


class Futures(NamedTuple):
    """Room for m sampled futures of n tasks and k candidates."""

    desk: Desk
    now: State
    durations: Floats  # [m, n]
    ends: Floats  # [m, k], the makespan of each future behind each candidate


def new_futures(case: Case, futures: int, most: int) -> Futures:
    """Room for the rollouts of one decision."""
    return Futures(
        new_desk(case, WIDTH, most),
        new_state(case.facts),
        np.zeros((futures, len(case.traits))),
        np.zeros((futures, most + 1)),
    )


@compiled
def sample(case: Case, desk: Desk, planned: Floats, durations: Floats, futures: Floats) -> None:
    """Futures `[m, n]` given what is known: what has ended took what it took."""
    now, times = desk.state.clock[NOW], desk.state.times
    for task in range(len(planned)):
        cv = case.traits[task, CV]
        sigma = np.sqrt(np.log1p(cv * cv))
        has_begun = times[task, START] >= 0
        for m in range(len(futures)):
            if has_begun and times[task, END] <= now:
                futures[m, task] = durations[task]
                continue
            drawn = planned[task] * np.exp(sigma * np.random.randn() - sigma * sigma / 2)  # noqa: NPY002 - numba's
            if has_begun:
                drawn = _beyond(drawn, (now - times[task, START]), planned[task], sigma)
            futures[m, task] = drawn


@compiled
def _beyond(drawn: float, elapsed: float, planned: float, sigma: float) -> float:
    """A duration that is longer than what has passed of it."""
    for _ in range(TRIES):
        if drawn > elapsed:
            return drawn
        drawn = planned * np.exp(sigma * np.random.randn() - sigma * sigma / 2)  # noqa: NPY002
    return elapsed * 1.05 + 1e-3


@compiled
def seed_samples(seed: int) -> None:
    """Make what `sample` draws reproducible."""
    np.random.seed(seed)  # noqa: NPY002 - the generator inside of compiled code


@compiled
def look_ahead(case: Case, desk: Desk, durations: Floats, room: Futures, limit: int) -> int:
    """Fill `room.ends` for the first `limit` candidates, the base's choice and waiting.

    Candidates that are left out have infinite ends. Returns how many columns are filled.
    """
    planned = case.facts.planned
    sample(case, desk, planned, durations, room.durations)
    count = desk.marks[COUNT]
    columns = count + desk.marks[MAY_WAIT]
    copy_state(desk.state, room.now)
    for m in range(len(room.durations)):
        _foresee(case, room.now, durations, room.durations[m])
        for pick in range(columns):
            if pick >= limit and pick != desk.marks[BASE] and pick != count:
                room.ends[m, pick] = np.inf
                continue
            room.ends[m, pick] = _follow(case, desk, room, pick, room.durations[m])
        copy_state(desk.state, room.now)
    return columns


@compiled
def _foresee(case: Case, state: State, true: Floats, future: Floats) -> None:
    """Let what is running end when it does in this future."""
    n, now = len(case.traits), state.clock[NOW]
    for at in range(1, state.events[0] + 1):
        task = state.events[at]
        if task < n and state.times[task, END] > now:
            length = state.times[task, END] - state.times[task, START]
            end = state.times[task, START] + length * future[task] / true[task]
            end = max(end, now + 1e-6)
            state.times[task, END] = end
            state.due[at] = end


@compiled
def _follow(case: Case, desk: Desk, room: Futures, pick: int, future: Floats) -> float:
    """The makespan if candidate `pick` is taken and the base policy goes on."""
    trial = room.desk
    copy_state(room.now, trial.state)
    if pick == desk.marks[COUNT]:
        trial.state.clock[NOW] = soonest(trial.state.events, trial.state.due)
    else:
        trial.tasks[pick], trial.people[pick] = desk.tasks[pick], desk.people[pick]
        start(case, trial, pick, future)
    return go_on(case.facts, case.steering, trial.state, future)


@compiled
def prefer(desk: Desk, ends: Floats, columns: int, caution: float) -> int:
    """The candidate whose mean end is best, the base's unless another is surely better.

    Surely: by `caution` standard errors of the paired differences.
    """
    base, m = desk.marks[BASE], len(ends)
    pick, gain = base, 0.0
    for at in range(columns):
        if at == base or ends[0, at] == np.inf:
            continue
        saved = ends[:, base] - ends[:, at]
        mean = saved.mean()
        error = np.sqrt(((saved - mean) ** 2).sum() / max(m - 1, 1) / m)
        if mean - caution * error > 0 and mean > gain:
            pick, gain = at, mean
    return pick


@compiled
def execute_by_rollout(
    case: Case, desk: Desk, durations: Floats, room: Futures, limits: Floats
) -> float:
    """Execute one scenario, at each decision what rollouts prefer; the makespan.

    `limits`: candidates that are looked at, and the caution of `prefer`.
    """
    is_open = open_up(case, desk, durations)
    while is_open:
        pick = desk.marks[BASE]
        if desk.marks[COUNT] + desk.marks[MAY_WAIT] > 1:
            columns = look_ahead(case, desk, durations, room, int(limits[0]))
            pick = prefer(desk, room.ends, columns, limits[1])
        is_open = act(case, desk, pick, durations)
    return desk.state.clock[LAST]


@compiled
def _by_rollout(
    case: Case, desk: Desk, durations: Floats, room: Futures, limits: Floats, out: Floats
) -> None:
    for s in range(len(durations)):
        out[s] = execute_by_rollout(case, desk, durations[s], room, limits)


def makespans_by_rollout(
    case: Case, durations: Floats, *, futures: int, limit: int, caution: float, seed: int
) -> Floats:
    """The makespans `[S]` of durations `[S, n]`, decided by rollouts of the base policy."""
    out = np.zeros(len(durations))
    desk = new_desk(case, WIDTH)
    room = new_futures(case, futures, len(desk.tasks) - 1)
    seed_samples(seed)
    _by_rollout(case, desk, durations, room, np.array([limit, caution], np.float64), out)
    return out
