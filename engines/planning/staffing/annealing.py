"""Simulated annealing over drafts (Kirkpatrick, Gelatt, Vecchi 1983).

A move's threshold is drawn before its value is known, so that a decode stops at the first task
with which the project cannot end below it.
"""

from typing import NamedTuple

import numpy as np

from engines.planning.arrays import Floats, Ints
from engines.planning.chance import share
from engines.planning.compiled import compiled
from engines.planning.staffing.costs import lateness, makespan, of_hands, of_times, total
from engines.planning.staffing.crew import Crew
from engines.planning.staffing.draft import Draft, decode, relink, tidy
from engines.planning.staffing.moves import Move, make, proposed, unmake

TIDY_EVERY = 50
"""Accepted moves after which the list is sorted by time again."""
_LESS = 1e-9


class Best(NamedTuple):
    """The best plan so far, of n tasks."""

    starts: Ints  # [n]
    ends: Ints  # [n]
    people: Ints  # [n]
    figures: Floats  # [2]: its cost, its makespan


class Heat(NamedTuple):
    """One stretch of a search; temperatures are in ticks."""

    tries: int
    hot: float
    cold: float
    guide: float  # what a tick costs by which one person ends too late: makespan alone is flat
    floor: float  # no plan costs less
    lower_bound: int  # no plan's makespan is less


def nothing_yet(crew: Crew) -> Best:
    """A best plan that any other is better than."""
    fixed = crew.fixed
    people = fixed.people.copy()
    return Best(fixed.starts.copy(), fixed.ends.copy(), people, np.full(2, np.inf))


@compiled
def note(crew: Crew, draft: Draft, best: Best, cost: float) -> bool:
    """Remember a draft if it is the best so far."""
    if cost >= best.figures[0] - _LESS:
        return False
    n, nobody = len(draft.people), len(draft.loads)
    best.starts[:] = draft.starts
    best.ends[:] = draft.ends[:n]
    for i in range(len(draft.order)):
        person = draft.people[draft.order[i]]
        best.people[draft.order[i]] = person if person < nobody else -1
    best.figures[0] = cost
    best.figures[1] = makespan(crew, draft)
    return True


@compiled
def _cost_after(crew: Crew, draft: Draft, move: Move, most: float) -> float:
    """Make a move. Returns what it leads to; infinity for more than `most`, seen on the way."""
    first = make(crew.hands.takes, draft, move)
    hands = 0.0
    if crew.prices.balance + crew.prices.moves > 0.0:
        hands = of_hands(crew.prices, draft)
    if not decode(crew, draft, first, most - hands):
        return np.inf
    cost = makespan(crew, draft) + hands
    if len(crew.dues.ticks) > 0 or crew.prices.shift > 0.0:
        cost += of_times(crew.dues, crew.prices, draft)
    return cost


@compiled
def _target(best: Best, heat: Heat) -> float:
    return max(float(heat.lower_bound), best.figures[1] - 1.0)


@compiled
def anneal(crew: Crew, draft: Draft, best: Best, chance: Ints, heat: Heat) -> int:
    """Search from a draft on. Returns how many moves were decoded."""
    target = _target(best, heat)
    cost = total(crew, draft)
    value = cost + heat.guide * lateness(draft, target)
    temperature = heat.hot
    cooling = (heat.cold / heat.hot) ** (1.0 / max(1, heat.tries))
    kept_starts, kept_ends = draft.starts.copy(), draft.ends.copy()
    decodes, accepted = 0, 0
    for _ in range(heat.tries):
        temperature *= cooling
        move = proposed(crew, draft, chance, target)
        if move.task < 0:
            continue
        decodes += 1
        most = value - temperature * np.log(1.0 - share(chance))
        cost = _cost_after(crew, draft, move, most)
        after = cost + heat.guide * lateness(draft, target) if cost <= most else np.inf
        if after > most:
            draft.starts[:] = kept_starts
            draft.ends[:] = kept_ends
            unmake(crew.hands.takes, draft, move)
            continue
        kept_starts[:] = draft.starts
        kept_ends[:] = draft.ends
        value = after
        accepted += 1
        if accepted % TIDY_EVERY == 0:
            tidy(draft)
        if note(crew, draft, best, cost):
            if cost <= heat.floor + _LESS:
                break
            target = _target(best, heat)
            value = cost + heat.guide * lateness(draft, target)
    return decodes


@compiled
def resume(crew: Crew, draft: Draft, best: Best) -> None:
    """Make the best plan the draft; its list is in the order of its ends."""
    n, nobody = len(draft.people), len(draft.loads)
    draft.starts[:] = best.starts
    draft.ends[:n] = best.ends
    draft.order[:] = crew.links.free
    for i in range(len(draft.order)):
        person = best.people[draft.order[i]]
        draft.people[draft.order[i]] = person if person >= 0 else nobody
    tidy(draft)
    relink(crew, draft)
