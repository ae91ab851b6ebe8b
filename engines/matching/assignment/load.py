"""Prices of people: how much likelier than somebody else they must be to be named all the same.

A ranker names the same few people again and again. To take load off them is to name somebody less
likely, so it should happen where that costs least. This is an online linear programme (the least
loss of probability, such that the busiest few hold at most some share), and prices learned on the
latest arrivals solve it nearly as well as knowing all of them: Agrawal, Wang and Ye, A dynamic
near-optimal algorithm for online linear programming (2014).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.matching.assignment.probabilities import probabilities
from engines.matching.assignment.types import Pick
from engines.matching.types import Person, Ranking

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BUSIEST = 3
_MOST_CANDIDATES = 15
_LEAST_TASKS = 60
_HIGHEST = 0.6
_HALVINGS = 9
_ROUNDS = 24
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Fairness:
    """What is wanted of a stream of items."""

    relief: float = 0.25
    """What the three busiest should hold less than if the likeliest were always named: a share of
    all items."""
    budget: float = 0.06
    """What that may cost at most: probability that the one who is named is the one, on average."""
    enough: float = 0.4
    """Share of the three busiest below which nothing is spread."""
    window: int = 100
    """Latest items that prices are learned from."""


def prices(recent: Sequence[Ranking], fairness: Fairness | None = None) -> dict[str, float]:
    """Prices by the person's key, in units of a candidate's score; who is missing has none.

    `recent` are rankings of the latest tasks, whoever took them, oldest first: nothing has to be
    remembered of what was recommended. None are priced before there are 60.
    """
    fairness = fairness or Fairness()
    latest = [ranking for ranking in recent[-fairness.window :] if ranking.candidates]
    if len(latest) < _LEAST_TASKS:
        return {}
    keys, scores, chances = _tables(latest)
    found = _Stream(scores, chances).prices(fairness)
    return {key: price for key, price in zip(keys, found.tolist(), strict=True) if price > 0.0}


def in_turn(
    rankings: Sequence[Ranking], fairness: Fairness | None = None, every: int = 10
) -> list[Person | None]:
    """Who is named for each of a stream of tasks if nobody is away: at prices that are learned
    anew, `every` so many tasks, on those before.
    """
    priced: dict[str, float] = {}
    named: list[Person | None] = []
    for at, ranking in enumerate(rankings):
        if at % every == 0:
            priced = prices(rankings[:at], fairness)
        best = min(probabilities(ranking), key=value(priced), default=None)
        named.append(None if best is None else best.person)
    return named


def value(priced: Mapping[str, float]) -> Callable[[Pick], tuple[float, float, str]]:
    """A key that sorts candidates at these prices, the best first."""

    def key(pick: Pick) -> tuple[float, float, str]:
        worth = pick.score - priced.get(pick.person.key, 0.0)
        return -worth, -pick.score, pick.person.key

    return key


def _tables(rankings: Sequence[Ranking]) -> tuple[list[str], Floats, Floats]:
    """Keys of people (k,), and of each task and person (n, k) the score and the calibrated
    probability; the score of who is no candidate is -inf.
    """
    picked = [probabilities(ranking)[:_MOST_CANDIDATES] for ranking in rankings]
    keys = sorted({pick.person.key for picks in picked for pick in picks})
    column = {key: at for at, key in enumerate(keys)}
    scores = np.full((len(picked), len(keys)), -np.inf)
    chances = np.zeros((len(picked), len(keys)))
    for row, picks in enumerate(picked):
        for pick in picks:
            at = column[pick.person.key]
            scores[row, at] = pick.score
            chances[row, at] = pick.probability
    return keys, scores, chances


class _Stream:
    """Tasks of the past, to be given out anew."""

    def __init__(self, scores: Floats, chances: Floats) -> None:
        self._scores = scores
        self._chances = chances
        self._rows = np.arange(len(scores))
        self._people = int(scores.shape[1])
        self._likeliest = self._named(np.zeros(self._people))
        self._loads = self._shares(self._likeliest)

    def prices(self, fairness: Fairness) -> Floats:
        """The lowest that reach the goal, or the highest that the budget allows."""
        goal = max(_busiest(self._loads) - fairness.relief, fairness.enough) + _ROUNDING
        found = np.zeros(self._people)
        if self._people <= BUSIEST or _busiest(self._loads) <= goal:
            return found
        low, high, is_reached = 0.0, _HIGHEST, False
        for _ in range(_HALVINGS):
            height = (low + high) / 2
            tried = height * self._profile(height)
            named = self._named(tried)
            if self._loss(named) > fairness.budget:
                high = height
            elif _busiest(self._shares(named)) <= goal:
                found, high, is_reached = tried, height, True
            else:
                low = height
                found = found if is_reached else tried
        return found

    def _profile(self, height: float) -> Floats:
        """(k,) In [0, 1], summing to at most three: who is how often among the busiest when those
        are priced. Fictitious play, whose averages converge to the prices that balance them.
        """
        loads = self._loads
        profile = np.zeros(len(loads))
        for turn in range(1, _ROUNDS + 1):
            profile = profile + (_among_busiest(loads) - profile) / turn
            shares = self._shares(self._named(profile * height))
            loads = loads + (shares - loads) / max(turn, 2)
        return profile

    def _named(self, priced: Floats) -> Ints:
        return np.argmax(self._scores - priced, axis=1)

    def _shares(self, named: Ints) -> Floats:
        return np.bincount(named, minlength=self._people) / len(named)

    def _loss(self, named: Ints) -> float:
        chances, rows = self._chances, self._rows
        return float(np.mean(chances[rows, self._likeliest] - chances[rows, named]))


def _busiest(loads: Floats) -> float:
    return float(np.sort(loads)[-BUSIEST:].sum())


def _among_busiest(loads: Floats) -> Floats:
    """Who the three busiest are; those who tie with the third share what is left."""
    if len(loads) <= BUSIEST:
        return np.ones(len(loads))
    third = np.sort(loads)[-BUSIEST]
    above = loads > third
    tied = loads == third
    return above + tied * ((BUSIEST - above.sum()) / tied.sum())
