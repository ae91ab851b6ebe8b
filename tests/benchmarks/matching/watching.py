"""What the heuristics and the reference ranker stand on: counters of people per key."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engines.matching.protocol import Floats, Question, Who
from engines.matching.types import Mode

DAY_S = 86_400
SHORT_D, LONG_D = 30.0, 180.0
"""Half-lives, in days."""
EPOCH_S = 946_684_800
"""Of the growing weights: 2000. They stay in a double's range until 2080 at the short half-life."""
Ints = NDArray[np.int64]

EVER, SHORT, LONG, LAST = range(4)
"""Columns of an entry: how much, the same at two half-lives, and when last."""


def grown(at_s: int, half_life_d: float) -> float:
    """The weight of an event in units of one at `EPOCH_S`."""
    return 2.0 ** ((at_s - EPOCH_S) / DAY_S / half_life_d)


class Weight(NamedTuple):
    """What one event adds: once, and grown by its day so that nothing has to decay afterwards."""

    ever: float
    short: float
    long: float
    at_s: int


def weight(at_s: int, size: float = 1.0) -> Weight:
    """Of an event of some size."""
    return Weight(size, size * grown(at_s, SHORT_D), size * grown(at_s, LONG_D), at_s)


class Aliases:
    """Indices of people who turned out to be one. Counters keep them apart, reading adds them up."""

    def __init__(self) -> None:
        """Everybody is one person."""
        self._gone: dict[int, list[int]] = {}

    def join(self, kept: int, gone: int) -> None:
        """Two are one."""
        self._gone.setdefault(kept, []).extend([gone, *self._gone.pop(gone, [])])

    def rows(self, candidates: Sequence[int]) -> dict[int, int]:
        """The row of each candidate under every index that it ever had."""
        found = {index: row for row, index in enumerate(candidates)}
        for kept, gone in self._gone.items():
            if kept in found:
                found.update(dict.fromkeys(gone, found[kept]))
        return found


@dataclass(frozen=True)
class Gathered:
    """What some people have to do with some keys: one line for each pair that has."""

    rows: Ints  # [m]: of people
    keys: Ints  # [m]
    entries: Floats  # [m, 4]
    totals: Floats  # [m, 4]: of the line's key over all people
    weights: Floats  # [m]: of the line's key
    people: int

    def shares(self, column: int) -> Floats:
        """[people]: shares of the keys, weighted and added up."""
        with_floor = np.maximum(self.totals[:, column], 1e-300)
        return self.summed(self.entries[:, column] / with_floor)

    def amounts(self, column: int) -> Floats:
        """[people]: what it is, weighted and added up."""
        return self.summed(self.entries[:, column])

    def summed(self, values: Floats) -> Floats:
        """[people]: one value of each line, weighted and added up."""
        return np.bincount(self.rows, values * self.weights, self.people).astype(np.float64)

    def latest(self) -> Floats:
        """[people]: when last, or 0."""
        found = np.zeros(self.people)
        np.maximum.at(found, self.rows, self.entries[:, LAST])
        return found


class Table:
    """Per key, per person: how much, how much lately, and when last."""

    def __init__(self) -> None:
        """Nothing has happened."""
        self._keys: dict[str, dict[int, list[float]]] = {}
        self._totals: dict[str, list[float]] = {}

    def __contains__(self, key: str) -> bool:
        """Somebody has had to do with it."""
        return key in self._keys

    def add(self, keys: Iterable[str], people: Sequence[int], by: Weight) -> None:
        """An event of each person at each key."""
        for key in keys:
            theirs = self._keys.setdefault(key, {})
            total = self._totals.setdefault(key, [0.0, 0.0, 0.0, 0.0])
            for person in people:
                for entry in (theirs.setdefault(person, [0.0, 0.0, 0.0, 0.0]), total):
                    entry[EVER] += by.ever
                    entry[SHORT] += by.short
                    entry[LONG] += by.long
                    entry[LAST] = by.at_s

    def rename(self, old: str, new: str) -> None:
        """A key has a new name; what the new one had before is forgotten."""
        if old in self._keys and old != new:
            self._keys[new] = self._keys.pop(old)
            self._totals[new] = self._totals.pop(old)

    def total(self, key: str) -> Sequence[float]:
        """The entries of a key added up; its last is the latest."""
        return self._totals.get(key, (0.0, 0.0, 0.0, 0.0))

    def entries(self, key: str) -> Iterator[tuple[int, Sequence[float]]]:
        """Of all who have had to do with a key, under the indices of then."""
        yield from self._keys.get(key, {}).items()

    def gather(self, keys: Mapping[str, float], rows: Mapping[int, int], people: int) -> Gathered:
        """What people, by their rows, have to do with keys, which have weights."""
        found: list[tuple[int, int]] = []
        entries: list[list[float]] = []
        for at, key in enumerate(keys):
            for person, entry in self._keys.get(key, {}).items():
                row = rows.get(person)
                if row is not None:
                    found.append((row, at))
                    entries.append(entry)
        pairs = np.array(found, np.int64).reshape(-1, 2)
        totals = np.array([self.total(key) for key in keys]).reshape(-1, 4)
        weights = np.array([*keys.values()])
        at = pairs[:, 1]
        return Gathered(
            pairs[:, 0], at, np.array(entries).reshape(-1, 4), totals[at], weights[at], people
        )


def labelled(who: Who, mode: Mode) -> tuple[int, ...]:
    """Whom a task is an example of."""
    if mode is Mode.REVIEWER:
        return who.reviewers
    return () if who.author is None else (who.author,)


def folders(path: str) -> list[str]:
    """All folders above a file, the nearest first and the root, "", last."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[:end]) for end in range(len(parts), -1, -1)]


def known_paths(question: Question, most: int = 50) -> tuple[str, ...]:
    """The paths that are asked about, at most so many."""
    return tuple(dict.fromkeys(question.query.files))[:most]
