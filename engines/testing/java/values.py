"""Makes arguments for Java parameters, as data that is written as source."""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engines.testing.java.reading import JavaFile, Target

_WHOLE = {"int": "", "long": "L", "short": "", "byte": "", "Integer": "", "Long": "L"}
_CASTS = {"short": "(short) ", "byte": "(byte) "}
_FRACTIONS = {"double": "", "float": "f", "Double": "", "Float": "f"}
_TEXTS = frozenset({"String", "CharSequence", "Object", "T", "E", "K", "V", "Comparable"})
_LISTS = frozenset({"List", "Collection", "Iterable", "ArrayList"})
_WORDS = (
    "", "a", "abc", "hello world", "Foo Bar", "fooBar", "foo-bar", "FOO", "  padded  ", "123", "-7",
    "1.5", "true", "a,b,c", "aXbXc", "x=1", "ab ab", "/a/b.txt", "user@example.com", "2020-02-29",
)  # fmt: skip
_NUMBERS = (0, 1, 2, 3, -1, 5, 7, 10, 12, 100, 255, 1000)
_EXTREMES = {
    "int": ("Integer.MAX_VALUE", "Integer.MIN_VALUE"),
    "long": ("Long.MAX_VALUE", "Long.MIN_VALUE"),
}
_FIXED = {
    "BigInteger": ('new java.math.BigInteger("12")', "java.math.BigInteger.ZERO"),
    "BigDecimal": ('new java.math.BigDecimal("1.50")', "java.math.BigDecimal.ZERO"),
    "Locale": ("java.util.Locale.ROOT", "java.util.Locale.GERMANY"),
    "Runnable": ("() -> {}",),
    "Comparator": ("java.util.Comparator.naturalOrder()",),
    "Predicate": ("x -> true", "x -> false", "x -> x != null"),
    "IntPredicate": ("x -> x > 1",),
    "IntUnaryOperator": ("x -> x + 1",),
    "Function": ("x -> x", "x -> null"),
    "UnaryOperator": ("x -> x",),
    "BinaryOperator": ("(a, b) -> a", "(a, b) -> b"),
    "BiFunction": ("(a, b) -> a",),
    "Supplier": ("() -> null",),
    "Consumer": ("x -> {}",),
    "StringBuilder": ('new StringBuilder("abc")',),
    "Pattern": ('java.util.regex.Pattern.compile("[a-c]+")',),
    "Duration": ("java.time.Duration.ofSeconds(90)",),
    "LocalDate": ("java.time.LocalDate.of(2020, 2, 29)",),
}
_NULL_SHARE = 0.06
_SEED_SHARE = 0.4
_PRIMITIVES = frozenset({"int", "long", "short", "byte", "double", "float", "boolean", "char"})

Plain = str | int | float | bool | None


@dataclass(frozen=True)
class Value:
    """An argument. `data` can be made smaller; without it, only `text` is known."""

    type: str
    text: str
    data: Plain = None

    @property
    def size(self) -> int:
        """How much there is to read."""
        return len(self.text)


@dataclass(frozen=True)
class Step:
    """One call."""

    target: Target
    args: tuple[Value, ...]

    def source(self, receiver: str) -> str:
        """As an expression; `receiver` is the object or the class."""
        given = ", ".join(one.text for one in self.args)
        if self.target.is_constructor:
            return f"new {self.target.owner}({given})"
        return f"{receiver}.{self.target.name}({given})"


@dataclass(frozen=True)
class Call:
    """A call and the steps before it: a constructor, or a constant of an enum, and methods."""

    last: Step
    maker: Step | str | None = None
    steps: tuple[Step, ...] = ()
    is_example: bool = False
    """The Javadoc shows it: it is kept as it is."""

    @property
    def target(self) -> Target:
        """What is tested."""
        return self.last.target

    @property
    def receiver(self) -> str:
        """The object's name, or the class."""
        return self.target.owner if self.target.is_static else "subject"

    @property
    def size(self) -> int:
        """How much there is to read."""
        return len(self.text())

    def setup(self) -> list[str]:
        """Statements before it, without semicolons."""
        if self.maker is None:
            return []
        made = self.maker if isinstance(self.maker, str) else self.maker.source("")
        lines = [f"{self.target.owner} subject = {made}"]
        return [*lines, *(step.source("subject") for step in self.steps)]

    def expression(self) -> str:
        """The call itself."""
        return self.last.source(self.receiver)

    def text(self) -> str:
        """All of it, to compare with."""
        return "; ".join((*self.setup(), self.expression()))


def quoted(text: str) -> str:
    """A string literal."""
    body = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + body.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t") + '"'


class Values:
    """Makes calls; the same seed makes the same ones."""

    def __init__(self, file: JavaFile, choices: random.Random) -> None:
        """Take what was mined."""
        self._file = file
        self._choices = choices
        self._makers: dict[str, list[Step]] = {}
        self._constructors: dict[str, list[Target]] = {}
        self._known = {*file.classes, *file.enums}
        for one in file.targets:
            if one.is_constructor:
                self._constructors.setdefault(one.owner, []).append(one)

    def can_call(self, target: Target) -> bool:
        """Whether an object to call it on can be had."""
        return target.is_static or target.owner in {*self._constructors, *self._file.enums}

    def add_maker(self, step: Step) -> None:
        """Remember a construction that worked."""
        known = self._makers.setdefault(step.target.owner, [])
        if step not in known and len(known) < len(_WORDS):
            known.append(step)
            known.sort(key=lambda one: len(one.source("")))

    def examples(self, target: Target) -> Iterator[Call]:
        """Calls that the Javadoc shows."""
        for texts in self._file.examples.get(target.name, []) if target.is_static else []:
            if len(texts) == len(target.types):
                pairs = zip(target.types, texts, strict=True)
                args = [_written_example(kind, text) for kind, text in pairs]
                yield Call(Step(target, tuple(args)), is_example=True)

    def fresh(self, target: Target, siblings: Sequence[Target]) -> Call:
        """A new call."""
        last = self._step(target)
        if target.is_static:
            return Call(last)
        maker = self._maker(target.owner)
        count = self._choices.choice((0, 0, 1, 1, 2, 3)) if siblings else 0
        steps = tuple(self._step(self._choices.choice(siblings)) for _ in range(count))
        return Call(last, maker, steps)

    def near(self, call: Call) -> Call:
        """A call that differs in one argument."""
        args = list(call.last.args)
        if not args:
            return self.fresh(call.target, [step.target for step in call.steps])
        place = self._choices.randrange(len(args))
        args[place] = self._changed(args[place], call.target.types[place])
        return Call(Step(call.target, tuple(args)), call.maker, call.steps)

    def _maker(self, owner: str) -> Step | str:
        if self._file.enums.get(owner):
            return f"{owner}.{self._choices.choice(self._file.enums[owner])}"
        known = self._makers.get(owner, [])
        if known and self._choices.random() < 1 - _NULL_SHARE:
            return self._choices.choice(known)
        return self._step(self._choices.choice(self._constructors[owner]))

    def _step(self, target: Target) -> Step:
        return Step(target, tuple(self.value(kind) for kind in target.types))

    def value(self, kind: str, depth: int = 0) -> Value:
        """One value of a type."""
        plain = re.sub(r"^(?:java\.\w+\.)+", "", kind.strip())
        if plain not in _PRIMITIVES and self._choices.random() < _NULL_SHARE:
            full = self._full_name(plain)
            return null(full if full in self._known else kind)
        if plain.endswith("[]"):
            return self._array(plain, depth)
        base, _, inner = plain.removesuffix(">").partition("<")
        base = self._full_name(base)
        if base in _WHOLE:
            return self._whole(base)
        if base in _FRACTIONS:
            number = self._choices.choice((0.0, 1.0, -1.5, 0.5, 2.0, 100.25, *self._numbers()))
            return fraction(base, float(number))
        if base in {"boolean", "Boolean"}:
            return Value(base, *self._choices.choice((("true", True), ("false", False))))
        if base in {"char", "Character"}:
            sign = self._choices.choice(("a", "Z", "1", " ", "-", *self._file.chars))
            return character(base, sign)
        if base in _TEXTS:
            return text_value(base, self._text())
        return self._structure(kind, base, inner, depth)

    def _structure(self, kind: str, base: str, inner: str, depth: int) -> Value:
        items = inner or "String"
        if base in _LISTS or base == "Set":
            count = self._choices.choice((0, 1, 2, 3)) if depth == 0 else 1
            found = [self.value(items, depth + 1).text for _ in range(count)]
            found = [one for one in dict.fromkeys(found) if not one.startswith("(")]
            collection = "Set" if base == "Set" else "List"
            return Value(base, f"java.util.{collection}.of({', '.join(found)})")
        if base == "Map":
            key, _, value = items.partition(",")
            pair = [self.value(key, depth + 1).text, self.value(value or key, depth + 1).text]
            is_empty = self._choices.random() < 0.3 or any(one.startswith("(") for one in pair)  # noqa: PLR2004 - a share
            return Value(base, f"java.util.Map.of({'' if is_empty else ', '.join(pair)})")
        if self._file.enums.get(base):
            return Value(base, f"{base}.{self._choices.choice(self._file.enums[base])}")
        if base in self._constructors and depth < 2:  # noqa: PLR2004 - levels
            maker = self._maker(base)
            return Value(base, maker if isinstance(maker, str) else maker.source(""))
        if base in _FIXED:
            return Value(base, self._choices.choice(_FIXED[base]))
        return null(base if base in self._known else kind)

    def _full_name(self, base: str) -> str:
        """`Cart.Item` for a nested class that the file calls Item."""
        return next((one for one in self._known if one.endswith(f".{base}")), base)

    def _array(self, plain: str, depth: int) -> Value:
        inner = plain.removesuffix("[]")
        base = inner.partition("<")[0]
        made = base if base not in _TEXTS - {"String", "Object", "CharSequence"} else "String"
        count = self._choices.choice((0, 1, 2, 3, 4))
        items = [self.value(inner, depth + 1).text for _ in range(count)]
        return Value(plain, f"new {made}[] {{{', '.join(items)}}}")

    def _numbers(self) -> list[int]:
        return [one for one in self._file.numbers if abs(one) < 2**31 - 2]

    def _whole(self, base: str) -> Value:
        if base in _EXTREMES and self._choices.random() < 0.04:  # noqa: PLR2004 - a share
            return Value(base, self._choices.choice(_EXTREMES[base]))
        if self._numbers() and self._choices.random() < _SEED_SHARE:
            number = self._choices.choice(self._numbers()) + self._choices.choice((0, 0, 1, -1))
        else:
            number = self._choices.choice((*_NUMBERS, self._choices.randint(-20, 120)))
        return whole(base, number)

    def _text(self) -> str:
        texts = self._file.texts
        share = self._choices.random()
        if texts and share < _SEED_SHARE:
            return self._choices.choice(texts)
        word = self._choices.choice(_WORDS)
        if share > 1 - _SEED_SHARE / 2:
            joint = self._choice_of(self._file.chars, self._choice_of(texts, "-"))
            return word + joint + self._choices.choice(_WORDS)
        return word

    def _choice_of(self, options: Sequence[str], other: str) -> str:
        return self._choices.choice(options) if options else other

    def _changed(self, value: Value, kind: str) -> Value:
        match value.data:
            case bool() | None:
                return self.value(kind)
            case int():
                return whole(value.type, value.data + self._choices.choice((1, -1, 10, -10)))
            case float():
                return fraction(value.type, value.data * self._choices.choice((-1, 2, 0.5)))
            case str():
                return self._changed_text(value)

    def _changed_text(self, value: Value) -> Value:
        text = str(value.data)
        if value.type in {"char", "Character"} or self._choices.random() < 0.2:  # noqa: PLR2004 - a share
            return self.value(value.type)
        place = self._choices.randint(0, len(text))
        piece = self._choices.choice((*self._file.chars, *self._file.texts, "a", " ", "1", "A"))
        options = (
            text[:place] + piece + text[place:], text[:place] + text[place + 1 :], text + text,
            text.upper(), text[:place] + piece + text[place + 1 :],
        )  # fmt: skip
        return text_value(value.type, self._choices.choice(options))


def whole(base: str, number: int) -> Value:
    """A whole number, in the bounds of its type."""
    limit = {"byte": 127, "short": 32767}.get(base, 2**31 - 1)
    bounded = max(-limit, min(limit, number))
    return Value(base, f"{_CASTS.get(base, '')}{bounded}{_WHOLE.get(base, '')}", bounded)


def fraction(base: str, number: float) -> Value:
    """A number with a fraction."""
    return Value(base, f"{number!r}{_FRACTIONS.get(base, '')}", number)


def character(base: str, sign: str) -> Value:
    """A character."""
    escaped = {"'": "\\'", "\\": "\\\\"}.get(sign, sign)
    return Value(base, f"'{escaped}'", sign)


def text_value(base: str, text: str) -> Value:
    """A string."""
    return Value(base, quoted(text), text)


def null(kind: str) -> Value:
    """Null of a type, which tells overloads apart."""
    erased = re.sub(r"<.*>", "", kind)
    is_variable = re.fullmatch(r"[A-Z]", erased.removesuffix("[]"))
    return Value(kind, "null" if is_variable else f"({erased}) null")


def _written_example(kind: str, text: str) -> Value:
    if text == "null":
        return null(kind)
    if text.startswith('"') and "\\" not in text:
        return text_value(kind, text[1:-1])
    if re.fullmatch(r"-?\d+", text) and kind in _WHOLE:
        return whole(kind, int(text))
    return Value(kind, text)


def smaller(value: Value) -> Iterator[Value]:
    """Simpler values of the same type, the boldest first."""
    match value.data:
        case str() if value.type not in {"char", "Character"}:
            step = len(value.data)
            while step:
                for start in range(0, len(value.data), step):
                    yield text_value(value.type, value.data[:start] + value.data[start + step :])
                step //= 2
        case bool() | None | str():
            return
        case int():
            yield from (whole(value.type, one) for one in (0, 1, 2) if abs(one) < abs(value.data))
        case float():
            yield from (fraction(value.type, one) for one in (0.0, 1.0) if one < abs(value.data))
