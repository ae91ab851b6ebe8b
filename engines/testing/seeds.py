"""Raw material for inputs: values the module mentions, values seen at run time, plain samples."""

import ast
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from engines.source.mentions import literals_of, patterns_of, quoted_in
from engines.source.module import Module
from engines.testing.offers import Offers
from engines.testing.regex_text import RegexText

ValueT = TypeVar("ValueT")

_SEEN_LIMIT = 600
_SENTENCE_WORDS = 5
_SEPARATOR_CHARS = 2
_PARTS = ("1", "2", "3", "10", "a", "b", "abc", "0")
_PLAIN_TEXTS = (
    "", "a", "abc", "hello world", "Hello World", "  padded  ", "A", "a,b,c", "a b", "foo_bar",
    "fooBar", "x-y", "1", "12", "-3", "3.5", "0", "123abc", "a=1", "key: value", "é", "\n",
    "line one\nline two", "a.b", "/a/b", "[1, 2]", '{"a": 1}', "2020-01-31", "12:30", "true",
    "user@example.com", "https://example.com/a?b=c", "level", "!", "%", "(a)", "aa", "aab", "zebra",
)  # fmt: skip
_PLAIN_INTS = (
    0,
    1,
    2,
    3,
    -1,
    5,
    10,
    4,
    7,
    -2,
    12,
    100,
    -5,
    13,
    60,
    99,
    255,
    1000,
    -100,
    2024,
    10**6,
)
_PLAIN_FLOATS = (0.0, 1.0, 0.5, -1.5, 2.0, 3.25, 100.0, -0.5, 1e-6, 0.1, 1234.5, 1e9)


@dataclass
class Seeds:
    """Pools by type, most telling first; `choices` is the one source of randomness."""

    choices: random.Random
    texts: list[str] = field(default_factory=list[str])
    integers: list[int] = field(default_factory=list[int])
    floats: list[float] = field(default_factory=list[float])
    raw: list[bytes] = field(default_factory=list[bytes])
    patterns: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    seen_texts: list[str] = field(default_factory=list[str])
    seen_integers: list[int] = field(default_factory=list[int])
    local: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """Texts that one function mentions, by its qualified name."""

    def __post_init__(self) -> None:
        self._regex = RegexText(self.choices)

    def add(self, value: object) -> None:
        """Put a mined constant into the pool of its type."""
        if isinstance(value, bool):
            return
        for kind, pool in (
            (str, self.texts), (int, self.integers), (float, self.floats), (bytes, self.raw),
        ):  # fmt: skip
            if isinstance(value, kind) and value not in pool:
                pool.append(value)  # pyright: ignore[reportArgumentType] -- the pool of its type

    def saw(self, text: str) -> None:
        """Remember the literal of a value that was compared at run time."""
        try:
            value: object = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            return
        if isinstance(value, str) and value not in self.seen_texts and _is_plain(value):
            self.seen_texts.append(value)
        elif isinstance(value, int) and value not in self.seen_integers:
            self.seen_integers.append(value)
        del self.seen_texts[:-_SEEN_LIMIT], self.seen_integers[:-_SEEN_LIMIT]

    def chance(self, share: float) -> bool:
        """True in this share of the cases."""
        return self.choices.random() < share

    def text(self, near: str = "") -> str:
        """A string: mentioned by the function `near` or the module, seen, matching, or plain."""
        local = self.local.get(near, [])
        sources: list[tuple[float, Callable[[], str]]] = [
            (0.22 if local else 0.0, lambda: self.choices.choice(local)),
            (0.14 if self.texts else 0.0, lambda: self.choices.choice(self.texts)),
            (0.16 if self.patterns else 0.0, self._matching),
            (0.10 if self.seen_texts else 0.0, lambda: self.choices.choice(self.seen_texts)),
            (0.12, lambda: self._joined(local)),
            (0.26, lambda: self.choices.choice(_PLAIN_TEXTS)),
        ]
        return self._from(sources)

    def _from(self, sources: list[tuple[float, Callable[[], ValueT]]]) -> ValueT:
        weights = [weight for weight, _ in sources]
        return self.choices.choices(sources, weights)[0][1]()

    def _matching(self) -> str:
        return self._regex.text(*self.choices.choice(self.patterns)) or ""

    def _joined(self, local: list[str]) -> str:
        separators = [one for one in local if 0 < len(one) <= _SEPARATOR_CHARS]
        count = self.choices.randint(2, 4)
        if separators and self.chance(0.5):
            parts = [self.choices.choice(_PARTS) for _ in range(count)]
            return self.choices.choice(separators).join(parts)
        pool = [*local, *self.texts[:40], *_PLAIN_TEXTS]
        parts = [self.choices.choice(pool) for _ in range(min(count, 3))]
        return self.choices.choice(("", " ", "", ",")).join(parts)[:60]

    def integer(self) -> int:
        """An integer: mostly small, sometimes one the module mentions or compares with, or next."""
        sources: list[tuple[float, Callable[[], int]]] = [
            (0.25 if self.integers else 0.0, lambda: self._beside(self.integers)),
            (0.10 if self.seen_integers else 0.0, lambda: self._beside(self.seen_integers)),
            (0.07, lambda: self.choices.randint(-20, 5000)),
            (0.58, lambda: _PLAIN_INTS[int(len(_PLAIN_INTS) * self.choices.random() ** 2)]),
        ]
        return self._from(sources)

    def _beside(self, pool: list[int]) -> int:
        return self.choices.choice(pool) + self.choices.choice((0, 0, 1, -1))

    def number(self) -> float:
        """A float, as `integer` chooses integers."""
        if self.chance(0.3) and (self.floats or self.integers):
            mined = float(self.choices.choice([*self.floats, *self.integers]))
            return mined + self.choices.choice((0.0, 0.0, 1.0, -1.0))
        return self.choices.choice(_PLAIN_FLOATS)

    def changed_text(self, value: str, near: str = "") -> str:
        """A string close to `value`."""
        place = self.choices.randint(0, len(value))
        match self.choices.randrange(8):
            case 0:
                return value[:place] + self.text(near)[:20] + value[place:]
            case 1:
                return value[:place] + value[place + 1 :]
            case 2:
                return value + self.text(near)[:30]
            case 3:
                return self.text(near)[:30] + value
            case 4:
                return value.swapcase()
            case 5:
                return value[:place]
            case 6:
                return value[place:] + value[:place]
            case _:
                return (
                    value[:place] + self.choices.choice(" -_.,:;/0aZ1+()[]{}\"'\\") + value[place:]
                )


def mine(module: Module, offers: Offers, choices: random.Random) -> Seeds:
    """The pools for one module, from its text and from its values at run time."""
    seeds = Seeds(choices)
    for value in literals_of(module.tree):
        if not isinstance(value, str) or (_is_plain(value) and not _is_prose(value)):
            seeds.add(value)
    for text in offers.values:
        seeds.add(ast.literal_eval(text) if not text.startswith("float") else None)
    found = [(one.text, _flag_bits(one.flags)) for one in patterns_of(module.tree)]
    seeds.patterns = list(dict.fromkeys([*offers.patterns, *found]))
    for function in module.all_functions():
        own = [one for one in literals_of(function.node) if isinstance(one, str)]
        own.extend(quoted_in(function.docstring))
        seeds.local[function.qualname] = [one for one in own if not _is_prose(one)]
    return seeds


def _flag_bits(text: str) -> int:
    bits = {"VERBOSE": 0x40, ".X": 0x40, "IGNORECASE": 2, ".I": 2, "DOTALL": 16, "MULTILINE": 8}
    return sum({bit for name, bit in bits.items() if name in text})


def _is_plain(value: str) -> bool:
    return not any("\ud800" <= one <= "\udfff" for one in value)


def _is_prose(value: str) -> bool:
    """Messages and documentation make poor inputs."""
    return len(value.split()) > _SENTENCE_WORDS
