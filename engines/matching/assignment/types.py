"""What an assignment says."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from engines.matching.assignment.standing import Skipped
from engines.matching.types import Person


class Band(StrEnum):
    """How sure a name is, in words that a person can act on."""

    HIGH = "very likely"
    MEDIUM = "likely"
    LOW = "a fair chance"
    NONE = "a long shot"
    """Not sure enough to call it a recommendation."""


HIGH_FROM, MEDIUM_FROM, LOW_FROM = 0.7, 0.4, 0.15
"""Probabilities."""


def band_of(probability: float) -> Band:
    """The band of a calibrated probability."""
    if probability >= HIGH_FROM:
        return Band.HIGH
    if probability >= MEDIUM_FROM:
        return Band.MEDIUM
    return Band.LOW if probability >= LOW_FROM else Band.NONE


class Role(StrEnum):
    """What the second is for."""

    LEARNER = "learner"
    """Gets to know files that only the first knows."""
    BACK_UP = "back-up"
    """Takes it if the first does not."""


class Pick(NamedTuple):
    """Somebody who is named."""

    person: Person
    probability: float
    """That they are the one, calibrated; 0 for who is not in the ranking."""
    score: float = 0.0
    """The ranker's own, which prices are set against."""

    @property
    def band(self) -> Band:
        """How sure that is."""
        return band_of(self.probability)


@dataclass(frozen=True, slots=True)
class Choice:
    """Who is named for one item."""

    first: Pick | None
    """None if nobody can take it."""
    second: Pick | None
    role: Role | None
    """Of the second."""
    best: Pick | None
    """Who would be first if load did not matter; somebody else than `first` was spared."""
    skipped: tuple[Skipped, ...]
    """Who would have been named otherwise, best first."""
    warnings: tuple[str, ...]
    """What an explicit request overrides, one sentence each."""
    confident: bool
    """False: "no confident candidate", and `first` is merely the likeliest."""
