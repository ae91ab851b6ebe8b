"""What a dump of rankings is worth: hits, reciprocal ranks, calibration, and intervals of both.

Where scores tie, a hit counts with its probability and a rank is the expected one, as if ties were
broken by chance. Of several right answers (reviewers) the best ranked counts. Only covered rows are
measured; coverage says how many those are.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import comb
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engines.matching.protocol import Row

Floats = NDArray[np.float64]

TOPS = (1, 3, 5)
BINS = 10
RESAMPLES = 10_000
_AT_ONCE = 500
"""Resamples drawn together: bounds memory."""


class Standing(NamedTuple):
    """Where the right answers of one row stand."""

    reciprocal: float
    """Of the expected rank."""
    hits: tuple[float, ...]
    """For each of `TOPS` the probability that a right answer is so far up."""


@dataclass(frozen=True)
class Summary:
    """A list of rows in figures: shares, and means over covered rows."""

    rows: int
    covered: int
    candidates: float
    """Mean number."""
    top_dev_share: float
    """Covered rows whose right answer is the one who is it most often."""
    mrr: float
    top: tuple[float, ...]
    """For each of `TOPS`."""
    macro_mrr: float
    """Mean over people of the mean over theirs: everybody counts the same."""
    macro_top3: float
    session_mrr: float
    """MRR of the rows that begin a session; 0 where none does."""
    session_rows: int

    @property
    def coverage(self) -> float:
        """Rows of which a right answer was a candidate."""
        return self.covered / self.rows if self.rows else 0.0


@dataclass(frozen=True)
class Interval:
    """A difference of means and where it lies in 95 % of the resamples."""

    mean: float
    low: float
    high: float


def standing(row: Row, truth: Iterable[str] | None = None) -> Standing:
    """Of the row's right answers, or of those named."""
    return placed(
        [score for _, score in row.ranking],
        [key in set(row.truth if truth is None else truth) for key, _ in row.ranking],
    )


def placed(scores: Sequence[float], right: Sequence[bool]) -> Standing:
    """Where the best of the right answers stands among scores, ties broken by chance."""
    best = max(
        (score for score, is_right in zip(scores, right, strict=True) if is_right), default=None
    )
    if best is None:
        return Standing(0.0, (0.0,) * len(TOPS))
    above = sum(score > best for score in scores)
    tied = sum(score == best for score in scores)
    wanted = sum(is_right and score == best for score, is_right in zip(scores, right, strict=True))
    expected = above + (tied + 1) / (wanted + 1)
    return Standing(1 / expected, tuple(_chance(tied, wanted, top - above) for top in TOPS))


def _chance(tied: int, wanted: int, drawn: int) -> float:
    """Of at least one of the wanted among so many drawn from the tied."""
    if drawn <= 0:
        return 0.0
    return 1 - comb(tied - wanted, min(drawn, tied)) / comb(tied, min(drawn, tied))


def summary(rows: Sequence[Row]) -> Summary:
    """All figures but calibration."""
    covered = [row for row in rows if row.covered]
    standings = [standing(row) for row in covered]
    sessions = [
        s.reciprocal for row, s in zip(covered, standings, strict=True) if row.session_first
    ]
    by_person: defaultdict[str, list[Standing]] = defaultdict(list)
    for row in covered:
        ranked = {key for key, _ in row.ranking}
        for key in row.truth:
            if key in ranked:
                by_person[key].append(standing(row, [key]))
    most = max((len(theirs) for theirs in by_person.values()), default=0)
    return Summary(
        rows=len(rows),
        covered=len(covered),
        candidates=_mean([len(row.ranking) for row in covered]),
        top_dev_share=most / len(covered) if covered else 0.0,
        mrr=_mean([s.reciprocal for s in standings]),
        top=tuple(_mean([s.hits[at] for s in standings]) for at in range(len(TOPS))),
        macro_mrr=_mean([_mean([s.reciprocal for s in their]) for their in by_person.values()]),
        macro_top3=_mean([_mean([s.hits[1] for s in their]) for their in by_person.values()]),
        session_mrr=_mean(sessions),
        session_rows=len(sessions),
    )


def reciprocals(rows: Sequence[Row]) -> Floats:
    """[n]: of the covered rows."""
    return np.array([standing(row).reciprocal for row in rows if row.covered])


def hits(rows: Sequence[Row], top: int = 1) -> Floats:
    """[n]: of the covered rows, whether a right answer is among the first `top`."""
    return np.array([standing(row).hits[TOPS.index(top)] for row in rows if row.covered])


def difference(ours: Floats, theirs: Floats, seed: int, resamples: int = RESAMPLES) -> Interval:
    """Paired bootstrap over the tasks of one repository."""
    return pooled_difference([(ours, theirs)], seed, resamples)


def pooled_difference(
    pairs: Sequence[tuple[Floats, Floats]], seed: int, resamples: int = RESAMPLES
) -> Interval:
    """Paired bootstrap of the mean over repositories, each of whose tasks are drawn within it."""
    rng = np.random.default_rng(seed)
    means = np.zeros(resamples)
    for ours, theirs in pairs:
        if len(ours) != len(theirs):
            raise ValueError("not the same tasks")
        means += _resampled(ours - theirs, rng, resamples) / len(pairs)
    low, high = np.quantile(means, (0.025, 0.975))
    mean = float(np.mean([np.mean(ours - theirs) for ours, theirs in pairs]))
    return Interval(mean, float(low), float(high))


def _resampled(values: Floats, rng: np.random.Generator, resamples: int) -> Floats:
    found = [
        values[rng.integers(len(values), size=(min(_AT_ONCE, resamples - at), len(values)))].mean(1)
        for at in range(0, resamples, _AT_ONCE)
    ]
    return np.concatenate(found)


def calibration_error(confidences: Floats, right: Floats, *, equal_mass: bool = False) -> float:
    """Expected calibration error over ten bins of equal width, or of equally many rows.

    Guo et al., "On Calibration of Modern Neural Networks", 2017. The one with equal widths is what
    is reported; the other shows what its nearly empty bins hide.
    """
    if not len(confidences):
        return 0.0
    if equal_mass:
        order = np.argsort(confidences, kind="stable")
        bins = np.array_split(order, min(BINS, len(order)))
    else:
        at = np.minimum((confidences * BINS).astype(np.int64), BINS - 1)
        bins = [np.flatnonzero(at == which) for which in range(BINS)]
    gaps = [abs(float(confidences[rows].sum() - right[rows].sum())) for rows in bins if len(rows)]
    return sum(gaps) / len(confidences)


def calibration_noise(confidences: Floats, seed: int, draws: int = 200) -> float:
    """The calibration error over bins of equal width that confidences would show on average if
    each were true: what is left to so few rows by chance.
    """
    rng = np.random.default_rng(seed)
    size = (draws, len(confidences))
    return _mean(
        [calibration_error(confidences, right) for right in rng.random(size) < confidences]
    )


def top_people_share(rows: Sequence[Row], people: int = 3) -> float:
    """Share of the recommendations that go to the few who get most of them."""
    firsts = Counter(row.ranking[0][0] for row in rows if row.ranking)
    total = sum(firsts.values())
    return sum(count for _, count in firsts.most_common(people)) / total if total else 0.0


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else 0.0
