"""Executions by a scorer, scenario by scenario (compiled)."""

from typing import NamedTuple

import numpy as np

from engines.planning.arrays import Floats, Ints
from engines.planning.compiled import compiled
from engines.planning.execution.events import END, LAST, PERSON, START
from engines.planning.learning.case import Case
from engines.planning.learning.decisions import (
    COUNT,
    MAY_WAIT,
    MOST,
    Desk,
    Singles,
    act,
    new_desk,
    open_up,
)
from engines.planning.learning.features import WIDTH, observe
from engines.planning.learning.lookahead import (
    SEEING,
    Foresight,
    Futures,
    foresee,
    new_futures,
    seed_samples,
)
from engines.planning.learning.scorer import Weights, best, score


class Scratch(NamedTuple):
    """Where scores are worked out."""

    hidden: Singles  # [most + 2, h]
    scores: Singles  # [most + 1]


def new_scratch(weights: Weights, most: int = MOST) -> Scratch:
    """Room for the scores of one decision."""
    hidden = np.zeros((most + 2, len(weights.last)), np.float32)
    return Scratch(hidden, np.zeros(most + 1, np.float32))


@compiled
def choose(weights: Weights, desk: Desk, scratch: Scratch) -> int:
    """The candidate that the scorer likes best."""
    count = score(weights, desk.marks, desk.rows, scratch.hidden, scratch.scores)
    return best(scratch.scores, count)


@compiled
def execute(
    case: Case,
    weights: Weights,
    desk: Desk,
    rooms: tuple[Scratch, Futures],
    durations: Floats,
) -> float:
    """Execute one scenario by the scorer; its makespan. The desk's state keeps the starts."""
    scratch, futures = rooms
    is_open = open_up(case, desk, durations)
    while is_open:
        pick = 0
        if desk.marks[COUNT] + desk.marks[MAY_WAIT] > 1:
            observe(case, desk)
            foresee(case, desk, durations, futures)
            pick = choose(weights, desk, scratch)
        is_open = act(case, desk, pick, durations)
    return desk.state.clock[LAST]


class Executions(NamedTuple):
    """What happened in S scenarios."""

    starts: Floats  # [S, n]
    ends: Floats  # [S, n]
    people: Ints  # [S, n], -1 for nobody
    makespans: Floats  # [S]


@compiled
def _executions(
    case: Case,
    weights: Weights,
    desk: Desk,
    rooms: tuple[Scratch, Futures],
    durations: Floats,
    out: Executions,
) -> None:
    for s in range(len(durations)):
        out.makespans[s] = execute(case, weights, desk, rooms, durations[s])
        out.starts[s] = desk.state.times[:, START]
        out.ends[s] = desk.state.times[:, END]
        out.people[s] = desk.state.tasks[:, PERSON]


def executions(
    case: Case, weights: Weights, durations: Floats, foresight: Foresight = SEEING
) -> Executions:
    """Execute durations `[S, n]`, each seen only when its task ends."""
    shape = durations.shape
    out = Executions(
        np.zeros(shape), np.zeros(shape), np.zeros(shape, np.int64), np.zeros(len(durations))
    )
    rooms = (new_scratch(weights), new_futures(case, foresight.futures, foresight.limit))
    seed_samples(foresight.seed)
    desk = new_desk(case, WIDTH)
    _executions(case, weights, desk, rooms, durations, out)
    return out


def makespans(
    case: Case, weights: Weights, durations: Floats, foresight: Foresight = SEEING
) -> Floats:
    """Only the makespans `[S]` of `executions`."""
    return executions(case, weights, durations, foresight).makespans
