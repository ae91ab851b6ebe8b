"""What a decision is worth, from simulating on from it by the base policy (compiled).

Rollouts (Bertsekas and Castañon, "Rollout algorithms for stochastic scheduling problems", 1999):
each candidate is begun in copies of the present whose future is sampled, the same samples for all.
They are the teacher that the scorer is first cloned from (classification-based policy iteration:
Lazaric, Ghavamzadeh and Munos, 2010), and a policy of their own, which nothing is learned in.
"""

from typing import NamedTuple

import numpy as np

from engines.planning.arrays import Floats, Ints
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
from engines.planning.learning.case import BOUND, CV, Case
from engines.planning.learning.decisions import (
    BASE,
    COUNT,
    ENDED,
    MAY_WAIT,
    MOST,
    RUNNING,
    Desk,
    act,
    new_desk,
    open_up,
    start,
)
from engines.planning.learning.features import DOUBT, FAR, FORESEEN, PLANNED, WIDTH

TRIES = 20
BLOCKED_FOR = 2.0
"""What a base policy that blocks itself behind a candidate counts as, in bounds from now."""
CAUTION = 1.0
"""Standard errors by which another candidate has to be better than the base's."""


class Foresight(NamedTuple):
    """How far one is shown what may come."""

    futures: int = 9
    """Sampled futures that each candidate is tried in, the expected one first; 0 for none."""
    limit: int = 6
    """Candidates that are, beside the base's choice and waiting."""
    seed: int = 0
    """Of the samples."""


SEEING = Foresight()


class Futures(NamedTuple):
    """Room for m sampled futures of n tasks and k candidates."""

    desk: Desk
    now: State
    durations: Floats  # [m, n]
    ends: Floats  # [m, k], the makespan of each future behind each candidate
    limit: Ints  # [1], candidates that are tried, beside the base's choice and waiting


def new_futures(case: Case, futures: int, limit: int) -> Futures:
    """Room for the rollouts of one decision."""
    return Futures(
        new_desk(case, WIDTH),
        new_state(case.facts),
        np.zeros((futures, len(case.traits))),
        np.zeros((futures, MOST + 1)),
        np.array([limit], np.int64),
    )


@compiled
def sample(case: Case, desk: Desk, durations: Floats, futures: Floats) -> None:
    """Futures `[m, n]` given what is known: what has ended took what it took."""
    now, times, planned = desk.state.clock[NOW], desk.state.times, case.facts.planned
    for task in range(len(planned)):
        if desk.stages[task] == ENDED:
            futures[:, task] = durations[task]
            continue
        cv = case.traits[task, CV]
        sigma = np.sqrt(np.log1p(cv * cv))
        elapsed = now - times[task, START] if desk.stages[task] == RUNNING else 0.0
        for m in range(len(futures)):
            futures[m, task] = _beyond(elapsed, planned[task], sigma)


@compiled
def expected_future(case: Case, desk: Desk, durations: Floats, future: Floats) -> None:
    """The future `[n]` in which all goes as expected; what is overdue ends soon."""
    now, times, planned = desk.state.clock[NOW], desk.state.times, case.facts.planned
    for task in range(len(planned)):
        future[task] = planned[task]
        if desk.stages[task] == ENDED:
            future[task] = durations[task]
        elif desk.stages[task] == RUNNING:
            least = now - times[task, START] + 0.5 * case.facts.floors[task]
            future[task] = max(planned[task], least)


@compiled
def _beyond(elapsed: float, planned: float, sigma: float) -> float:
    """A duration that is longer than what has passed of it."""
    for _ in range(TRIES):
        drawn = planned * np.exp(sigma * np.random.randn() - sigma * sigma / 2)  # noqa: NPY002
        if drawn > elapsed:
            return drawn
    return elapsed * 1.05 + 1e-3


@compiled
def seed_samples(seed: int) -> None:
    """Make what `sample` draws reproducible."""
    np.random.seed(seed)  # noqa: NPY002 - the generator inside of compiled code


@compiled
def look_ahead(case: Case, desk: Desk, durations: Floats, room: Futures) -> int:
    """Fill `room.ends` for the first candidates, the base's choice and waiting.

    Every row of `room.durations` is a future. Candidates that are left out have infinite ends.
    Returns how many columns are filled.
    """
    count = desk.marks[COUNT]
    columns = count + desk.marks[MAY_WAIT]
    for m in range(len(room.durations)):
        copy_state(desk.state, room.now)
        _foresee(case, room.now, durations, room.durations[m])
        for pick in range(columns):
            if pick >= room.limit[0] and pick != desk.marks[BASE] and pick != count:
                room.ends[m, pick] = np.inf
            else:
                room.ends[m, pick] = _follow(case, desk, room, pick, room.durations[m])
    return columns


@compiled
def foresee(case: Case, desk: Desk, durations: Floats, room: Futures) -> None:
    """Write the features that tell of futures; the first of them is the expected one."""
    if len(room.durations) == 0 or desk.marks[COUNT] + desk.marks[MAY_WAIT] == 1:
        desk.rows[:, FORESEEN:] = 0.0
        return
    expected_future(case, desk, durations, room.durations[0])
    sample(case, desk, durations, room.durations[1:])
    columns = look_ahead(case, desk, durations, room)
    percent = 100.0 / case.size[BOUND]
    base = room.ends[:, desk.marks[BASE]]
    for at in range(columns):
        row = desk.rows[at]
        if room.ends[0, at] == np.inf:
            row[FORESEEN], row[DOUBT], row[PLANNED] = FAR, 0.0, FAR
            continue
        lost = (room.ends[1:, at] - base[1:]) * percent
        m = len(lost)
        mean = lost.sum() / max(m, 1)
        error = np.sqrt(((lost - mean) ** 2).sum() / max(m - 1, 1) / max(m, 1))
        row[FORESEEN] = min(max(mean, -FAR), FAR)
        row[DOUBT] = min(error, FAR)
        row[PLANNED] = min(max((room.ends[0, at] - base[0]) * percent, -FAR), FAR)


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
    end = go_on(case.facts, case.steering, trial.state, future)
    return min(end, trial.state.clock[NOW] + BLOCKED_FOR * case.size[BOUND])


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
    case: Case, desk: Desk, durations: Floats, room: Futures, caution: float
) -> float:
    """Execute one scenario, at each decision what rollouts `prefer`; the makespan."""
    is_open = open_up(case, desk, durations)
    while is_open:
        pick = desk.marks[BASE]
        if desk.marks[COUNT] + desk.marks[MAY_WAIT] > 1:
            sample(case, desk, durations, room.durations)
            columns = look_ahead(case, desk, durations, room)
            pick = prefer(desk, room.ends, columns, caution)
        is_open = act(case, desk, pick, durations)
    return desk.state.clock[LAST]


@compiled
def _by_rollout(
    case: Case, desk: Desk, durations: Floats, room: Futures, caution: float, out: Floats
) -> None:
    for s in range(len(durations)):
        out[s] = execute_by_rollout(case, desk, durations[s], room, caution)


def makespans_by_rollout(
    case: Case, durations: Floats, foresight: Foresight = SEEING, caution: float = CAUTION
) -> Floats:
    """The makespans `[S]` of durations `[S, n]`, decided by rollouts of the base policy."""
    out = np.zeros(len(durations))
    seed_samples(foresight.seed)
    room = new_futures(case, foresight.futures, foresight.limit)
    _by_rollout(case, new_desk(case, WIDTH), durations, room, caution, out)
    return out
