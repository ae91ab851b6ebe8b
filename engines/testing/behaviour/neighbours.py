"""Calls close to a call: at the boundaries of what was compared, with and without an option."""

import ast
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from engines.testing.calls import Argument, Call, Soundness
from engines.testing.generation import constants_of
from engines.testing.jail.rendering import quoted
from engines.testing.offers import Kind, Offers

_DIGITS = re.compile(r"\d{1,9}")
Literal = str | bytes | int | float
_LONGEST_CHARS = 400
_TWICE_SHARE = 0.3
_OPEN_SHARE = 0.7
_HOT_SHARE = 0.4
"""Of options whose names the change itself mentions."""


class Neighbours:
    """Varies calls around `literals`, the constants that the change is about.

    `words` are what the module mentions: names that functions may look up in `**options`; those
    of the change are given more often.
    """

    def __init__(
        self, literals: Sequence[Literal], choices: random.Random, offers: Offers,
        words: Sequence[Literal],
    ) -> None:  # fmt: skip
        self._choices = choices
        self._words = [one for one in words if isinstance(one, str) and one.isidentifier()]
        named = [one for one in literals if isinstance(one, str) and one.isidentifier()]
        self._hot_words = named or self._words
        self._constructors = {
            one.name: one for one in offers.callables if one.kind is Kind.CONSTRUCTOR
        }
        self._numbers = [one for one in literals if isinstance(one, int | float)]
        self._texts = [one for one in literals if isinstance(one, str)]

    def of(self, call: Call) -> Call | None:
        """One neighbour, chosen at random; None where the call offers nothing to vary."""
        kinds = [self._with_constant, self._with_constant, self._with_constant, self._with_option]
        kinds += [self._with_copied, self._with_receiver_constant, self._with_receiver_option]
        made = self._choices.choice(kinds)(call)
        if made and self._choices.random() < _TWICE_SHARE:
            return self._with_constant(made) or made
        return made

    def _with_constant(self, call: Call) -> Call | None:
        if not call.arguments:
            return self._with_receiver_constant(call)
        place = self._choices.randrange(len(call.arguments))
        text = self._varied(call.arguments[place].text)
        return call.with_argument(place, text) if text else None

    def _with_receiver_constant(self, call: Call) -> Call | None:
        text = self._varied(call.receiver) if call.receiver else None
        return replace(call, receiver=text) if text else None

    def _with_copied(self, call: Call) -> Call | None:
        """Two arguments that are equal, or one that equals the receiver."""
        texts = [one.text for one in call.arguments]
        if not texts:
            return None
        place = self._choices.randrange(len(texts))
        others = [one for one in (*texts, call.receiver) if one and one != texts[place]]
        return call.with_argument(place, self._choices.choice(others)) if others else None

    def _with_option(self, call: Call) -> Call | None:
        """An optional argument left out or given, or one more of `**options`."""
        is_open = any(one.kind == "var_keyword" for one in call.offer.inputs)
        if is_open and self._words and self._choices.random() < _OPEN_SHARE:
            is_hot = self._choices.random() < _HOT_SHARE
            word = self._choices.choice(self._hot_words if is_hot else self._words)
            argument = Argument(word, self._choice_of_default(None), Soundness.SUGGESTED)
            others = tuple(one for one in call.arguments if one.name != word)
            return replace(call, arguments=(*others, argument))
        given = {one.parameter for one in call.arguments}
        names = {one.name for one in call.arguments}
        options = [
            one for one in call.offer.inputs if one.is_optional and one.kind != "positional_only"
        ]
        if not options:
            return None
        option = self._choices.choice(options)
        if option.name not in given:
            text = self._varied(option.default) if option.default else None
            text = text or self._choice_of_default(option.default)
            argument = Argument(option.name, text, Soundness.SUGGESTED, option.name)
            return replace(call, arguments=(*call.arguments, argument))
        if option.name in names:
            rest = tuple(one for one in call.arguments if one.name != option.name)
            return replace(call, arguments=rest)
        return None

    def _with_receiver_option(self, call: Call) -> Call | None:
        """The receiver made with an optional argument more."""
        receiver = call.receiver or ""
        name, opening, _ = receiver.partition("(")
        maker = self._constructors.get(name)
        if maker is None or not opening or not receiver.endswith(")"):
            return None
        made = self._with_option(Call(maker))
        if made is None or made.arguments[0].name is None:
            return None
        inner = receiver[len(name) + 1 : -1]
        if f"{made.arguments[0].name}=" in inner:
            return None
        separator = ", " if inner else ""
        return replace(call, receiver=f"{name}({inner}{separator}{made.arguments[0].source})")

    def _choice_of_default(self, default: str | None) -> str:
        if default in {"True", "False"}:
            return "False" if default == "True" else "True"
        return self._choices.choice(("True", "1", "True", "0", '"a"', "None", "[]", '""'))

    def _varied(self, text: str) -> str | None:
        """The text with one of its constants replaced; None where it has none."""
        constants = constants_of(text)
        if not constants or len(text) > _LONGEST_CHARS:
            return None
        node = self._choices.choice(constants)
        data = text.encode()
        start, end = node.col_offset, node.end_col_offset or node.col_offset
        old = data[start:end].decode()
        options = [one for one in self._beside(node) if one != old]
        if not options:
            return None
        fresh = self._choices.choice(options).encode("utf-8", "replace")
        if fresh.startswith(b"-") and data[:start].endswith(b"-"):
            fresh, start = fresh[1:], start - 1
        return (data[:start] + fresh + data[end:]).decode()

    def _beside(self, node: ast.Constant) -> Iterator[str]:
        value = node.value
        if isinstance(value, bool):
            yield repr(not value)
        elif isinstance(value, int | float):
            yield from self._numbers_beside(value)
        elif isinstance(value, str):
            yield from (quoted(one) for one in self._texts_beside(value))

    def _numbers_beside(self, value: float) -> Iterator[str]:
        yield from (repr(value + 1), repr(value - 1), repr(-value))
        for one in self._numbers:
            if isinstance(value, float) or isinstance(one, int):
                yield from (repr(one), repr(one + 1), repr(one - 1))
        if self._numbers and value:
            yield repr(self._choices.choice(self._numbers) * value)

    def _whole_numbers(self, beside: int) -> Iterator[int]:
        yield from (beside + 1, beside - 1)
        for one in self._numbers:
            if isinstance(one, int):
                yield from (one, one + 1, one - 1)

    def _texts_beside(self, value: str) -> Iterator[str]:
        place = self._choices.randrange(len(value) + 1)
        yield from (value[:-1], value[1:], value + value[-1:], value.swapcase(), value * 2)
        for run in _DIGITS.finditer(value):
            for number in self._whole_numbers(int(run[0])):
                yield f"{value[: run.start()]}{number}{value[run.end() :]}"
        for one in self._texts:
            yield value[:place] + one + value[place + 1 :]
            yield from (one, value[:place] + one + value[place:], value + one, one + value)
        for size in self._numbers:
            if isinstance(size, int) and 0 < size < _LONGEST_CHARS:
                long = (value or "a") * (size + 1)
                yield from (long[:size], long[: size + 1])
