"""Who has had to do with what: counters of people per key, ever and at three half-lives."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DAY_S = 86_400.0
FRESH_DAYS, SHORT_DAYS, LONG_DAYS = 10.0, 30.0, 180.0
"""Half-lives."""
COUNT, FRESH, SHORT, LONG, LAST = range(5)
"""Columns of what a person has at a key: how much of it ever, the same decayed by each of the
half-lives, and the day on which it was last."""
_WIDTH = 5


def sums(rows: Ints, weights: NDArray[Any], count: int) -> Floats:
    """(count,) For each row the sum of the weights that fall on it."""
    return np.bincount(rows, weights, count).astype(np.float64)


def growth(day: float, half_life_days: float) -> float:
    """What one event of a day weighs, in units of what one at day 0 does.

    Weights are kept growing with time instead of shrinking with age: then adding up is all that an
    update takes, and a share needs no clock. At 10 days a double holds 28 years of them.
    """
    return float(2.0 ** (day / half_life_days))


class Weights(NamedTuple):
    """What one event adds."""

    amount: float
    fresh: float
    short: float
    long: float
    day: float


def weights_on(day: float, amount: float = 1.0) -> Weights:
    """What an event of some size adds on a day."""
    fresh, short, long = (
        amount * growth(day, half_life) for half_life in (FRESH_DAYS, SHORT_DAYS, LONG_DAYS)
    )
    return Weights(amount, fresh, short, long, day)


class _Slot:
    """The people of one key."""

    __slots__ = ("people", "totals", "values")

    def __init__(self) -> None:
        self.people = array("q")
        self.values = array("d")
        self.totals = [0.0, 0.0, 0.0, 0.0, -1.0]


@dataclass(frozen=True)
class Gathered:
    """What people have at some keys, flat: one row for each pair of a key and a person."""

    rows: Ints
    """(n,) Which of the asked people."""
    keys: Ints
    """(n,) Which of the asked keys."""
    values: Floats
    """(n, 5) COUNT to LAST of the person there."""
    totals: Floats
    """(n, 5) The same of everybody there; LAST is the latest of anybody."""


class Table:
    """Counters of people per key."""

    def __init__(self) -> None:
        """Nobody has done anything."""
        self._slots: dict[str, _Slot] = {}

    def __contains__(self, key: str) -> bool:
        """Whether anybody has had to do with it."""
        return key in self._slots

    def add(self, key: str, person: int, weights: Weights) -> None:
        """Count an event."""
        slot = self._slots.get(key)
        if slot is None:
            slot = self._slots[key] = _Slot()
        _put(slot, person, weights)
        totals = slot.totals
        totals[COUNT] += weights.amount
        totals[FRESH] += weights.fresh
        totals[SHORT] += weights.short
        totals[LONG] += weights.long
        totals[LAST] = max(totals[LAST], weights.day)

    def move(self, old: str, new: str) -> None:
        """A file has another path now: what people had there goes with it."""
        slot = self._slots.pop(old, None)
        if slot is None:
            return
        known = self._slots.get(new)
        if known is None:
            self._slots[new] = slot
            return
        for person, weights in _entries(slot):
            _put(known, person, weights)
        for column in (COUNT, FRESH, SHORT, LONG):
            known.totals[column] += slot.totals[column]
        known.totals[LAST] = max(known.totals[LAST], slot.totals[LAST])

    def join(self, kept: int, gone: int) -> None:
        """Two people turned out to be one."""
        for slot in self._slots.values():
            if gone not in slot.people:
                continue
            entries = _entries(slot)
            slot.people, slot.values = array("q"), array("d")
            for person, weights in entries:
                _put(slot, kept if person == gone else person, weights)

    def gather(self, keys: Iterable[str], row_of: Ints) -> Gathered:
        """What the asked people have at keys.

        `row_of` gives for each index of a person the row that asked for it, or -1.
        """
        slots = [(number, self._slots.get(key)) for number, key in enumerate(keys)]
        found = [(number, slot) for number, slot in slots if slot is not None]
        if not found:
            return _NOTHING
        sizes = [len(slot.people) for _, slot in found]
        people = np.concatenate([np.frombuffer(slot.people, np.int64) for _, slot in found])
        values = np.concatenate([np.frombuffer(slot.values, np.float64) for _, slot in found])
        rows = row_of[people]
        asked = np.flatnonzero(rows >= 0)
        which = np.repeat(np.arange(len(found)), sizes)[asked]
        numbers = np.array([number for number, _ in found])
        totals = np.array([slot.totals for _, slot in found])
        return Gathered(
            rows[asked], numbers[which], values.reshape(-1, _WIDTH)[asked], totals[which]
        )


_NOTHING = Gathered(
    np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, _WIDTH)), np.empty((0, _WIDTH))
)


def _put(slot: _Slot, person: int, weights: Weights) -> None:
    values = slot.values
    try:
        at = slot.people.index(person) * _WIDTH
    except ValueError:
        slot.people.append(person)
        values.extend(weights)
        return
    values[at + COUNT] += weights.amount
    values[at + FRESH] += weights.fresh
    values[at + SHORT] += weights.short
    values[at + LONG] += weights.long
    values[at + LAST] = max(values[at + LAST], weights.day)


def _entries(slot: _Slot) -> list[tuple[int, Weights]]:
    values = slot.values
    return [
        (person, Weights(*values[at * _WIDTH : (at + 1) * _WIDTH]))
        for at, person in enumerate(slot.people)
    ]
