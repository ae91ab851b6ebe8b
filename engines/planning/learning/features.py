"""What the scorer sees of each candidate of a decision (compiled)."""

from typing import NamedTuple

import numpy as np

from engines.planning.arrays import Floats, Ints
from engines.planning.compiled import compiled
from engines.planning.execution.events import BUSY, END, LEAD, LEFT, NOW, RANK, START, fits
from engines.planning.execution.starts import expected_ticks
from engines.planning.learning.case import ABLE, BOUND, CV, MEAN_WORK, REACH, TAIL, WORK, Case
from engines.planning.learning.decisions import (
    AHEAD,
    BASE,
    COUNT,
    ENDED,
    EXPECTED_END,
    STARTED,
    Desk,
    Singles,
)

FEATURES = (
    "bias",
    "is_wait",
    "is_base",  # what the base policy would do
    "behind",  # ranks behind the first candidate, over all tasks
    "ahead",  # ranks ahead of the first unstarted task, over all tasks
    "held",  # the base's lead holds it back
    "work",  # over the mean
    "cv",
    "tail",  # over the bound
    "slack",  # expected float left now, over the bound
    "reach",  # share of all tasks that come after
    "successors",
    "frees",  # successors that wait for this one only
    "demand_max",  # share of a capacity, the most of all
    "demand_scarce",  # shares weighted with what is left to do on each
    "fills",  # share of what is free, the most of all
    "in_the_way",  # needs what the best task that finds no capacity needs
    "pace",  # ticks it takes this person over the fastest's
    "load",  # what this person can expect to do, over the most
    "able",  # share of all people
    "next_end",  # expected ticks to the next end, over the mean work
    "used",  # share of all capacity that is in use
    "progress",
    "coming",  # ranks by which a task that the next ends make ready is ahead
    "lateness",  # of the expected end against the bound at the beginning
    "foreseen",  # mean end behind it over the base choice's in sampled futures, % of the bound
    "doubt",  # the standard error of that
    "planned",  # the same in the one future where all goes as expected
)
WIDTH = len(FEATURES)
IS_WAIT, IS_BASE, BEHIND = 1, 2, 3
FORESEEN, DOUBT, PLANNED = 25, 26, 27
FAR = 4.0
"""What ratios are cut at."""


class Surroundings(NamedTuple):
    """What all candidates of a decision have in common."""

    next_end: float
    used: float
    progress: float
    blocked: int  # the ready task of the best rank that finds no capacity; -1 for none
    coming: float  # the best rank of a task that waits for one running task only
    lateness: float


@compiled
def observe(case: Case, desk: Desk) -> None:
    """Write the features of this decision's candidates, and what its end looks like now."""
    expect(case, desk)
    around = _surroundings(case, desk)
    for at in range(desk.marks[COUNT]):
        _task_row(case, desk, around, at)
        _demand_row(case.facts.demands, case.facts.capacities, desk, at)
        _person_row(case, desk, at)
    _wait_row(case, desk, around)
    desk.rows[: desk.marks[COUNT] + 1, IS_BASE] = 0.0
    desk.rows[desk.marks[BASE], IS_BASE] = 1.0


@compiled
def expect(case: Case, desk: Desk) -> None:
    """Expected ends and earliest starts at what is known now, and from them a lower bound."""
    now, state = desk.state.clock[NOW], desk.state
    times, expected = state.times, desk.expected
    for task in range(len(expected)):
        if desk.stages[task] == AHEAD:
            expected[task] = max(now, case.facts.releases[task])
        elif desk.stages[task] == ENDED:
            expected[task] = times[task, END]
        else:
            least = now + 0.5 * case.facts.floors[task]
            expected[task] = max(times[task, START] + case.traits[task, WORK], least)
    end = _push_on(case.steering.order, case.traits, desk.stages, case.steering.later, expected)
    _sum_energy(case.traits, desk.stages, case.facts.demands, expected - now, desk.energy)
    for k in range(len(desk.energy)):
        end = max(end, now + desk.energy[k] / max(case.facts.capacities[k], 1))
    desk.outlook[EXPECTED_END] = max(end, now)


@compiled
def _push_on(order: Ints, traits: Floats, stages: Ints, later: Ints, expected: Floats) -> float:
    """Push what has not begun behind what it waits for; the last end."""
    last = 0.0
    for at in range(len(order)):
        task = order[at]
        end = float(expected[task])
        if stages[task] == AHEAD:
            end += traits[task, WORK]
        last = max(last, end)
        for k in range(1, later[task, 0] + 1):
            to = later[task, k]
            if stages[to] == AHEAD and expected[to] < end:
                expected[to] = end
    return last


@compiled
def _sum_energy(traits: Floats, stages: Ints, demands: Ints, left: Floats, energy: Floats) -> None:
    """Capacity-ticks of what has not ended; `left` are the ticks to the expected ends."""
    energy[:] = 0.0
    for task in range(len(traits)):
        ticks = traits[task, WORK] if stages[task] == AHEAD else max(left[task], 0.0)
        for k in range(len(energy)):
            energy[k] += ticks * demands[task, k]


@compiled
def _surroundings(case: Case, desk: Desk) -> Surroundings:
    state, now, n = desk.state, desk.state.clock[NOW], len(case.traits)
    next_end, coming = np.inf, np.inf
    for at in range(1, state.events[0] + 1):
        task = state.events[at]
        if task >= n:
            continue
        next_end = min(next_end, desk.expected[task] - now)
        first = _first_freed(case.steering.later, case.steering.tasks, state.tasks, task)
        coming = min(coming, first)
    done = 0
    for task in range(n):
        if desk.stages[task] == ENDED:
            done += 1
    return Surroundings(
        min(next_end / case.size[MEAN_WORK], FAR),
        _used(case, desk),
        done / n,
        _best_blocked(case, desk),
        coming,
        (desk.outlook[EXPECTED_END] - case.size[BOUND]) / case.size[BOUND],
    )


@compiled
def _first_freed(later: Ints, steered: Ints, tasks: Ints, running: int) -> float:
    """The best rank among the tasks that wait for this one only."""
    best = np.inf
    for k in range(1, later[running, 0] + 1):
        to = later[running, k]
        if tasks[to, LEFT] == 1:
            best = min(best, steered[to, RANK])
    return best


@compiled
def _best_blocked(case: Case, desk: Desk) -> int:
    ready, free = desk.state.ready, desk.state.free
    for at in range(1, ready[0] + 1):
        if not fits(case.facts.demands, free, ready[at]):
            return ready[at]
    return -1


@compiled
def _used(case: Case, desk: Desk) -> float:
    used, crew, free = 0.0, desk.state.crew, desk.state.free
    for person in range(len(crew)):
        used += 1.0 if crew[person, BUSY] >= 0 else 0.0
    for k in range(len(free)):
        used += 1.0 - free[k] / max(case.facts.capacities[k], 1)
    return used / max(len(crew) + len(free), 1)


@compiled
def _task_row(case: Case, desk: Desk, around: Surroundings, at: int) -> None:
    state, row, task = desk.state, desk.rows[at], desk.tasks[at]
    n, bound, traits = len(case.traits), case.size[BOUND], case.traits[task]
    rank = case.steering.tasks[task, RANK]
    ahead = rank - state.is_placed[0]
    row[0], row[IS_WAIT] = 1.0, 0.0
    row[BEHIND] = (rank - case.steering.tasks[desk.tasks[0], RANK]) / n
    row[4] = ahead / n
    row[5] = 1.0 if ahead > case.steering.tasks[task, LEAD] else 0.0
    row[6] = min(traits[WORK] / case.size[MEAN_WORK], FAR)
    row[7] = traits[CV]
    row[8] = traits[TAIL] / bound
    row[9] = (desk.outlook[EXPECTED_END] - state.clock[NOW] - traits[TAIL]) / bound
    row[10] = traits[REACH]
    row[11] = case.steering.later[task, 0] * 0.2
    row[12] = _count_freed(case.steering.later, state.tasks, task) * 0.5
    row[16] = _in_the_way(case.facts.demands, task, around.blocked)
    row[19] = traits[ABLE]
    _common_row(around, rank, n, row)


@compiled
def _common_row(around: Surroundings, rank: float, n: int, row: Singles) -> None:
    row[20] = around.next_end
    row[21] = around.used
    row[22] = around.progress
    row[23] = max(rank - around.coming, 0.0) / n
    row[24] = around.lateness


@compiled
def _count_freed(later: Ints, tasks: Ints, task: int) -> int:
    count = 0
    for k in range(1, later[task, 0] + 1):
        if tasks[later[task, k], LEFT] == 1:
            count += 1
    return count


@compiled
def _in_the_way(demands: Ints, task: int, blocked: int) -> float:
    if blocked < 0:
        return 0.0
    for k in range(demands.shape[1]):
        if demands[blocked, k] > 0 and demands[task, k] > 0:
            return 1.0
    return 0.0


@compiled
def _demand_row(demands: Ints, capacities: Ints, desk: Desk, at: int) -> None:
    most, scarce, fills = 0.0, 0.0, 0.0
    row, task, free = desk.rows[at], desk.tasks[at], desk.state.free
    remaining = max(desk.outlook[EXPECTED_END] - desk.state.clock[NOW], 1.0)
    for k in range(len(capacities)):
        demand = demands[task, k]
        if demand > 0:
            share = demand / capacities[k]
            most = max(most, share)
            scarce += share * min(desk.energy[k] / (capacities[k] * remaining), 1.0)
            fills = max(fills, demand / max(free[k], 1))
    row[13], row[14], row[15] = most, scarce, fills


@compiled
def _person_row(case: Case, desk: Desk, at: int) -> None:
    row, task, person = desk.rows[at], desk.tasks[at], desk.people[at]
    row[17], row[18] = 1.0, 0.0
    if person >= 0:
        first, last = case.facts.able_first[task], case.facts.able_first[task + 1]
        able, ticks = case.facts.able[first:last], case.facts.able_durations[first:last]
        fastest = max(case.traits[task, WORK], 1.0)
        row[17] = min(expected_ticks(able, ticks, person) / fastest, FAR)
        row[18] = case.loads[person]


@compiled
def _wait_row(case: Case, desk: Desk, around: Surroundings) -> None:
    """Waiting: what it may be for."""
    row, bound, n = desk.rows[desk.marks[COUNT]], case.size[BOUND], len(case.traits)
    row[:] = 0.0
    row[0], row[IS_WAIT] = 1.0, 1.0
    first = case.steering.tasks[desk.tasks[0], RANK]
    if around.blocked >= 0:
        tail = case.traits[around.blocked, TAIL]
        row[BEHIND] = (case.steering.tasks[around.blocked, RANK] - first) / n
        row[8] = tail / bound
        row[9] = (desk.outlook[EXPECTED_END] - desk.state.clock[NOW] - tail) / bound
        row[16] = 1.0 if row[BEHIND] < 0 else 0.0
    row[4] = (first - desk.state.is_placed[0]) / n
    row[5] = 1.0 if desk.marks[STARTED] > 0 else 0.0
    _common_row(around, first, n, row)
