"""Decisions and what they are worth, written down for the scorer to be cloned from."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from engines.planning.arrays import Floats, Ints
from engines.planning.compiled import compiled
from engines.planning.learning.case import BOUND, Case
from engines.planning.learning.decisions import (
    BASE,
    COUNT,
    MAY_WAIT,
    Desk,
    Singles,
    act,
    new_desk,
    open_up,
)
from engines.planning.learning.features import WIDTH, observe
from engines.planning.learning.lookahead import (
    Futures,
    foresee,
    look_ahead,
    new_futures,
    prefer,
    sample,
    seed_samples,
)

SEEN = 20
"""Candidates that are written down, waiting among them; decisions of more are not."""


class Tape(NamedTuple):
    """D decisions; the first `length[0]` are written."""

    length: Ints  # [1]
    rows: Singles  # [D, SEEN, WIDTH]
    counts: Ints  # [D]
    losses: Singles  # [D, SEEN], mean makespan over that of the base's choice, in shares of it


@dataclass(frozen=True)
class Lesson:
    """How a case is taught."""

    executions: int = 3
    futures: int = 32
    limit: int = 8
    caution: float = 1.0
    foreseen: tuple[int, ...] = (9, 3, 5, 0, 17)
    """How many futures the scorer is shown, in turn; one of them is the expected one."""
    explore: float = 0.1
    """How often an execution takes any candidate, so that the states are not only the base's."""


def new_tape(decisions: int) -> Tape:
    """Room for so many decisions."""
    return Tape(
        np.zeros(1, np.int64),
        np.zeros((decisions, SEEN, WIDTH), np.float32),
        np.zeros(decisions, np.int64),
        np.zeros((decisions, SEEN), np.float32),
    )


def teach(case: Case, durations: Floats, lesson: Lesson, tape: Tape, seed: int) -> None:
    """Execute durations `[S, n]` by rollouts and write every decision on the tape."""
    desk = new_desk(case, WIDTH)
    room = new_futures(case, lesson.futures, lesson.limit)
    seed_samples(seed)
    habits = np.array([lesson.caution, lesson.explore])
    for number, row in enumerate(durations):
        few = lesson.foreseen[(seed + number) % len(lesson.foreseen)]
        rooms = (room, new_futures(case, few, lesson.limit))
        _teach(case, desk, row, rooms, habits, tape)


@compiled
def _teach(
    case: Case,
    desk: Desk,
    durations: Floats,
    rooms: tuple[Futures, Futures],
    habits: Floats,
    tape: Tape,
) -> None:
    room, few = rooms
    is_open = open_up(case, desk, durations)
    while is_open:
        pick, options = desk.marks[BASE], desk.marks[COUNT] + desk.marks[MAY_WAIT]
        if options > 1:
            sample(case, desk, durations, room.durations)
            columns = look_ahead(case, desk, durations, room)
            pick = prefer(desk, room.ends, columns, habits[0])
            if options <= SEEN and tape.length[0] < len(tape.counts):
                observe(case, desk)
                foresee(case, desk, durations, few)
                _write(desk, room.ends, case.size[BOUND], options, tape)
            if np.random.random() < habits[1]:  # noqa: NPY002 - numba's generator
                pick = int(np.random.random() * options)  # noqa: NPY002
        is_open = act(case, desk, pick, durations)


@compiled
def _write(desk: Desk, ends: Floats, bound: float, options: int, tape: Tape) -> None:
    at = tape.length[0]
    tape.length[0] = at + 1
    tape.counts[at] = options
    tape.rows[at, :options] = desk.rows[:options]
    base = ends[:, desk.marks[BASE]].mean()
    for pick in range(options):
        mean = ends[:, pick].mean()
        tape.losses[at, pick] = 0.05 if mean == np.inf else (mean - base) / bound


def batches(tape: Tape, size: int, rng: np.random.Generator) -> Iterator[Ints]:
    """Which decisions are learned from together, every one once."""
    order = rng.permutation(int(tape.length[0]))
    for start in range(0, len(order), size):
        yield order[start : start + size]
