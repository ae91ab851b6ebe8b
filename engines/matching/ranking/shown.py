"""What rankers see of a question: measures of its candidates, and earlier tasks of theirs."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engines.matching.state.table import Ints

Singles = NDArray[np.float32]

PRECEDENT_NAMES = (
    "since",
    "age",
    "text",
    "text:place",
    "path",
    "path:place",
    "later",
    "before",
    "after",
    "reviewed",
    "pair",
)


class Precedents(NamedTuple):
    """Earlier tasks of the candidates. One task may stand for who wrote it and who reviewed it."""

    rows: Ints
    """(n,) Whose: a row among the candidates."""
    measures: Singles
    """(n, len(PRECEDENT_NAMES))."""


NO_PRECEDENTS = Precedents(np.zeros(0, np.int64), np.zeros((0, len(PRECEDENT_NAMES)), np.float32))


class Shown(NamedTuple):
    """One question."""

    matrix: Singles
    """(candidates, measures)."""
    precedents: Precedents = NO_PRECEDENTS
