"""Names people for many items at once: a milestone.

Each person has as many slots as they have room for; the later a slot, the more it costs. Items and
slots are matched at the least sum of costs. An item that
nobody who has room is likely enough to be the one for stays open, and says why.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import floor, log
from typing import NamedTuple

import numpy as np

from engines.matching.assignment.choosing import Options, choose
from engines.matching.assignment.hungarian import matched
from engines.matching.assignment.probabilities import probabilities
from engines.matching.assignment.standing import Standing, Standings, standing_of, why_not
from engines.matching.assignment.types import LOW_FROM, Pick
from engines.matching.types import Person, Ranking

_NEVER = 1e6
_STEEPEST = 8.0
"""What the last slot of a person may cost more than the first, in nats."""
_HALVINGS = 7
_ROUNDING = 1e-9
_MOST_REASONS = 3
_MOST_SLOTS = 50


class Item(NamedTuple):
    """One of a batch."""

    ranking: Ranking
    size: float = 1.0
    """In ordinary items; above 0."""
    requested: Person | None = None
    declined: frozenset[str] = frozenset()
    """Keys of those who will not take it."""


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """How a batch is given out."""

    at_s: int
    """Unix time, for who is away."""
    budget: float = 0.05
    """What it may cost to spread items: probability that a named person is the one, averaged over
    the items, against a batch that is only held to capacities.
    """
    least: float = LOW_FROM
    """Probability below which nobody is named."""


class Given(NamedTuple):
    """What became of one item."""

    pick: Pick | None
    why: str
    """If nobody was named."""
    warnings: tuple[str, ...]
    """What an explicit request overrides."""


def assign(items: Sequence[Item], standings: Standings, options: BatchOptions) -> list[Given]:
    """Who takes each item, in the order of the items.

    Explicit requests come first, and take up room. The others are spread as evenly as the budget
    allows. Nobody is given more than they have room for but by request.
    """
    given: dict[int, Given] = {}
    rooms = dict(standings)
    for at, item in enumerate(items):
        if item.requested is not None:
            choice = choose(
                item.ranking,
                _for_item(rooms, item),
                Options(options.at_s, size=item.size, requested=item.requested),
            )
            given[at] = Given(choice.first, "", choice.warnings)
            _take(rooms, item.requested, item.size)
    left = [at for at in range(len(items)) if at not in given]
    board = _Board([items[at] for at in left], rooms, options)
    named = board.spread()
    for row, at in enumerate(left):
        pick = named[row]
        why = "" if pick is not None else board.why_open(row, named)
        given[at] = Given(pick, why, ())
    return [given[at] for at in range(len(items))]


class _Board:
    """Items that are to be given out, and who could take them."""

    def __init__(self, items: Sequence[Item], standings: Standings, options: BatchOptions) -> None:
        self._items = items
        self._standings = dict(standings)
        self._options = options
        self._picks = [probabilities(item.ranking) for item in items]
        self._able = [
            [pick for pick in picks if self._is_able(item, pick)]
            for item, picks in zip(items, self._picks, strict=True)
        ]

    def spread(self) -> list[Pick | None]:
        """Raises what a person's later slots cost as far as the budget goes."""
        best = self._matched(0.0)
        allowed = _likely(best) - self._options.budget * len(best) - _ROUNDING
        low, high = 0.0, _STEEPEST
        for _ in range(_HALVINGS):
            steepness = (low + high) / 2
            tried = self._matched(steepness)
            if _likely(tried) >= allowed:
                low, best = steepness, tried
            else:
                high = steepness
        return best

    def why_open(self, row: int, named: Sequence[Pick | None]) -> str:
        """Why nobody was named for an item."""
        item, picks = self._items[row], self._picks[row]
        likely = [pick for pick in picks if pick.probability >= self._options.least]
        if not picks:
            return "nobody has enough history here to be ranked"
        if not likely:
            return "no confident candidate"
        rooms = dict(self._standings)
        for other, pick in zip(self._items, named, strict=True):
            if pick is not None:
                _take(rooms, pick.person, other.size)
        rooms = _for_item(rooms, item)
        reasons = [
            f"{pick.person.shown}: {why}"
            for pick in likely
            if (why := why_not(standing_of(rooms, pick.person), item.size, self._options.at_s))
        ]
        return "; ".join(reasons[:_MOST_REASONS])

    def _is_able(self, item: Item, pick: Pick) -> bool:
        standing = standing_of(_for_item(self._standings, item), pick.person)
        why = why_not(standing, item.size, self._options.at_s)
        return why is None and pick.probability >= self._options.least

    def _matched(self, steepness: float) -> list[Pick | None]:
        """Matches, gives those over their capacity what fits, and matches the rest again."""
        named: list[Pick | None] = [None] * len(self._items)
        rooms = dict(self._standings)
        left = list(range(len(self._items)))
        while left:
            found = self._once(left, rooms, steepness)
            # Likeliest first: of two items that do not both fit, the surer one stays.
            for at, pick in sorted(found, key=lambda pair: (-pair[1].probability, pair[0])):
                if _fits(standing_of(rooms, pick.person), self._items[at].size):
                    named[at] = pick
                    _take(rooms, pick.person, self._items[at].size)
            if all(named[at] is not None for at, _ in found):
                break
            left = [at for at in left if named[at] is None]
        return named

    def _once(
        self, left: Sequence[int], rooms: Standings, steepness: float
    ) -> list[tuple[int, Pick]]:
        able = [
            {
                pick.person.key: pick
                for pick in self._able[at]
                if _fits(standing_of(rooms, pick.person), self._items[at].size)
            }
            for at in left
        ]
        smallest = min(self._items[at].size for at in left)
        people = {key: pick.person for picks in able for key, pick in picks.items()}
        slots = [
            (key, cost)
            for key in sorted(people)
            for cost in _slots(standing_of(rooms, people[key]), smallest, steepness)
        ]
        costs = np.full((len(left), len(slots) + len(left)), _NEVER)
        for row, picks in enumerate(able):
            # Being named is always better than staying open: the least likely are out already.
            costs[row, len(slots) + row] = _NEVER / 2
            for column, (key, cost) in enumerate(slots):
                if key in picks:
                    costs[row, column] = cost - log(max(picks[key].probability, _ROUNDING))
        return [
            (left[row], able[row][slots[column][0]])
            for row, column in enumerate(matched(costs))
            if column < len(slots) and slots[column][0] in able[row]
        ]


def _slots(standing: Standing, size: float, steepness: float) -> Iterator[float]:
    """What each of a person's slots for items of some size costs."""
    room = standing.capacity - standing.open_load
    for at in range(min(floor(room / size + _ROUNDING), _MOST_SLOTS)):
        yield steepness * (standing.open_load + at * size) / standing.capacity


def _fits(standing: Standing, size: float) -> bool:
    return standing.open_load + size <= standing.capacity + _ROUNDING


def _take(rooms: dict[str, Standing], person: Person, size: float) -> None:
    standing = standing_of(rooms, person)
    rooms[person.key] = replace(standing, open_load=standing.open_load + size)


def _for_item(standings: Standings, item: Item) -> dict[str, Standing]:
    found = dict(standings)
    for key in item.declined:
        found[key] = replace(found.get(key, Standing()), has_declined=True)
    return found


def _likely(named: Sequence[Pick | None]) -> float:
    return sum(pick.probability for pick in named if pick is not None)
