"""Names one person for one item, and a second."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from engines.matching.assignment.load import value
from engines.matching.assignment.probabilities import probabilities
from engines.matching.assignment.standing import (
    Skipped,
    Standings,
    standing_of,
    why_not,
)
from engines.matching.assignment.types import Band, Choice, Pick, Role
from engines.matching.facts import Facts
from engines.matching.types import Person, Ranking

_MOST_SKIPPED = 5
_LITTLE = 0.5
"""Share of the files below which somebody is new to them."""


@dataclass(frozen=True, slots=True)
class Options:
    """How an item is given out."""

    at_s: int
    """Unix time, for who is away."""
    size: float = 1.0
    """Of the item, in ordinary items."""
    requested: Person | None = None
    """Who was asked for by name: always wins."""
    prices: Mapping[str, float] = field(default_factory=dict[str, float])
    """By the person's key (`load.prices`); none: the likeliest is named, whatever their load."""
    hoarded_by: Person | None = None
    """The only active person who knows the files (`ownership.hoard`)."""
    learner: Person | None = None
    """Who would be the nearest to learn them, where they can be named."""
    facts: Mapping[str, Facts] = field(default_factory=dict[str, Facts])
    """By the person's key, of those who may be learners."""


def choose(ranking: Ranking, standings: Standings, options: Options) -> Choice:
    """Who takes one item. Equal candidates are told apart by their keys.

    The second learns where the first alone knows the files (Mirsaeedi and Rigby 2020), and
    otherwise stands in.
    """
    picks = probabilities(ranking)
    free, skipped = _sifted(picks, standings, options)
    best = free[0] if free else None
    by_value = sorted(free, key=value(options.prices))
    first, warnings = (by_value[0] if by_value else None), ()
    if options.requested is not None:
        first, warnings = _requested(options.requested, picks, standings, options)
    rest = [pick for pick in by_value if first is None or pick.person.key != first.person.key]
    second, role = _second(first, rest, options)
    return Choice(
        first=first,
        second=second,
        role=role,
        best=best,
        skipped=_telling(skipped, picks, second or first, first),
        warnings=tuple(warnings),
        confident=first is not None
        and (first.band is not Band.NONE or options.requested is not None),
    )


def _sifted(
    picks: Sequence[Pick], standings: Standings, options: Options
) -> tuple[list[Pick], list[Skipped]]:
    free: list[Pick] = []
    skipped: list[Skipped] = []
    for pick in picks:
        why = why_not(standing_of(standings, pick.person), options.size, options.at_s)
        if why is None:
            free.append(pick)
        else:
            skipped.append(Skipped(pick.person, why))
    return free, skipped


def _requested(
    person: Person, picks: Sequence[Pick], standings: Standings, options: Options
) -> tuple[Pick, list[str]]:
    found = next((pick for pick in picks if pick.person.key == person.key), None)
    asked = f"{person.shown} was asked for by name"
    warnings: list[str] = []
    why = why_not(standing_of(standings, person), options.size, options.at_s)
    if why is not None:
        warnings.append(f"{asked}, though: {why}.")
    if found is None:
        warnings.append(f"{asked}, though the history ranks only people with more work in it.")
    elif found.person.key != picks[0].person.key:
        top = picks[0]
        warnings.append(f"{asked}; by the history it is {top.person.shown} ({top.band}).")
    return found or Pick(person, 0.0), warnings


def _second(
    first: Pick | None, rest: Sequence[Pick], options: Options
) -> tuple[Pick | None, Role | None]:
    if first is None or not rest:
        return None, None
    hoarder = options.hoarded_by
    if hoarder is not None and hoarder.key == first.person.key:
        learner = _learner(rest, options)
        if learner is not None:
            return learner, Role.LEARNER
    return rest[0], Role.BACK_UP


def _learner(picks: Sequence[Pick], options: Options) -> Pick | None:
    """The nearest, or whoever else knows little of the files, but is at work near them."""
    facts, nearest = options.facts, options.learner
    wished = [pick for pick in picks if nearest is not None and pick.person.key == nearest.key]
    if wished:
        return wished[0]

    def nearness(pick: Pick) -> tuple[int, int, float, str]:
        of = facts[pick.person.key]
        return -of.directory_tasks_lately, -of.tasks_lately, -pick.probability, pick.person.key

    able = [
        pick
        for pick in picks
        if (of := facts.get(pick.person.key)) is not None
        and of.tasks_lately
        and max(of.files_changed, of.files_reviewed) <= _LITTLE * of.files
    ]
    return min(able, key=nearness, default=None)


def _telling(
    skipped: Sequence[Skipped],
    picks: Sequence[Pick],
    last: Pick | None,
    first: Pick | None,
) -> tuple[Skipped, ...]:
    """Those who stand before the last who is named."""
    order = [pick.person.key for pick in picks]
    named: Collection[str] = {pick.person.key for pick in (first, last) if pick is not None}
    end = max((order.index(key) for key in named if key in order), default=len(order))
    ahead = set(order[:end]) - set(named)
    return tuple(one for one in skipped if one.person.key in ahead)[:_MOST_SKIPPED]
