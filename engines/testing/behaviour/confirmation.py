"""Keeps the differences that hold every time, and makes the call of each as small as it gets."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

from engines.testing.behaviour.exploration import Found
from engines.testing.behaviour.questions import Question
from engines.testing.behaviour.sides import Manner, Pair, Rooms
from engines.testing.behaviour.sights import Divergence, Sight, Where, agrees, divergences
from engines.testing.behaviour.types import Change
from engines.testing.budget import Budget
from engines.testing.minimising import variants
from engines.testing.stability import SETTINGS

_ROUNDS = 12
_VARIANTS = 24
_RANDOM_STATES = (2, 3)
FRESH_PAIRS = len(SETTINGS) - 1


@dataclass
class Judged:
    """What became of differences that were seen once."""

    steady: list[Found] = field(default_factory=list[Found])
    unsteady: list[Found] = field(default_factory=list[Found])
    """Of these the base itself does not give the same every time."""


class Confirmation:
    """Asks again: each call on its own from a clean state, then in fresh processes.

    Those have other hash seeds and time zones, and draw other random numbers.
    """

    def __init__(self, rooms: Rooms, pair: Pair, budget: Budget, until_s: float) -> None:
        self._rooms = rooms
        self._pair = pair
        self._budget = budget
        self._until_s = until_s
        self._fresh: list[Pair] = []
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._opened.close()

    @property
    def executed(self) -> int:
        """Calls executed in the fresh processes."""
        return sum(one.executed for one in self._fresh)

    def judged(self, found: Sequence[Found]) -> Judged:
        """Sort by whether each difference shows every time.

        Raises:
            Lost: one of the sides is gone.
            CannotTest, Stopped: as on opening the sides.
        """
        judged = Judged()
        remaining = list(self._alone(found))
        if remaining and not self._fresh:
            self._fresh = [
                self._opened.enter_context(self._rooms.opened(one)) for one in SETTINGS[1:]
            ]
        pairs = [self._pair, *self._fresh, *self._fresh]
        for pair, state in zip(pairs, (*_RANDOM_STATES, 1, 1, 2), strict=False):
            remaining = self._agreeing(remaining, pair, state, judged)
        judged.steady = remaining
        return judged

    def _alone(self, found: Sequence[Found]) -> Iterator[Found]:
        """Those that differ also when nothing ran before them."""
        for is_patient in (False, True):
            group = [one for one in found if _is_endless(one) is is_patient]
            pairs = self._pair.look(
                [one.question for one in group], Manner(is_separate=True, is_patient=is_patient)
            )
            for one, (base, head) in zip(group, pairs, strict=True):
                again = _divergence(one.question, base, head)
                if again and again.change is one.divergence.change:
                    yield replace(one, divergence=again, base=base, head=head)

    def _agreeing(
        self, found: Sequence[Found], pair: Pair, random_state: int, judged: Judged
    ) -> list[Found]:
        """Those of which each side gives again what it gave.

        All are asked one after the other first, and what then comes out otherwise each on its own:
        that takes milliseconds, and few depend on what ran before them.
        """
        brief = [one for one in found if not _is_endless(one)]
        pairs = pair.look([one.question for one in brief], Manner(random_state=random_state))
        sure = {
            id(one)
            for one, (base, head) in zip(brief, pairs, strict=True)
            if agrees(one.base, base) and agrees(one.head, head)
        }
        doubtful = [one for one in found if id(one) not in sure]
        manner = Manner(
            is_separate=True,
            is_patient=any(_is_endless(one) for one in doubtful),
            random_state=random_state,
        )
        pairs = pair.look([one.question for one in doubtful], manner)
        kept = [one for one in found if id(one) in sure]
        for one, (base, head) in zip(doubtful, pairs, strict=True):
            if not agrees(one.base, base):
                judged.unsteady.append(one)
            elif agrees(one.head, head):
                kept.append(one)
            elif _divergence(one.question, base, head) and not head.is_endless:
                kept.append(replace(one, is_erratic=True))
        return kept

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
                if not one.head.is_endless and not one.is_erratic
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


def _is_endless(one: Found) -> bool:
    return one.base.is_endless or one.head.is_endless


def _divergence(question: Question, base: Sight, head: Sight) -> Divergence | None:
    """The difference in what the question asks for."""
    first = next(divergences(base, head), None)
    if first is None or first.where is not Where.RESULT:
        return None
    is_state = question.where is not Where.RESULT and first.change is Change.RETURNS_OTHER
    return replace(first, change=Change.LEAVES_OTHER if is_state else first.change)


def _smaller(
    best: Sequence[Found],
    tries: Sequence[tuple[int, Question]],
    pairs: Iterable[tuple[Sight, Sight]],
) -> dict[int, Found]:
    found: dict[int, Found] = {}
    for (place, question), (base, head) in zip(tries, pairs, strict=True):
        old = best[place]
        again = _divergence(question, base, head)
        if again is None or again.change is not old.divergence.change:
            continue
        if again.view != old.divergence.view:
            continue
        if base.error != old.base.error or head.error != old.head.error:
            continue
        new = Found(question, again, base, head)
        if new.cost < found.get(place, old).cost:
            found[place] = new
    return found
