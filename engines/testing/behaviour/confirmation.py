"""Keeps the differences that hold every time, and makes the call of each as small as it gets."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from engines.testing.behaviour.exploration import Found
from engines.testing.behaviour.questions import Question
from engines.testing.behaviour.sides import Pair, Rooms
from engines.testing.behaviour.sights import Divergence, Sight, Where, agrees, divergences
from engines.testing.behaviour.types import Change
from engines.testing.budget import Budget
from engines.testing.minimising import variants
from engines.testing.stability import SETTINGS

_ROUNDS = 12
_VARIANTS = 24


class Confirmation:
    """Asks again: each call on its own from a clean state, then in fresh processes."""

    def __init__(self, rooms: Rooms, pair: Pair, budget: Budget, until_s: float) -> None:
        self._rooms = rooms
        self._pair = pair
        self._budget = budget
        self._until_s = until_s

    def alone(self, found: Sequence[Found]) -> list[Found]:
        """Those that differ also when nothing ran before them.

        Raises:
            Lost: one of the sides is gone.
        """
        patient = [one for one in found if one.base.is_endless or one.head.is_endless]
        quick = [one for one in found if not (one.base.is_endless or one.head.is_endless)]
        kept: list[Found] = []
        for group, is_patient in ((quick, False), (patient, True)):
            questions = [one.question for one in group]
            pairs = self._pair.look(questions, is_separate=True, is_patient=is_patient)
            kept.extend(_still_differing(group, pairs))
        return kept

    def everywhere(self, found: Sequence[Found]) -> list[Found]:
        """Those that come out the same in fresh processes with other hash seeds and time zones.

        Raises:
            Lost: one of the sides is gone.
        """
        remaining = list(found)
        for settings in SETTINGS[1:]:
            if not remaining:
                break
            with self._rooms.opened(settings) as pair:
                pairs = pair.look(
                    [one.question for one in remaining],
                    is_separate=True,
                    is_patient=any(one.head.is_endless for one in remaining),
                )
            remaining = [
                one
                for one, (base, head) in zip(remaining, pairs, strict=True)
                if agrees(one.base, base) and agrees(one.head, head)
            ]
        return remaining

    def shrunken(self, found: Sequence[Found]) -> list[Found]:
        """Each with the smallest call that still shows the same kind of difference.

        Raises:
            Lost: one of the sides is gone.
        """
        best = list(found)
        for _ in range(_ROUNDS):
            tries = [
                (place, one.question.answered_by(call))
                for place, one in enumerate(best)
                if not one.head.is_endless
                for call in list(variants(one.question.call))[:_VARIANTS]
            ]
            if not tries or self._budget.spent_s > self._until_s:
                break
            pairs = self._pair.look([question for _, question in tries])
            smaller = _smaller(best, tries, pairs)
            if not smaller:
                break
            best = [smaller.get(place, one) for place, one in enumerate(best)]
        return best


def _still_differing(
    found: Sequence[Found], pairs: Iterable[tuple[Sight, Sight]]
) -> Iterable[Found]:
    for one, (base, head) in zip(found, pairs, strict=True):
        again = _divergence(one.question, base, head)
        if again and _is_kin(one.divergence, again):
            yield replace(one, divergence=again, base=base, head=head)


def _divergence(question: Question, base: Sight, head: Sight) -> Divergence | None:
    """The difference in what the question asks for."""
    first = next(divergences(base, head), None)
    if first is None or first.where is not Where.RESULT:
        return None
    is_state = question.where is not Where.RESULT and first.change is Change.RETURNS_OTHER
    change = Change.LEAVES_OTHER if is_state else first.change
    return replace(first, change=change)


def _is_kin(old: Divergence, new: Divergence) -> bool:
    return old.change is new.change


def _smaller(
    best: Sequence[Found],
    tries: Sequence[tuple[int, Question]],
    pairs: Iterable[tuple[Sight, Sight]],
) -> dict[int, Found]:
    found: dict[int, Found] = {}
    for (place, question), (base, head) in zip(tries, pairs, strict=True):
        old = best[place]
        again = _divergence(question, base, head)
        if again is None or not _is_kin(old.divergence, again) or again.view != old.divergence.view:
            continue
        if base.error != old.base.error or head.error != old.head.error:
            continue
        new = Found(question, again, base, head)
        if new.cost < found.get(place, old).cost:
            found[place] = new
    return found
