"""The fewest and shortest calls that reach what all of them reach and notice what they notice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engines.testing.calls import Soundness
from engines.testing.minimising import is_dull, soundness_of, ugliness_of
from engines.testing.search import Kept

_LINE_CHARS = 76
_TEST_LINES = 3
"""What a test costs beside its own statements: its head and the lines before it."""
_UNSOUND_FACTOR = {Soundness.ANNOTATED: 1.0, Soundness.SUGGESTED: 1.1, Soundness.GUESSED: 1.7}
_WEAK_FACTOR, _DULL_FACTOR = 3.0, 1.15
_WEAK_KINDS = frozenset({"opaque", "callable"})
_UGLY_SIGNS_PER_LINE = 30


@dataclass(frozen=True)
class Gain:
    """What a call is good for: goals it reaches and mutants it notices."""

    goals: frozenset[int]
    mutants: frozenset[int]

    @property
    def all(self) -> frozenset[tuple[str, int]]:
        """Both as one set."""
        return frozenset({*(("goal", one) for one in self.goals),
                          *(("mutant", one) for one in self.mutants)})  # fmt: skip


def chosen_of(pool: Sequence[Kept], gains: Mapping[int, Gain]) -> list[int]:
    """Places of the calls to keep, those that bring most for their lines first."""
    waiting: dict[int, frozenset[tuple[str, int]]] = {
        place: gain.all for place, gain in gains.items() if gain.all
    }
    first = {place: _cost(pool[place], is_first=True) for place in waiting}
    later = {place: _cost(pool[place], is_first=False) for place in waiting}
    members: dict[str, list[int]] = {}
    for place in waiting:
        members.setdefault(_group(pool[place]), []).append(place)
    chosen: list[int] = []
    while waiting:
        worth = {place: len(one) / first[place] for place, one in waiting.items()}
        best = max(worth, key=lambda place: (worth[place], -place))
        found = waiting[best]
        chosen.append(best)
        first.update((place, later[place]) for place in members[_group(pool[best])])
        waiting = {place: one - found for place, one in waiting.items() if not one <= found}
    return _needed(pool, chosen, gains)


def _needed(pool: Sequence[Kept], chosen: list[int], gains: Mapping[int, Gain]) -> list[int]:
    """Without those whose every gain is among the others', the costliest first."""
    counts: dict[tuple[str, int], int] = {}
    for place in chosen:
        for one in gains[place].all:
            counts[one] = counts.get(one, 0) + 1
    kept = set(chosen)
    for place in sorted(chosen, key=lambda place: -_cost(pool[place], is_first=True)):
        if all(counts[one] > 1 for one in gains[place].all):
            kept.remove(place)
            for one in gains[place].all:
                counts[one] -= 1
    return [place for place in chosen if place in kept]


def _cost(one: Kept, *, is_first: bool) -> float:
    """About how many lines it adds, with the test or to one; more where a reader would stumble."""
    seen = one.result.observation
    lines = 1.0
    if len(one.call.source) + len(seen.text or "") > _LINE_CHARS:
        lines += 2 + (len(one.call.arguments) if len(one.call.source) > _LINE_CHARS else 0)
    lines += len(one.call.setup) if one.call.steps or seen.changed else 0
    lines += 1 if seen.kind == "error" else 0
    lines += 1 if len(seen.changed) + len(seen.attributes) > 1 else 0
    lines += _TEST_LINES if is_first else 0
    lines += ugliness_of(one.call) / _UGLY_SIGNS_PER_LINE + one.call.size / (4 * _LINE_CHARS)
    weak = _WEAK_FACTOR if seen.kind in _WEAK_KINDS else 1.0
    dull = _DULL_FACTOR if is_dull(one) else 1.0
    return lines * _UNSOUND_FACTOR[soundness_of(one)] * weak * dull


def _group(one: Kept) -> str:
    """Calls of one group can share a test."""
    is_error = one.result.observation.kind == "error"
    return f"{one.call.offer.key} {is_error}"
