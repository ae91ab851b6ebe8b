"""The conditions that came out one way only, and the calls that got there."""

import random
from collections.abc import Iterable, Mapping, Sequence

from engines.testing.calls import Call
from engines.testing.hints import Hint, hint_of
from engines.testing.jailed import Goal

_CALLS_PER_GOAL = 8
_PATIENCE = 25


class Frontier:
    """Picks calls that stand before an outcome nobody has seen, with what might turn it."""

    def __init__(
        self, goals: Sequence[Goal], constants: Mapping[str, str], choices: random.Random
    ) -> None:
        self._goals = goals
        self._constants = constants
        self._hints: dict[int, Hint] = {}
        self._random = choices
        self._calls: dict[int, list[Call]] = {}
        self._tries: dict[int, int] = {}

    def saw(self, call: Call, hits: Iterable[int], reached: set[int]) -> None:
        """Note a call and the goals it reached, of which `reached` are all so far."""
        for number in hits:
            other = self._other(number)
            if other is None or other in reached:
                continue
            known = self._calls.setdefault(other, [])
            known.append(call)
            if len(known) > _CALLS_PER_GOAL:
                del known[self._random.randrange(len(known))]

    def pick(self, reached: set[int]) -> tuple[Call, Hint] | None:
        """A call and a hint for the outcome it lacks; None where no condition is half done."""
        waiting = [one for one in self._calls if one not in reached]
        if not waiting:
            return None
        weights = [1 / (1 + self._tries.get(one, 0) / _PATIENCE) for one in waiting]
        number = self._random.choices(waiting, weights)[0]
        self._tries[number] = self._tries.get(number, 0) + 1
        return self._random.choice(self._calls[number]), self._hint(number)

    def _hint(self, number: int) -> Hint:
        if number not in self._hints:
            goal = self._goals[number]
            self._hints[number] = hint_of(goal.text, self._constants, wanted=goal.kind == "true")
        return self._hints[number]

    def _other(self, number: int) -> int | None:
        kind = self._goals[number].kind
        if kind == "true":
            return number + 1
        return number - 1 if kind == "false" else None
