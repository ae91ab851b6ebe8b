"""Questions of the past with their answers, for learning: many rankings in one matrix."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engines.matching.ranking.shown import Precedents, Shown, Singles
from engines.matching.state.table import Floats, Ints

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Lists:
    """The candidates of several questions, one question after the other."""

    matrix: Singles
    """(rows, measures)."""
    starts: Ints
    """(questions,) The first row of each; none is empty."""
    truth: Flags
    """(rows,) Who it was; at least one in each question."""
    people: Ints
    """(questions,) The index of who it was; of several, of one."""
    precedents: Precedents
    """Of all questions, one after the other; rows are those of their question."""
    firsts: Ints
    """(questions,) The first precedent of each, which may have none."""

    @cached_property
    def sizes(self) -> Ints:
        """(questions,) Candidates of each."""
        return np.diff(self.starts, append=len(self.truth))

    def question(self, number: int) -> tuple[Shown, Flags]:
        """One of them, with its answer."""
        one = slice(self.starts[number], self.starts[number] + self.sizes[number])
        last = self.firsts[number + 1] if number + 1 < len(self.firsts) else None
        earlier = slice(self.firsts[number], last)
        precedents = Precedents(self.precedents.rows[earlier], self.precedents.measures[earlier])
        return Shown(self.matrix[one], precedents), self.truth[one]

    def newest(self, most: int) -> "Lists":
        """The last so many questions."""
        if len(self.starts) <= most:
            return self
        row, first = self.starts[-most], self.firsts[-most]
        precedents = Precedents(self.precedents.rows[first:], self.precedents.measures[first:])
        return Lists(
            self.matrix[row:],
            self.starts[-most:] - row,
            self.truth[row:],
            self.people[-most:],
            precedents,
            self.firsts[-most:] - first,
        )

    def aims(self) -> Floats:
        """(rows,) The share of each row in its question's answer; they add up to 1."""
        aims = self.truth.astype(float)
        return aims / np.repeat(np.add.reduceat(aims, self.starts), self.sizes)

    def places(self, scores: Floats) -> Floats:
        """(questions,) The place of the best right answer, 1 for the first; of equals, the mean."""
        sizes = self.sizes
        right = np.maximum.reduceat(np.where(self.truth, scores, -np.inf), self.starts)
        best = np.repeat(right, sizes)
        above = np.add.reduceat((scores > best).astype(float), self.starts)
        equal = np.add.reduceat((scores == best).astype(float), self.starts)
        return 1.0 + above + (equal - 1.0) / 2.0


class Solved(NamedTuple):
    """One question with its answer."""

    shown: Shown
    truth: Flags
    person: int


def joined(parts: Sequence[Solved]) -> Lists:
    """Lists of single questions. There has to be one."""
    precedents = [part.shown.precedents for part in parts]
    return Lists(
        np.concatenate([part.shown.matrix for part in parts]),
        _starts([len(part.truth) for part in parts]),
        np.concatenate([part.truth for part in parts]),
        np.array([part.person for part in parts], np.int64),
        Precedents(
            np.concatenate([one.rows for one in precedents]),
            np.concatenate([one.measures for one in precedents]),
        ),
        _starts([len(one.rows) for one in precedents]),
    )


def _starts(sizes: Sequence[int]) -> Ints:
    return np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)


def beliefs(scores: Floats, starts: Ints) -> Floats:
    """Softmax within each question: what the scores say of each candidate, adding up to 1."""
    sizes = np.diff(starts, append=len(scores))
    most = np.repeat(np.maximum.reduceat(scores, starts), sizes)
    grown = np.exp(scores - most)
    return grown / np.repeat(np.add.reduceat(grown, starts), sizes)
