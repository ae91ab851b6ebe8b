"""The fewest lines of test code that reach what all calls reach and notice most of what they do."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engines.testing.assertions import inlined
from engines.testing.calls import Call, Soundness
from engines.testing.minimising import is_dull, soundness_of, ugliness_of
from engines.testing.observations import Observation
from engines.testing.search import Kept

_LINE_CHARS, _OPENED_CHARS, _ITEM_CHARS = 80, 150, 30
_TEST_LINES = 2.0
"""What a test costs beside its own statements: its head and the lines before it."""
_UNSOUND_FACTOR = {Soundness.ANNOTATED: 1.0, Soundness.SUGGESTED: 1.1, Soundness.GUESSED: 1.7}
_WEAK_FACTOR, _DULL_FACTOR = 3.0, 1.15
_WEAK_KINDS = frozenset({"opaque", "callable"})
_UGLY_SIGNS_PER_LINE = 30
_LEAST_WORTH = 0.8
"""What a line of test code has to bring where coverage does not need it: mutants noticed."""

_ALIKE = 3
"""How many entries of a table are worth a check each."""

Item = tuple[str, int]


@dataclass(frozen=True)
class Gain:
    """What a call is good for.

    `needed` is what coverage counts, which is kept at any cost; `more` are other outcomes of
    conditions and the mutants it notices, with what they are alike in.
    """

    needed: frozenset[int]
    more: Mapping[Item, Item]

    @property
    def all(self) -> frozenset[Item]:
        """Everything as one set."""
        return frozenset({*(("needed", one) for one in self.needed), *self.more})


def chosen_of(pool: Sequence[Kept], gains: Mapping[int, Gain]) -> list[int]:
    """Places of the calls to keep, those that bring most for their lines first."""
    return pruned(pool, _greedy(pool, gains), gains)


class _Costs:
    """About how many lines each call adds, with a test or to one; more where a reader stumbles."""

    def __init__(self, pool: Sequence[Kept]) -> None:
        self._pool = pool
        self._known: dict[int, tuple[float, float]] = {}

    def of(self, place: int, *, is_first: bool = False) -> float:
        """The lines, at the first or at a later call of a test."""
        if place not in self._known:
            self._known[place] = _costs(self._pool[place])
        return self._known[place][0 if is_first else 1]


def _greedy(pool: Sequence[Kept], gains: Mapping[int, Gain]) -> list[int]:
    costs, met, begun = _Costs(pool), Counter[Item](), set[str]()
    waiting: dict[int, frozenset[Item]] = {
        place: gain.all for place, gain in gains.items() if gain.all
    }
    groups = {place: _group(pool[place]) for place in waiting}
    worth: dict[int, float] = {}
    outdated = set(waiting)
    chosen: list[int] = []
    while waiting:
        for place in outdated:
            cost = costs.of(place, is_first=groups[place] not in begun)
            worth[place] = _worth(waiting[place], gains[place], met) / cost
        best = max(waiting, key=lambda place: (worth[place], -place))
        found = waiting[best]
        if worth[best] < _LEAST_WORTH and all(kind != "needed" for kind, _ in found):
            del waiting[best]
            outdated.clear()
            continue
        chosen.append(best)
        begun.add(groups[best])
        kin = Counter(gains[best].more[one] for one in found if one[0] != "needed")
        met.update(kin)
        is_table = any(kind == "table" for kind, _ in kin)
        outdated = {
            place
            for place, one in waiting.items()
            if groups[place] == groups[best] or is_table or not one.isdisjoint(found)
        }
        left = {place: one - found for place, one in waiting.items()}
        waiting = {place: one for place, one in left.items() if one}
        outdated.intersection_update(waiting)
    return chosen


def _worth(items: frozenset[Item], gain: Gain, met: Mapping[Item, int]) -> float:
    """What is needed counts in full; of many that are alike, the later ones count less."""
    alike = Counter(gain.more[one] for one in items if one[0] != "needed")
    more = sum(
        min(1.0, _ALIKE / (1 + number))
        for kin, count in alike.items()
        for number in range(met.get(kin, 0), met.get(kin, 0) + count)
    )
    return len(items) - alike.total() + more


def pruned(pool: Sequence[Kept], chosen: list[int], gains: Mapping[int, Gain]) -> list[int]:
    """Without those whose every gain is among the others', the costliest first."""
    costs = _Costs(pool)
    counts = Counter(one for place in chosen for one in gains[place].all)
    kept = set(chosen)
    for place in sorted(chosen, key=lambda place: -costs.of(place)):
        if all(counts[one] > 1 for one in gains[place].all):
            kept.remove(place)
            counts.subtract(gains[place].all)
    return [place for place in chosen if place in kept]


def replaced(
    pool: Sequence[Kept],
    chosen: list[int],
    instead: Mapping[int, Sequence[int]],
    gains: Mapping[int, Gain],
) -> list[int]:
    """The chosen calls, each as the cheapest of its others with which nothing is lost."""
    costs = _Costs(pool)
    counts = Counter(one for place in chosen for one in gains[place].all)
    best = {place: place for place in chosen}
    for place in sorted(chosen, key=lambda place: -costs.of(place)):
        for new in sorted(instead.get(place, ()), key=costs.of):
            if costs.of(new) >= costs.of(place):
                break
            if all(counts[one] > 1 for one in gains[place].all - gains[new].all):
                counts.subtract(gains[place].all)
                counts.update(gains[new].all)
                best[place] = new
                break
    return list(dict.fromkeys(best[place] for place in chosen))


def _costs(one: Kept) -> tuple[float, float]:
    seen = one.result.observation
    lines = _lines(inlined(one.call, seen), seen)
    lines += ugliness_of(one.call) / _UGLY_SIGNS_PER_LINE + one.call.size / (4 * _LINE_CHARS)
    weak = _WEAK_FACTOR if seen.kind in _WEAK_KINDS else 1.0
    dull = _DULL_FACTOR if is_dull(one) else 1.0
    factor = _UNSOUND_FACTOR[soundness_of(one)] * weak * dull
    return (lines + _TEST_LINES) * factor, lines * factor


def _lines(call: Call, seen: Observation) -> float:
    """The lines of its statements; what is too long for one takes several."""
    lines = sum(map(_written_lines, (*call.setup, call.source)))
    if seen.kind == "error":
        return lines + 1
    told = [*seen.attributes, *seen.changed]
    if told:
        return lines + 1 + sum(len(name) + len(text) + 12 for name, text in told) // _LINE_CHARS
    return lines + (len(call.source) + len(seen.text or "") > _LINE_CHARS)


def _written_lines(statement: str) -> int:
    """About as many as `layout.laid_out` makes of it."""
    if len(statement) <= _LINE_CHARS:
        return 1
    return 3 if len(statement) <= _OPENED_CHARS else 2 + len(statement) // _ITEM_CHARS


def _group(one: Kept) -> str:
    """Calls of one group can share a test."""
    is_error = one.result.observation.kind == "error"
    return f"{one.call.offer.key} {is_error}"
