"""Values of JavaScript as data: written, read from source, made smaller, and changed."""

import ast
import json
import math
import random
import re
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tree_sitter import Node

from engines.testing.javascript.syntax import named, source

_NAME = re.compile(r"[A-Za-z_$][\w$]*\Z")
_LETTERS = string.ascii_letters + string.digits + " -_.,/é"
_ESCAPE = re.compile(r"\\(u\{([0-9a-fA-F]+)\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|.)", re.DOTALL)
_SIMPLE = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": ""}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]")
_LARGEST_SAFE = 2**53


@dataclass(frozen=True)
class Raw:
    """A value that is best given by its source: `undefined`, `/a/g`, `new Date(0)`."""

    text: str


Value = str | int | float | bool | None | Raw | Sequence["Value"] | Mapping[str, "Value"]
UNDEFINED = Raw("undefined")


class NotLiteral(Exception):
    """A piece of source that is no plain value."""


def written(value: Value) -> str:
    """Source of a value, single-quoted."""
    match value:
        case Raw():
            return value.text
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return quoted(value)
        case float():
            return _number(value)
        case int():
            return str(value)
        case Mapping():
            pairs = [f"{_key(name)}: {written(item)}" for name, item in value.items()]
            return f"{{ {', '.join(pairs)} }}" if pairs else "{}"
        case _:
            return f"[{', '.join(written(item) for item in value)}]"


def quoted(text: str) -> str:
    """A string literal."""
    body = text.replace("\\", "\\\\").replace("'", "\\'")
    body = body.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    return "'" + _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", body) + "'"


def _key(name: str) -> str:
    return name if _NAME.match(name) else quoted(name)


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value.is_integer() and abs(value) < _LARGEST_SAFE:
        return "-0" if value == 0 and math.copysign(1, value) < 0 else str(int(value))
    return re.sub(r"e([+-])0+", r"e\1", repr(value))


def read(node: Node) -> Value:
    """The value a node writes.

    Raises:
        NotLiteral: it computes or names something.
    """
    text = source(node)
    match node.type:
        case "string" | "template_string" if "${" not in text or node.type == "string":
            return _unescaped(text[1:-1])
        case "number":
            return _read_number(text)
        case "true" | "false":
            return node.type == "true"
        case "null" | "undefined" | "regex":
            return None if node.type == "null" else Raw(text)
        case "unary_expression" if text[:1] in "-+":
            return _signed(node, text[:1])
        case "array":
            return [read(item) for item in node.named_children if item.type != "comment"]
        case "object":
            return dict(_pairs(node))
        case "parenthesized_expression" if node.named_child_count == 1:
            return read(node.named_children[0])
        case _:
            raise NotLiteral(text)


def _signed(node: Node, sign: str) -> Value:
    argument = named(node, "argument")
    value = read(argument) if argument is not None else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotLiteral(source(node))
    if value == 0 and sign == "-":
        return -0.0
    return -value if sign == "-" else value


def _read_number(text: str) -> Value:
    plain = text.replace("_", "")
    if plain.endswith("n"):
        return Raw(plain)
    try:
        return json.loads(plain)
    except ValueError:
        pass
    try:
        return ast.literal_eval(plain)
    except (ValueError, SyntaxError):
        raise NotLiteral(text) from None


def _pairs(node: Node) -> Iterator[tuple[str, Value]]:
    for item in node.named_children:
        key, value = named(item, "key"), named(item, "value")
        if item.type == "comment":
            continue
        if key is None or value is None or key.type == "computed_property_name":
            raise NotLiteral(source(item))
        yield str(read(key)) if key.type in {"string", "number"} else source(key), read(value)


def _unescaped(text: str) -> str:
    def plain(found: re.Match[str]) -> str:
        digits = found[2] or found[3] or found[4]
        if digits:
            return chr(int(digits, 16))
        return _SIMPLE.get(found[1], found[1])

    joined = _ESCAPE.sub(plain, text)
    return joined.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def size(value: Value) -> int:
    """How much there is to read, for shrinking."""
    return len(written(value)) + (2 if isinstance(value, float) else 0)


def smaller(value: Value) -> Iterator[Value]:
    """Simpler values of the same kind, the boldest first."""
    match value:
        case bool() | None | Raw():
            return
        case str():
            yield from _smaller_texts(value)
        case int() | float():
            for less in (0, 1, 2, 10):
                if abs(less) < abs(value):
                    yield less
            if not isinstance(value, int) and not math.isinf(value) and not math.isnan(value):
                yield math.trunc(value)
        case Mapping():
            for name in value:
                yield {key: item for key, item in value.items() if key != name}
            for name, item in value.items():
                yield from ({**value, name: less} for less in smaller(item))
        case _:
            yield from _smaller_lists(value)


def _smaller_texts(value: str) -> Iterator[str]:
    length = len(value)
    step = length
    while step:
        for start in range(0, length, step):
            yield value[:start] + value[start + step :]
        step //= 2
    if length > 1 and value != "a" * length and value.isalpha():
        yield "a" * length


def _smaller_lists(value: Sequence[Value]) -> Iterator[Sequence[Value]]:
    if len(value) > 1:
        yield []
    for place in range(len(value)):
        yield [*value[:place], *value[place + 1 :]]
    for place, item in enumerate(value):
        yield from ([*value[:place], less, *value[place + 1 :]] for less in smaller(item))


def changed(value: Value, choices: random.Random, texts: Sequence[str]) -> Value:
    """A value near another one; `texts` are strings worth putting into strings."""
    match value:
        case bool():
            return not value
        case None | Raw():
            return value
        case str():
            return _changed_text(value, choices, texts)
        case int():
            return choices.choice([value + 1, value - 1, -value, value * 10, value * 2, 0])
        case float():
            return choices.choice([-value, value / 2, value * 10])
        case Mapping():
            if not value:
                return value
            name = choices.choice(list(value))
            if choices.random() < 0.2:  # noqa: PLR2004 - a share
                return {key: item for key, item in value.items() if key != name}
            return {**value, name: changed(value[name], choices, texts)}
        case _:
            return _changed_list(value, choices, texts)


def _changed_text(value: str, choices: random.Random, texts: Sequence[str]) -> str:
    place = choices.randint(0, len(value))
    piece = choices.choice(texts) if texts and choices.random() < 0.5 else choices.choice(_LETTERS)  # noqa: PLR2004 - even odds
    match choices.randrange(8):
        case 7:
            return re.sub(r"\d+", lambda _: str(choices.choice((0, 1, 2, 9, 10))), value, count=2)
        case 6:
            return _exchanged(value, choices, piece)
        case 0:
            return value[:place] + value[place + 1 :]
        case 1:
            return value[:place] + piece + value[place + 1 :]
        case 2:
            return choices.choice([value.upper(), value.lower(), value.title(), value.strip()])
        case 3:
            return value + value
        case _:
            return value[:place] + piece + value[place:]


def _exchanged(value: str, choices: random.Random, piece: str) -> str:
    """With one of its words exchanged, as in `user@example.com`."""
    words = re.split(r"([^A-Za-z0-9]+)", value)
    first = choices.randrange(len(words))
    last = choices.randint(first + 1, len(words))
    return "".join([*words[:first], piece, *words[last:]])


def _changed_list(
    value: Sequence[Value], choices: random.Random, texts: Sequence[str]
) -> Sequence[Value]:
    if not value:
        return value
    place = choices.randrange(len(value))
    match choices.randrange(4):
        case 0:
            return [*value[:place], *value[place + 1 :]]
        case 1:
            return [*value, value[place]]
        case _:
            fresh = changed(value[place], choices, texts)
            return [*value[:place], fresh, *value[place + 1 :]]
