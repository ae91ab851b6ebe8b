"""Small changes of a draft, each of which can be taken back.

A move puts one task at another place of the list, with the same person or another, or lets two
people exchange a task each. Places stay inside what precedence allows.
"""

from typing import NamedTuple

from engines.planning.arrays import Ints
from engines.planning.chance import below, share
from engines.planning.compiled import compiled
from engines.planning.staffing.crew import Crew, Dues, Hands, Links
from engines.planning.staffing.draft import Draft, link, unlink

REASSIGN = 0.4
"""The share of moves that give a task to somebody else; of the others, next."""
EXCHANGE = 0.4
"""The share of moves that let two people exchange tasks; the rest change the order alone."""
FOCUS = 0.7
"""The share of moves that begin with a task of somebody who ends too late."""
_HALF = 0.5
_TRIES = 8


class Move(NamedTuple):
    """What is to change; `task` is -1 for nothing."""

    task: int
    person: int  # who gets it
    place: int  # where in the list it goes
    other: int  # what it is exchanged with, -1 for nothing
    old_person: int
    old_place: int


@compiled
def _lowest(links: Links, places: Ints, task: int) -> int:
    """The first place of the list that a task's predecessors leave it."""
    place = 0
    for j in range(links.predecessors_first[task], links.predecessors_first[task + 1]):
        task = links.predecessors[j]
        place = max(place, places[task] + 1)
    return place


@compiled
def _highest(links: Links, places: Ints, task: int) -> int:
    """The last place of the list that a task's successors leave it."""
    place = len(links.free) - 1
    for j in range(links.successors_first[task], links.successors_first[task + 1]):
        task = links.successors[j]
        place = min(place, places[task] - 1)
    return place


@compiled
def _of_chain(draft: Draft, chance: Ints, last: int) -> int:
    """One of the tasks of a chain up to `last`."""
    n = len(draft.people)
    many = 0
    task = last
    while task < n:
        many += 1
        task = draft.before[task]
    task = last
    for _ in range(below(chance, many)):
        task = draft.before[task]
    return task


@compiled
def _late(dues: Dues, draft: Draft, chance: Ints, target: float) -> int:
    """A task that something late comes after in its chain, or itself is; -1 for none found."""
    n, people = len(draft.people), len(draft.loads)
    for _ in range(_TRIES):
        if len(dues.ticks) > 0 and share(chance) < _HALF:
            i = below(chance, len(dues.ticks))
            last = dues.tasks[i]
            if draft.ends[last] > dues.ticks[i]:
                return _of_chain(draft, chance, last)
            continue
        last = draft.before[n + below(chance, people)]
        if last < n and draft.ends[last] > target:
            return _of_chain(draft, chance, last)
    return -1


@compiled
def proposed(crew: Crew, draft: Draft, chance: Ints, target: float) -> Move:
    """A random move; often of a task that keeps the plan from ending at `target`."""
    task = _late(crew.dues, draft, chance, target) if share(chance) < FOCUS else -1
    if task < 0:
        task: int = draft.order[below(chance, len(draft.order))]
    kind = share(chance)
    if kind < EXCHANGE:
        return _exchange(crew.links, crew.hands.takes, draft, chance, task)
    person = draft.people[task]
    if kind < EXCHANGE + REASSIGN:
        person = _somebody(crew.hands, chance, task, person)
    lowest = _lowest(crew.links, draft.places, task)
    span = _highest(crew.links, draft.places, task) - lowest + 1
    place = lowest + below(chance, span)
    old = draft.people[task]
    if place == draft.places[task] and person == old:
        return Move(-1, person, place, -1, old, place)
    return Move(task, person, place, -1, old, draft.places[task])


@compiled
def _somebody(hands: Hands, chance: Ints, task: int, otherwise: int) -> int:
    """One of those who are able to do a task."""
    first: int = hands.first[task]
    many: int = hands.first[task + 1] - first
    return hands.able[first + below(chance, many)] if many > 0 else otherwise


@compiled
def _exchange(links: Links, takes: Ints, draft: Draft, chance: Ints, task: int) -> Move:
    """Of two people's tasks; of their places too, if precedence allows that."""
    other: int = draft.order[below(chance, len(draft.order))]
    person: int = draft.people[other]
    old: int = draft.people[task]
    place: int = draft.places[other]
    old_place: int = draft.places[task]
    if person == old or takes[task, person] <= 0 or takes[other, old] <= 0:
        return Move(-1, person, place, other, old, old_place)
    places = draft.places
    fits = _lowest(links, places, task) <= place <= _highest(links, places, task)
    if not (fits and _lowest(links, places, other) <= old_place <= _highest(links, places, other)):
        place = old_place
    return Move(task, person, place, other, old, old_place)


@compiled
def _shift(draft: Draft, task: int, place: int) -> None:
    """Move a task in the list; what is between closes up."""
    i = draft.places[task]
    step = 1 if place > i else -1
    while i != place:
        between = draft.order[i + step]
        draft.order[i] = between
        draft.places[between] = i
        i += step
    draft.order[place] = task
    draft.places[task] = place


@compiled
def _swap_places(draft: Draft, task: int, other: int) -> None:
    i, j = draft.places[task], draft.places[other]
    draft.order[i], draft.order[j] = other, task
    draft.places[task], draft.places[other] = j, i


@compiled
def make(takes: Ints, draft: Draft, move: Move) -> int:
    """Do it. Returns the first place of the list that has to be decoded again."""
    first = min(move.old_place, move.place)
    unlink(draft, move.task)
    if move.other < 0:
        draft.people[move.task] = move.person
        _shift(draft, move.task, move.place)
    else:
        first = min(first, draft.places[move.other])
        unlink(draft, move.other)
        draft.people[move.task], draft.people[move.other] = move.person, move.old_person
        if move.place != move.old_place:
            _swap_places(draft, move.task, move.other)
        link(takes, draft, move.other)
    link(takes, draft, move.task)
    return first


@compiled
def unmake(takes: Ints, draft: Draft, move: Move) -> None:
    """Take it back."""
    unlink(draft, move.task)
    if move.other < 0:
        draft.people[move.task] = move.old_person
        _shift(draft, move.task, move.old_place)
    else:
        unlink(draft, move.other)
        draft.people[move.task], draft.people[move.other] = move.old_person, move.person
        if move.place != move.old_place:
            _swap_places(draft, move.task, move.other)
        link(takes, draft, move.other)
    link(takes, draft, move.task)
