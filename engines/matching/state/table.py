"""Who has had to do with what: counters of people per key, ever and at three half-lives."""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engines.matching.state.packing import Packed, Packer, Rest

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DAY_S = 86_400.0
FRESH_DAYS, SHORT_DAYS, LONG_DAYS = 10.0, 30.0, 180.0
"""Half-lives."""
PERIOD_DAYS = 7_920.0
"""After so long weights are told in another unit: a multiple of each half-life, so that it is by a
power of two that they are divided, and nothing is rounded."""
COUNT, FRESH, SHORT, LONG, LAST = range(5)
"""Columns of what a person has at a key: how much of it ever, the same decayed by each of the
half-lives, and the day on which it was last."""
_WIDTH = 5
_MANY = 8
"""People at a key among whom one is looked up by a table; fewer are gone through."""


def sums(rows: Ints, weights: NDArray[Any], count: int) -> Floats:
    """(count,) For each row the sum of the weights that fall on it."""
    return np.bincount(rows, weights, count).astype(np.float64)


def growth(day: float, half_life_days: float) -> float:
    """What one event of a day weighs, in units of what one at the day of origin, 0, does.

    Weights are kept growing with time instead of shrinking with age: then adding up is all that an
    update takes, and a share needs no clock. At 10 days a double holds 28 years of them; the origin
    moves on before (`Table.age`).
    """
    return float(2.0 ** (day / half_life_days))


class Weights(NamedTuple):
    """What one event adds."""

    amount: float
    fresh: float
    short: float
    long: float
    day: float


def weights_on(day: float, amount: float = 1.0, *, origin: float = 0.0) -> Weights:
    """What an event of some size adds on a day, as seen from the day of origin."""
    fresh, short, long = (
        amount * growth(day - origin, half_life)
        for half_life in (FRESH_DAYS, SHORT_DAYS, LONG_DAYS)
    )
    return Weights(amount, fresh, short, long, day)


_NOBODY: Ints = np.empty(0, np.int64)
_NO_VALUES: Floats = np.empty((0, _WIDTH))


class _Slot:
    """The people of one key."""

    __slots__ = ("people", "places", "totals", "values")

    def __init__(self) -> None:
        self.people = array("q")
        self.values = array("d")
        self.totals = [0.0, 0.0, 0.0, 0.0, -1.0]
        self.places: dict[int, int] | None = None
        """By a person where they stand among the people, once these are many."""

    def fill(self, people: "array[int]", values: "array[float]", totals: list[float]) -> None:
        self.people, self.values, self.totals = people, values, totals
        if len(people) >= _MANY:
            self._find_places()

    def put(self, person: int, weights: Weights) -> None:
        places = self.places
        if places is None:
            at = self.people.index(person) if person in self.people else -1
        else:
            at = places.get(person, -1)
        if at < 0:
            self._append(person, weights)
            return
        amount, fresh, short, long, day = weights
        values, at = self.values, at * _WIDTH
        values[at] += amount
        values[at + FRESH] += fresh
        values[at + SHORT] += short
        values[at + LONG] += long
        if day > values[at + LAST]:
            values[at + LAST] = day

    def count(self, weights: Sequence[float]) -> None:
        amount, fresh, short, long, day = weights
        totals = self.totals
        totals[COUNT] += amount
        totals[FRESH] += fresh
        totals[SHORT] += short
        totals[LONG] += long
        if day > totals[LAST]:
            totals[LAST] = day

    def entries(self) -> list[tuple[int, Weights]]:
        values = self.values
        return [
            (person, Weights(*values[at * _WIDTH : (at + 1) * _WIDTH]))
            for at, person in enumerate(self.people)
        ]

    def join(self, kept: int, gone: int) -> None:
        entries = self.entries()
        self.people, self.values, self.places = array("q"), array("d"), None
        for person, weights in entries:
            self.put(kept if person == gone else person, weights)

    def _append(self, person: int, weights: Weights) -> None:
        people = self.people
        if self.places is not None:
            self.places[person] = len(people)
        people.append(person)
        self.values.extend(weights)
        if len(people) == _MANY:
            self._find_places()

    def _find_places(self) -> None:
        self.places = {person: at for at, person in enumerate(self.people)}


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
        self._rest = Rest()
        self._people, self._values, self._totals = _NOBODY, _NO_VALUES, _NO_VALUES

    def unpack(self, packed: Packed, name: str) -> None:
        """Know what was packed under a name, and nothing else."""
        self._rest = packed.keys(name)
        self._people = packed.array(f"{name}.people").astype(np.int64, copy=False)
        self._values = packed.array(f"{name}.values").astype(np.float64, copy=False)
        self._totals = packed.array(f"{name}.totals").astype(np.float64, copy=False)

    def pack(self, packer: Packer, name: str) -> None:
        """Put everything under a name."""
        for key in self._rest:
            self._unpack(key)
        slots = self._slots.values()
        packer.put_keys(name, self._slots, [len(slot.people) for slot in slots])
        people = b"".join(slot.people for slot in slots)
        values = b"".join(slot.values for slot in slots)
        totals = np.array([slot.totals for slot in slots], np.float64)
        packer.put(f"{name}.people", np.frombuffer(people, np.int64))
        packer.put(f"{name}.values", np.frombuffer(values, np.float64).reshape(-1, _WIDTH))
        packer.put(f"{name}.totals", totals.reshape(-1, _WIDTH))

    def __contains__(self, key: str) -> bool:
        """Whether anybody has had to do with it."""
        return key in self._slots or key in self._rest

    def add(self, key: str, person: int, weights: Weights) -> None:
        """Count an event."""
        slot = self._slots.get(key) or self._unpack(key)
        if slot is None:
            slot = self._slots[key] = _Slot()
        slot.put(person, weights)
        slot.count(weights)

    def move(self, old: str, new: str) -> None:
        """A file has another path now: what people had there goes with it."""
        self._unpack(old)
        slot = self._slots.pop(old, None)
        if slot is None:
            return
        known = self._slots.get(new) or self._unpack(new)
        if known is None:
            self._slots[new] = slot
            return
        for person, weights in slot.entries():
            known.put(person, weights)
        known.count(slot.totals)

    def age(self, periods: int) -> None:
        """The origin of weights moves on: what is too old for a double is nothing from then on."""
        scales = np.ones(_WIDTH)
        for column, half_life in ((FRESH, FRESH_DAYS), (SHORT, SHORT_DAYS), (LONG, LONG_DAYS)):
            scales[column] = 2.0 ** (-periods * PERIOD_DAYS / half_life)
        self._values, self._totals = self._values * scales, self._totals * scales
        for slot in self._slots.values():
            values = np.frombuffer(slot.values, np.float64).reshape(-1, _WIDTH) * scales
            slot.values = array("d", values.tobytes())
            slot.totals = (np.array(slot.totals) * scales).tolist()

    def join(self, kept: int, gone: int) -> None:
        """Two people turned out to be one."""
        for key in self._rest.holding(np.flatnonzero(self._people == gone)):
            self._unpack(key)
        for slot in self._slots.values():
            if gone in (slot.places or slot.people):
                slot.join(kept, gone)

    def gather(self, keys: Iterable[str], row_of: Ints) -> Gathered:
        """What the asked people have at keys.

        `row_of` gives for each index of a person the row that asked for it, or -1.
        """
        slots = [
            (number, self._slots.get(key) or self._unpack(key)) for number, key in enumerate(keys)
        ]
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

    def _unpack(self, key: str) -> _Slot | None:
        taken = self._rest.take(key)
        if taken is None:
            return None
        number, rows = taken
        slot = self._slots[key] = _Slot()
        slot.fill(
            array("q", self._people[rows].tobytes()),
            array("d", self._values[rows].tobytes()),
            self._totals[number].tolist(),
        )
        return slot


_NOTHING = Gathered(_NOBODY, _NOBODY, _NO_VALUES, _NO_VALUES)
