"""scipy's sparse matrices, typed: the one place here that knows them."""

from typing import Any, NamedTuple, TypeAlias, cast

import numpy as np
import scipy.sparse  # pyright: ignore[reportMissingTypeStubs]
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float32]
Matrix: TypeAlias = Any
"""A `scipy.sparse.csr_array` of float64."""

_scipy = cast(Any, scipy.sparse)


class Edges(NamedTuple):
    """Edges between nodes of two types."""

    sources: Ints
    """(e,)"""
    targets: Ints
    """(e,)"""
    weights: Floats
    """(e, 3): counts, decayed with each of `HALF_LIVES_DAYS`."""

    def turned(self) -> "Edges":
        """The other way round."""
        return Edges(self.targets, self.sources, self.weights)


def matrix(rows: Ints, columns: Ints, shape: tuple[int, int]) -> Matrix:
    """Ones; an entry given twice is still 1."""
    found = _scipy.csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)
    found.sum_duplicates()
    found.data[:] = 1.0
    return found


def linked(left: Matrix, right: Matrix) -> Matrix:
    """1 where a row of `left` reaches a column of `right`."""
    found = _scipy.csr_array(left @ right)
    found.data[:] = 1.0
    return found


def through(left: Matrix, weights: NDArray[np.float64], right: Matrix) -> Edges:
    """Edges from the rows of `left` (n, t) to the columns of `right` (t, m).

    Args:
        left: What took part in which task.
        weights: (3, t) of each task, positive, so that the three products have the same entries.
        right: What was part of which task.
    """
    products = [_weighed(left, one) @ right for one in weights]
    for product in products:
        product.sort_indices()
    whole = products[-1].tocoo()
    weighed = np.stack([product.data for product in products], axis=1)
    return Edges(_ints(whole.row), _ints(whole.col), weighed.astype(np.float32))


def listed(found: Matrix, decays: NDArray[np.float64] | None = None) -> Edges:
    """The entries of a matrix (n, m) as edges of weight 1, or of those that their columns have.

    Args:
        found: Where edges are.
        decays: (3, m)
    """
    entries = found.tocoo()
    weights = np.ones((len(entries.row), 3)) if decays is None else decays[:, entries.col].T
    return Edges(_ints(entries.row), _ints(entries.col), weights.astype(np.float32))


def heaviest(edges: Edges, most: int) -> Edges:
    """For each source the edges to others that weigh most over half a year; loops are left out."""
    order = np.lexsort((edges.targets, -edges.weights[:, 1], edges.sources))
    order = order[edges.sources[order] != edges.targets[order]]
    sources = edges.sources[order]
    rank = np.arange(len(order)) - np.searchsorted(sources, sources)
    kept = order[rank < most]
    return Edges(edges.sources[kept], edges.targets[kept], edges.weights[kept])


def _weighed(left: Matrix, weights: NDArray[np.float64]) -> Matrix:
    found = left.copy()
    found.data *= weights[found.indices]
    return found


def _ints(values: Any) -> Ints:
    return np.asarray(values, np.int64)
