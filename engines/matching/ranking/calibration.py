"""How often the first of a ranking is the one: Platt scaling of what the ranker believes.

Platt 1999, refitted from time to time on the newest outcomes. It starts from what holds in other
histories and leaves that as far as its own outcomes say.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from engines.matching.ranking.descent import lowest
from engines.matching.state.table import Floats

_PRIOR = (0.0, 1.0, 0.0)
"""Offset, slope of the first one's log-odds, slope of the distance to the second: a ranker that is
a mean of several means what it says.
"""
_STIFFNESS = (60.0, 150.0, 150.0)
"""What leaving the prior costs: about as many outcomes as speak for it."""
_EDGE = 1e-4
_SHARPEST, _HALVINGS = 50.0, 50


class Outcome(NamedTuple):
    """A ranking of the past."""

    first: float
    """The ranker's belief in its first."""
    second: float
    """And in its second; 0 where there was none."""
    right: bool
    """Whether the first was the one."""


@dataclass(frozen=True)
class Certainty:
    """Turns beliefs into probabilities."""

    terms: tuple[float, float, float] = _PRIOR

    def of(self, first: float, second: float) -> float:
        """The probability that the first is the one."""
        offset, slope, distance = self.terms
        odds, ahead = _signs(np.array([first]), np.array([second]))
        return float(_logistic(offset + slope * odds + distance * ahead)[0])


def fit_certainty(outcomes: Sequence[Outcome]) -> Certainty:
    """Fit to outcomes that the ranker had not learned from; without any, the prior."""
    if not outcomes:
        return Certainty()
    odds, ahead = _signs(
        np.array([outcome.first for outcome in outcomes]),
        np.array([outcome.second for outcome in outcomes]),
    )
    right = np.array([outcome.right for outcome in outcomes], float)
    design = np.stack([np.ones(len(right)), odds, ahead], axis=1)
    prior, stiffness = np.array(_PRIOR), np.array(_STIFFNESS)

    def loss(terms: Floats) -> tuple[float, Floats]:
        chance = np.clip(_logistic(design @ terms), 1e-9, 1 - 1e-9)
        surprise = -float(right @ np.log(chance) + (1 - right) @ np.log(1 - chance))
        away = terms - prior
        return (
            surprise + 0.5 * float(stiffness @ away**2),
            design.T @ (chance - right) + stiffness * away,
        )

    offset, slope, distance = (float(term) for term in lowest(loss, prior))
    return Certainty((offset, slope, distance))


def tempered(beliefs: Floats, confidence: float) -> Floats:
    """Beliefs of a ranking, sharpened or flattened until the largest is the confidence: one
    temperature for all, so that the order stays.
    """
    logs = np.log(np.maximum(beliefs, 1e-12))
    low, high = 0.0, _SHARPEST
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        grown = np.exp(middle * (logs - logs.max()))
        if 1.0 / float(grown.sum()) < confidence:
            low = middle
        else:
            high = middle
    grown = np.exp(high * (logs - logs.max()))
    return grown / grown.sum()


def _signs(first: Floats, second: Floats) -> tuple[Floats, Floats]:
    first = np.clip(first, _EDGE, 1 - _EDGE)
    return np.log(first / (1 - first)), np.log(first / np.maximum(second, _EDGE)) - 1.0


def _logistic(odds: Floats) -> Floats:
    return 1.0 / (1.0 + np.exp(-odds))
