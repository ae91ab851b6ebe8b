"""Several rankings as one."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np

from engines.text.arrays import Floats

_DAMPING = 10
"""Cormack et al. take 60; on code, where one ranking is often sure and right, 10 was better (see
README.md)."""


Ranking: TypeAlias = Sequence[tuple[int, int]]
"""Documents with their ranks from 0; equals share one."""


def reciprocal_rank_fusion(rankings: Iterable[Ranking]) -> dict[int, float]:
    """Documents with their scores: 1 for the first of all rankings, near 0 for the last of one.

    Reciprocal rank fusion, Cormack, Clarke and Büttcher 2009.
    """
    fused: defaultdict[int, float] = defaultdict(float)
    kept = list(rankings)
    for ranking in kept:
        for document, rank in ranking:
            fused[document] += _DAMPING / (_DAMPING + rank) / len(kept)
    return dict(fused)


def best(scores: Floats, most: int, above: float) -> Ranking:
    """The documents with the highest scores, best first, the earlier of equals first."""
    order = [int(index) for index in np.argsort(-scores, kind="stable")[:most]]
    found: list[tuple[int, int]] = []
    rank = 0
    for place, document in enumerate(order):
        if scores[document] <= above:
            break
        if place and scores[document] < scores[order[place - 1]]:
            rank = place
        found.append((document, rank))
    return found
