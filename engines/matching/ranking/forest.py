"""Trees as arrays: what was learned by boosting, without the library that learned it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engines.matching.ranking.lists import Flags
from engines.matching.ranking.shown import Singles
from engines.matching.state.table import Floats, Ints

Places = NDArray[np.int32]


@dataclass(frozen=True)
class Forest:
    """The sum of regression trees, their nodes in a row; a leaf is its own child."""

    roots: Places
    """(trees,) The node that each tree begins with."""
    depth: int
    """Steps after which every row is at a leaf."""
    measures: Places
    """(nodes,) The column that a node looks at; 0 at a leaf."""
    thresholds: Floats
    """(nodes,) Up to this a row goes to the left."""
    left: Places
    right: Places
    """(nodes,) Where it goes."""
    values: Floats
    """(nodes,) What a leaf adds to the score; 0 at a node."""

    def scores(self, matrix: Singles) -> Floats:
        """The sum over the trees for each row of (rows, columns)."""
        values = matrix.astype(np.float64).ravel()
        first = np.arange(len(matrix))[:, None] * matrix.shape[1]
        at: Places = np.broadcast_to(self.roots, (len(matrix), len(self.roots)))
        for _ in range(self.depth):
            places: Ints = first + self.measures.take(at)
            goes_left: Flags = np.less_equal(values.take(places), self.thresholds.take(at))
            at = self._children.take(2 * at + goes_left)
        return self.values.take(at).sum(axis=1)

    @cached_property
    def _children(self) -> Places:
        """(2 * nodes,) Of each node the right one and the left one: one look-up for both."""
        return np.stack([self.right, self.left], axis=1).ravel()

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """As it is kept in a file."""
        return {
            "roots": self.roots,
            "depth": np.array([self.depth], np.int32),
            "measures": self.measures,
            "thresholds": self.thresholds,
            "left": self.left,
            "right": self.right,
            "values": self.values,
        }


def forest_of(arrays: Mapping[str, NDArray[np.generic]]) -> Forest:
    """A forest from what `arrays` gave."""
    return Forest(
        arrays["roots"].astype(np.int32),
        int(arrays["depth"].astype(np.int64)[0]),
        arrays["measures"].astype(np.int32),
        arrays["thresholds"].astype(np.float64),
        arrays["left"].astype(np.int32),
        arrays["right"].astype(np.int32),
        arrays["values"].astype(np.float64),
    )
