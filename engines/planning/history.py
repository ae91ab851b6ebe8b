"""What closed issues teach about open ones: how long work took, beside what it was thought to take.

Durations of software work are about log-normal, so everything is counted in logarithms. A few
issues prove little: what they say is mixed with what is assumed anyway, as if that had been seen
`ASSUMED` times (a conjugate prior, in its simplest form).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, expm1, log, log1p, sqrt
from statistics import fmean

from engines.planning.estimates import UNCERTAINTY, Estimate

ASSUMED = 4
"""How many closed issues the assumption weighs as much as."""
LEAST_FINISHED = 5
"""Below this many nothing is learned."""
MOST_OFF = log(20)
"""What took twenty times as long, or as short, as its like was left lying, or closed unread: it
counts as that and no more."""


@dataclass(frozen=True)
class Finished:
    """A closed issue."""

    took: int
    """Ticks of working time between its being taken up and its being closed; at least 1."""
    estimate: int | None = None
    """Ticks, where somebody had said."""
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Spread:
    """Logarithms of a number of durations, or of a number of ratios."""

    mean: float
    variance: float
    count: int


@dataclass(frozen=True)
class History:
    """What was learned."""

    _ratios: _Spread | None
    """Of what was taken to what was estimated; None where too few had an estimate."""
    _durations: _Spread | None
    _by_label: dict[str, _Spread]

    @property
    def counted(self) -> tuple[int, int]:
        """How many closed issues with an estimate, and how many in all, it rests on."""
        return (
            self._ratios.count if self._ratios else 0,
            self._durations.count if self._durations else 0,
        )

    @property
    def factor(self) -> float | None:
        """How many times its estimate an issue takes on average; None where that is not known."""
        return None if self._ratios is None else _log_normal_mean(self._ratios)

    def corrected(self, estimate: int) -> Estimate | None:
        """What an estimate comes to, as earlier ones did; None where that is not known."""
        if self._ratios is None:
            return None
        return _estimate(estimate * _log_normal_mean(self._ratios), self._ratios.variance)

    def typical(self, labels: Sequence[str]) -> Estimate | None:
        """How long an issue with these labels takes that nobody has estimated.

        The label whose issues agree best among each other decides; None where too few are closed.
        """
        spread = min(
            (self._by_label[label] for label in labels if label in self._by_label),
            key=lambda one: one.variance,
            default=self._durations,
        )
        return None if spread is None else _estimate(_log_normal_mean(spread), spread.variance)


def learn(finished: Sequence[Finished]) -> History:
    """What closed issues teach."""
    variance = log1p(UNCERTAINTY**2)
    ratios = [log(one.took / one.estimate) for one in finished if one.estimate]
    by_label: dict[str, list[float]] = {}
    for one in finished:
        for label in set(one.labels):
            by_label.setdefault(label, []).append(log(one.took))
    durations = [log(one.took) for one in finished]
    return History(
        _spread(ratios, 0.0, variance),
        _spread(durations, fmean(durations), variance) if durations else None,
        {
            label: spread
            for label, logs in by_label.items()
            if (spread := _spread(logs, fmean(durations), variance)) is not None
        },
    )


def _spread(logs: Sequence[float], assumed: float, variance: float) -> _Spread | None:
    """Mean and variance, mixed with the assumed ones; None for too few."""
    if len(logs) < LEAST_FINISHED:
        return None
    middle = sorted(logs)[len(logs) // 2]
    kept = [min(max(one, middle - MOST_OFF), middle + MOST_OFF) for one in logs]
    mean = (ASSUMED * assumed + sum(kept)) / (ASSUMED + len(kept))
    squares = sum((one - mean) ** 2 for one in kept)
    return _Spread(mean, (ASSUMED * variance + squares) / (ASSUMED + len(kept)), len(kept))


def _log_normal_mean(spread: _Spread) -> float:
    return exp(spread.mean + spread.variance / 2)


def _estimate(mean: float, variance: float) -> Estimate:
    return Estimate(max(1, round(mean)), sqrt(expm1(variance)))
