"""Executions by a scorer, scenario by scenario (compiled)."""

from typing import NamedTuple

import numpy as np

from engines.planning.arrays import Floats, Ints
from engines.planning.compiled import compiled
from engines.planning.execution.events import END, LAST, PERSON, START
from engines.planning.learning.case import Case
from engines.planning.learning.decisions import (
    MOST,
    Desk,
    Singles,
    act,
    new_desk,
    open_up,
)
from engines.planning.learning.features import WIDTH, observe
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
def execute(case: Case, weights: Weights, desk: Desk, scratch: Scratch, durations: Floats) -> float:
    """Execute one scenario by the scorer; its makespan. The desk's state keeps the starts."""
    is_open = open_up(case, desk, durations)
    while is_open:
        observe(case, desk)
        is_open = act(case, desk, choose(weights, desk, scratch), durations)
    return desk.state.clock[LAST]


@compiled
def _makespans(
    case: Case, weights: Weights, desk: Desk, scratch: Scratch, durations: Floats, out: Floats
) -> None:
    for s in range(len(durations)):
        out[s] = execute(case, weights, desk, scratch, durations[s])


def makespans(case: Case, weights: Weights, durations: Floats) -> Floats:
    """The makespans `[S]` of durations `[S, n]`."""
    out = np.zeros(len(durations), np.float64)
    _makespans(case, weights, new_desk(case, WIDTH), new_scratch(weights), durations, out)
    return out


class Executions(NamedTuple):
    """What happened in S scenarios."""

    starts: Floats  # [S, n]
    ends: Floats  # [S, n]
    people: Ints  # [S, n], -1 for nobody


@compiled
def _executions(
    case: Case,
    weights: Weights,
    desk: Desk,
    scratch: Scratch,
    durations: Floats,
    out: Executions,
) -> None:
    for s in range(len(durations)):
        execute(case, weights, desk, scratch, durations[s])
        out.starts[s] = desk.state.times[:, START]
        out.ends[s] = desk.state.times[:, END]
        out.people[s] = desk.state.tasks[:, PERSON]


def executions(case: Case, weights: Weights, durations: Floats) -> Executions:
    """Execute durations `[S, n]`, each seen only when its task ends."""
    shape = durations.shape
    out = Executions(np.zeros(shape), np.zeros(shape), np.zeros(shape, np.int64))
    _executions(case, weights, new_desk(case, WIDTH), new_scratch(weights), durations, out)
    return out
