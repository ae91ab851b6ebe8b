"""Inputs for mutants that no call noticed, from calls that ran the changed code."""

import ast
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from engines.testing.calls import Call
from engines.testing.generation import Generation, constants_of
from engines.testing.jail.rendering import quoted
from engines.testing.mutation.mutants import Mutant
from engines.testing.regex_text import RegexText

_TEXT_LIMIT_CHARS = 60
_LARGEST_NUMBER = 10**9
_STEPS = (0, 1, -1)
_HINTED_BASES = 5
_MATCHES = 3
_CROSSED_EVERY = 3


class Hunt:
    """Makes calls that may notice a mutant; the same for the same seed."""

    def __init__(self, generation: Generation, seed: int) -> None:
        self._generation = generation
        choices = random.Random(seed)  # noqa: S311 - reproducible, no secret
        self._regexes = RegexText(choices)
        self._choices = choices

    def calls(self, mutant: Mutant, bases: Sequence[Call], count: int) -> Iterator[Call]:
        """At most `count` calls like `bases`, some of them with the mutant's constants."""
        hinted = list(dict.fromkeys(self._hinted(mutant, bases)))
        self._choices.shuffle(hinted)
        share = count if not mutant.unit else count // 2
        yield from hinted[:share]
        for number in range(count - min(len(hinted), share)):
            call = bases[number % len(bases)] if bases else None
            other = self._choices.choice(bases) if bases else None
            if call and other and other != call and number % _CROSSED_EVERY:
                yield _crossed(call, other)
            elif call and (changed := self._generation.changed(call)):
                yield changed

    def _hinted(self, mutant: Mutant, bases: Sequence[Call]) -> Iterator[Call]:
        values = [value for hint in mutant.hints for value in self._values(ast.literal_eval(hint))]
        for call in _one_of_each(bases)[:_HINTED_BASES]:
            for place, given in enumerate(call.arguments):
                for text in _replaced(given.text, values):
                    yield call.with_argument(place, text)
            if call.receiver:
                for text in _replaced(call.receiver, values):
                    yield replace(call, receiver=text)

    def _values(self, value: object) -> Iterator[str | int | float]:
        """The constant itself and its neighbours: what matches it, one more, one less."""
        if isinstance(value, str):
            yield value[:_TEXT_LIMIT_CHARS]
            if re.search(r"[\\()\[\]|*+?$^]", value):
                made = (self._regexes.text(value) for _ in range(_MATCHES))
                yield from (one[:_TEXT_LIMIT_CHARS] for one in made if one)
        elif isinstance(value, int | float) and abs(value) < _LARGEST_NUMBER:
            yield from (value + step for step in _STEPS)


def _crossed(call: Call, other: Call) -> Call:
    """The call with what another one of the same callable gives by name, too."""
    if call.offer.key != other.offer.key:
        return call
    given = {one.parameter for one in call.arguments}
    more = [one for one in other.arguments if one.name and one.parameter not in given]
    return replace(call, arguments=(*call.arguments, *more))


def _one_of_each(bases: Sequence[Call]) -> list[Call]:
    """The calls, those of callables that had no turn yet first."""
    turns: dict[str, int] = {}
    ranked: list[tuple[int, int, Call]] = []
    for place, call in enumerate(bases):
        turn = turns[call.offer.key] = turns.get(call.offer.key, 0) + 1
        ranked.append((turn, place, call))
    return [call for _, _, call in sorted(ranked, key=lambda one: one[:2])]


def _replaced(text: str, values: Iterable[str | int | float]) -> Iterator[str]:
    """The expression with one of its constants replaced by each value of a like type."""
    data = text.encode()
    for node in constants_of(text):
        start, end = node.col_offset, node.end_col_offset or node.col_offset
        for value in values:
            fresh = _like(node.value, value)
            if fresh is not None:
                yield (data[:start] + fresh.encode("utf-8", "replace") + data[end:]).decode()


def _like(old: object, value: str | int | float) -> str | None:
    """The value as source where the old one can be replaced by it; a number also inside a text."""
    if isinstance(old, bool) or type(old) not in {str, int, float}:
        return None
    if isinstance(old, str):
        if isinstance(value, str):
            return quoted(value)
        numbered, count = re.subn(r"\d+", str(abs(int(value))), old, count=1)
        return quoted(numbered) if count else None
    if isinstance(value, str):
        return None
    return repr(value) if isinstance(old, float) or isinstance(value, int) else repr(int(value))
