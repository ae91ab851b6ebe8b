"""A linear listwise ranker: one weight a measure, fitted by the softmax cross-entropy."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.matching.ranking.descent import lowest
from engines.matching.ranking.lists import Lists, beliefs
from engines.matching.ranking.shown import Singles
from engines.matching.state.table import Floats

RIDGE = 1e-2


@dataclass(frozen=True)
class Linear:
    """A score is the weighted sum of standardized measures."""

    means: Floats
    scales: Floats
    weights: Floats
    """(measures,) each."""

    def scores(self, matrix: Singles) -> Floats:
        """(rows,) of (rows, measures)."""
        return ((matrix - self.means) / self.scales) @ self.weights

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """As it is kept in a file."""
        return {"means": self.means, "scales": self.scales, "weights": self.weights}


def linear_of(arrays: Mapping[str, NDArray[np.generic]]) -> Linear:
    """A ranker from what `arrays` gave."""
    means, scales, weights = (
        arrays[name].astype(np.float64) for name in ("means", "scales", "weights")
    )
    return Linear(means, scales, weights)


def fit_linear(lists: Lists, ridge: float = RIDGE) -> Linear:
    """Fit by L-BFGS; convex, so that there is one answer."""
    means = lists.matrix.mean(axis=0, dtype=np.float64)
    scales = lists.matrix.std(axis=0, dtype=np.float64)
    scales = np.where(scales > 0, scales, 1.0)
    standard = (lists.matrix - means) / scales
    aims, count = lists.aims(), len(lists.starts)

    def loss(weights: Floats) -> tuple[float, Floats]:
        belief = beliefs(standard @ weights, lists.starts)
        surprise = -float(np.log(np.maximum(belief, 1e-12)) @ aims) / count
        slope = standard.T @ (belief - aims) / count
        return surprise + ridge * float(weights @ weights), slope + 2.0 * ridge * weights

    return Linear(means, scales, lowest(loss, np.zeros(len(means))))
