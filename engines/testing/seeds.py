"""Raw material for inputs: values the module mentions, values seen at run time, plain samples."""

import ast
import functools
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from engines.source.mentions import literals_of, patterns_of
from engines.source.module import Module
from engines.testing.nearby import Nearby, Pattern, flag_bits, is_plain, is_prose, nearby_of
from engines.testing.offers import Offers
from engines.testing.regex_text import RegexText

ValueT = TypeVar("ValueT")

_SEEN_LIMIT = 600
_SEPARATOR_CHARS = 2
_LONGEST_TEXT_CHARS, _PLAIN_SIZE = 300, 30
_MOST_ITEMS, _PLAIN_ITEMS = 20, 6
_NOTHING = Nearby()
_INDENTS = ("", "", "", "", "  ", "\t")
_DEEP_INDENTS = ("  ", "  ", "    ", "  \t")
_MOST_LINES, _LINE_CHARS = 5, 40
_LINE_SIGNS = ("splitlines", "readline", "for line in", 'split("\\n")', "split('\\n')", "MULTILINE")
_AGAIN_SHARES, _RECENT_CHARS = (0.12, 0.3), 30
"""How often a text of the object comes again: as it was made, after steps."""
_WORD = re.compile(r"\w+")
_QUOTED = re.compile(r"""["']([^"'\\\n]{1,30})["']""")
_NUMBER = re.compile(r"(?<![\w.\"'])-?\d{1,6}(?![\w.\"'])")
_PARTS = ("1", "2", "3", "10", "a", "b", "abc", "0")
_PLAIN_TEXTS = (
    "", "a", "abc", "hello world", "Hello World", "  padded  ", "A", "a,b,c", "a b", "foo_bar",
    "fooBar", "x-y", "1", "12", "-3", "3.5", "0", "123abc", "a=1", "key: value", "é", "\n",
    "line one\nline two", "  a\n    b\n\n  c", "a.b",
    "/a/b", "[1, 2]", '{"a": 1}', "2020-01-31", "12:30", "true",
    "user@example.com", "https://example.com/a?b=c", "level", "!", "%", "(a)", "aa", "aab", "zebra",
)  # fmt: skip
_FOREIGN_TEXTS = (
    "\u00e9t\u00e9", "stra\u00dfe", "\u65e5\u672c\u8a9e", "\u30ab\u30ca", "\u05d0\u05d1",
    "\u0627\u0644", "e\u0301", "a\u200db", "\U0001f600", "\ufb01", "x\u00b2", "\u0663", "\u2167",
    "\u00a0", "\uff21", "\t", "\x00",
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


@functools.lru_cache(maxsize=4_096)
def _literal(text: str) -> object:
    """The value of a literal; None for other text. The same few come again and again."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError):
        return None


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
    nearby: dict[str, Nearby] = field(default_factory=dict[str, Nearby])
    """What one function and those it calls mention, by its qualified name."""
    is_lined: bool = False
    """Whether the module takes texts apart by lines."""
    recent_texts: list[str] = field(default_factory=list[str])
    recent_integers: list[int] = field(default_factory=list[int])
    """Used in the present call: parts of a call often speak of the same thing."""

    def __post_init__(self) -> None:
        self._regex = RegexText(self.choices)
        self._again = 0.0
        self._known_parts: tuple[str, ...] = ()

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
        value = _literal(text)
        if isinstance(value, str) and value not in self.seen_texts and is_plain(value):
            self.seen_texts.append(value)
        elif isinstance(value, int) and value not in self.seen_integers:
            self.seen_integers.append(value)
        del self.seen_texts[:-_SEEN_LIMIT], self.seen_integers[:-_SEEN_LIMIT]

    def chance(self, share: float) -> bool:
        """True in this share of the cases."""
        return self.choices.random() < share

    def begin(self, *texts: str) -> None:
        """Start a new call; with an object of which the source is known, parts may repeat."""
        self._again = 0.0 if not texts or not texts[0] else _AGAIN_SHARES[len(texts) > 1]
        self._known_parts = texts
        self.recent_texts, self.recent_integers = [], []

    def _recall(self) -> None:
        """Find the texts and numbers in the parts that were known from the start."""
        for part in self._known_parts:
            found = _QUOTED.findall(part)
            self.recent_texts += found + [one for text in found for one in _WORD.findall(text)]
            self.recent_integers += map(int, _NUMBER.findall(part))
        self._known_parts = ()

    def text(self, near: str = "") -> str:
        """A string: mentioned by the function `near` or the module, seen, matching, or plain."""
        if self._again and self.chance(self._again):
            self._recall()
            if self.recent_texts:
                return self.choices.choice(self.recent_texts)
        chosen = self._new_text(near)
        if len(chosen) <= _RECENT_CHARS:
            self.recent_texts.append(chosen)
        return chosen

    def _new_text(self, near: str) -> str:
        known = self.nearby.get(near, _NOTHING)
        local = known.texts
        sources: list[tuple[float, Callable[[], str]]] = [
            (0.22 if local else 0.0, lambda: local[self._index(local)]),
            (0.12 if self.texts else 0.0, lambda: self.choices.choice(self.texts)),
            (0.20 if known.patterns else 0.0, lambda: self._matching(known.patterns)),
            (0.06 if self.patterns else 0.0, lambda: self._matching(self.patterns)),
            (0.10 if self.seen_texts else 0.0, lambda: self.choices.choice(self.seen_texts)),
            (0.12, lambda: self._joined(local)),
            (0.24, lambda: self.choices.choice(_PLAIN_TEXTS)),
            (0.03, lambda: self._sized(known)),
            (0.03, lambda: self.choices.choice(_FOREIGN_TEXTS)),
            (0.15 if self.is_lined else 0.0, lambda: self._lines(near)),
        ]
        return self._from(sources)

    def _index(self, pool: Sequence[object]) -> int:
        """A place in a pool, the first ones more often."""
        return int(len(pool) * self.choices.random() ** 1.5)

    def size(self, near: str) -> int:
        """A number of items: one that the function mentions, or one more or less."""
        sizes = [one for one in self.nearby.get(near, _NOTHING).integers if 0 < one <= _MOST_ITEMS]
        chosen = self.choices.choice(sizes) if sizes else _PLAIN_ITEMS
        return chosen + self.choices.choice((-1, 0, 1))

    def _lines(self, near: str) -> str:
        """A text of several lines, some of them indented; a line is not itself of several."""
        self.is_lined = False
        indents = _INDENTS if self.chance(0.7) else _DEEP_INDENTS
        lines = [
            self.choices.choice(indents) + self._new_text(near)[:_LINE_CHARS]
            for _ in range(self.choices.randint(2, _MOST_LINES))
        ]
        self.is_lined = True
        return "\n".join(lines)

    def _sized(self, known: Nearby) -> str:
        """A string as long as a number that the function mentions, or one more."""
        sizes = [one for one in known.integers if 0 < one <= _LONGEST_TEXT_CHARS]
        size = self.choices.choice(sizes) if sizes else _PLAIN_SIZE
        part = self.choices.choice(("a", "0", "ab", " "))
        return (part * size)[: size + self.choices.choice((0, 1))]

    def _from(self, sources: list[tuple[float, Callable[[], ValueT]]]) -> ValueT:
        weights = [weight for weight, _ in sources]
        return self.choices.choices(sources, weights)[0][1]()

    def _matching(self, patterns: list[Pattern]) -> str:
        return self._regex.text(*self.choices.choice(patterns)) or ""

    def _joined(self, local: list[str]) -> str:
        separators = [one for one in local if 0 < len(one) <= _SEPARATOR_CHARS]
        count = self.choices.randint(2, 4)
        if separators and self.chance(0.5):
            parts = [self.choices.choice(_PARTS) for _ in range(count)]
            return self.choices.choice(separators).join(parts)
        pool = [*local, *self.texts[:40], *_PLAIN_TEXTS]
        parts = [self.choices.choice(pool) for _ in range(min(count, 3))]
        return self.choices.choice(("", " ", "", ",")).join(parts)[:60]

    def integer(self, near: str = "") -> int:
        """An integer: mostly small, sometimes one mentioned or compared with, or next to it."""
        if self._again and self.chance(self._again / 2):
            self._recall()
            if self.recent_integers:
                return self.choices.choice(self.recent_integers)
        chosen = self._new_integer(near)
        self.recent_integers.append(chosen)
        return chosen

    def _new_integer(self, near: str) -> int:
        local = self.nearby.get(near, _NOTHING).integers
        sources: list[tuple[float, Callable[[], int]]] = [
            (0.25 if local else 0.0, lambda: self._beside(local)),
            (0.10 if self.integers else 0.0, lambda: self._beside(self.integers)),
            (0.10 if self.seen_integers else 0.0, lambda: self._beside(self.seen_integers)),
            (0.07, lambda: self.choices.randint(-20, 5000)),
            (0.58, lambda: _PLAIN_INTS[int(len(_PLAIN_INTS) * self.choices.random() ** 2)]),
        ]
        return self._from(sources)

    def _beside(self, pool: list[int]) -> int:
        return self.choices.choice(pool) + self.choices.choice((0, 0, 1, -1))

    def number(self, near: str = "") -> float:
        """A float, as `integer` chooses integers."""
        local = self.nearby.get(near, _NOTHING).integers or self.integers
        if self.chance(0.3) and (self.floats or local):
            mined = float(self.choices.choice([*self.floats, *local]))
            return mined + self.choices.choice((0.0, 0.0, 1.0, -1.0))
        return self.choices.choice(_PLAIN_FLOATS)

    def changed_text(self, value: str, near: str = "") -> str:
        """A string close to `value`."""
        place = self.choices.randint(0, len(value))
        match self.choices.randrange(10):
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
            case 7:
                return value + value
            case 8:
                return value[:place] + self._sign(near) + value[place:]
            case _:
                return (
                    value[:place] + self.choices.choice(" -_.,:;/0aZ1+()[]{}\"'\\") + value[place:]
                )

    def _sign(self, near: str) -> str:
        """One character of what the function mentions."""
        texts = [one for one in self.nearby.get(near, _NOTHING).texts if one]
        return self.choices.choice(self.choices.choice(texts)) if texts else "0"


def mine(module: Module, offers: Offers, choices: random.Random) -> Seeds:
    """The pools for one module, from its text and from its values at run time."""
    seeds = Seeds(choices)
    for value in literals_of(module.tree):
        if not isinstance(value, str) or (is_plain(value) and not is_prose(value)):
            seeds.add(value)
    for text in offers.values:
        seeds.add(_literal(text))
    found = [(one.text, flag_bits(one.flags)) for one in patterns_of(module.tree)]
    seeds.patterns = list(dict.fromkeys([*offers.patterns, *found]))
    seeds.is_lined = any(one in module.text for one in _LINE_SIGNS)
    seeds.nearby = nearby_of(module, offers.named_patterns)
    return seeds
