"""The part of a history that a graph is made of, as incidence matrices over its tasks."""

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.matching.graph.ledger import Ledger, Pairs
from engines.matching.graph.settings import DAY_S, HALF_LIVES_DAYS, GraphConfig
from engines.matching.graph.sparse import Ints, Matrix, matrix

_COMMON = 0.3
"""Share of tasks from which on a word tells nothing."""
_RARE = 2
"""Tasks below which it does not yet."""


@dataclass(frozen=True)
class Window:
    """The tasks that count, t of them, with who did them and what they touched."""

    age_days: NDArray[np.float64]
    """(t,)"""
    decays: NDArray[np.float64]
    """(3, t)"""
    people: Ints
    """(developers,) Most active first."""
    authored: Matrix
    """(developers, t)"""
    reviewed: Matrix
    """(developers, t)"""
    files: Ints
    """(files,) Their numbers in the ledger, most touched first."""
    touched: Matrix
    """(t, files)"""
    skills: Ints
    """(skills,) Their numbers in the ledger, most asked for first."""
    asked: Matrix
    """(t, skills)"""


def window_of(ledger: Ledger, config: GraphConfig) -> Window:
    """What a ledger that is not empty tells of its last years."""
    now = ledger.merged_s[-1]
    first = bisect_left(ledger.merged_s, now - config.window_days * DAY_S)
    ages = (now - np.array(ledger.merged_s[first:], np.float64)) / DAY_S
    decays = np.stack([np.exp2(-ages / half_life) for half_life in HALF_LIVES_DAYS])
    pairs = _Reader(first, decays)
    authors, reviewers = pairs.read(ledger.authored), pairs.read(ledger.reviewed)
    people = pairs.heaviest([authors, reviewers], config.developers)
    touches, skills = pairs.read(ledger.touched), pairs.read(ledger.asked)
    files = pairs.heaviest([touches], config.files)
    known = pairs.heaviest([skills], config.skills, _RARE, _COMMON * len(ages))
    return Window(
        age_days=ages,
        decays=decays,
        people=people,
        authored=pairs.matrix(authors, people).T.tocsr(),
        reviewed=pairs.matrix(reviewers, people).T.tocsr(),
        files=files,
        touched=pairs.matrix(touches, files),
        skills=known,
        asked=pairs.matrix(skills, known),
    )


class _Reader:
    """Reads pairs of the tasks from `first` on."""

    def __init__(self, first: int, decays: NDArray[np.float64]) -> None:
        self._first = first
        self._decay = decays[1]

    def read(self, pairs: Pairs) -> tuple[Ints, Ints]:
        """Tasks, counted from the window's first, and values."""
        tasks, values = pairs.since(self._first)
        return tasks - self._first, values

    def heaviest(
        self,
        read: list[tuple[Ints, Ints]],
        most: int,
        rare: float = 0.0,
        common: float = float("inf"),
    ) -> Ints:
        """The values of most weight over half a year, in falling order, older ones first of two."""
        tasks = np.concatenate([tasks for tasks, _ in read])
        values = np.concatenate([values for _, values in read])
        found, rows = np.unique(values, return_inverse=True)
        weights = np.bincount(rows, self._decay[tasks], len(found))
        counts = np.bincount(rows, minlength=len(found))
        at = np.flatnonzero((counts >= rare) & (counts <= max(common, rare)))
        return found[at[np.argsort(-weights[at], kind="stable")[:most]]]

    def matrix(self, read: tuple[Ints, Ints], kept: Ints) -> Matrix:
        """(t, kept) from what was read."""
        tasks, values = read
        order = np.argsort(kept)
        at = np.searchsorted(kept, values, sorter=order)
        rows = order[np.minimum(at, len(kept) - 1)] if len(kept) else np.zeros_like(values)
        fits = kept[rows] == values if len(kept) else np.zeros(len(values), np.bool_)
        return matrix(tasks[fits], rows[fits], (len(self._decay), len(kept)))
