"""What a test asserts of a result, in the words of Jest and Vitest or of Node's own assert."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from engines.testing.javascript.calls import Kept, Seen
from engines.testing.javascript.literals import quoted

_GLOBAL_ERRORS = frozenset({"TypeError", "RangeError", "SyntaxError", "ReferenceError", "URIError"})
_FRACTION = re.compile(r"-?\d+\.\d{11,}(?:e-?\d+)?\Z|-?\d(?:\.\d+)?e-\d+\Z")
_SIMPLE = re.compile(
    r"(?:-?[\d.]+(?:e[+-]?\d+)?n?|NaN|-?Infinity|true|false|null|undefined|'(?:[^'\\]|\\.)*')\Z"
)
_FIELD_LIMIT = 6


@dataclass(frozen=True)
class Words:
    """One dialect; `classes` are the names of errors a test may refer to."""

    is_node: bool
    classes: frozenset[str]

    def equal(self, got: str, text: str) -> str:
        """That an expression has a value, given as source."""
        if self.is_node:
            return self._node_equal(got, text)
        if _FRACTION.match(text):
            return f"expect({got}).toBeCloseTo({text}, 10);"
        if text == "undefined":
            return f"expect({got}).toBeUndefined();"
        if text == "null":
            return f"expect({got}).toBeNull();"
        matcher = matcher_of(text)
        return f"expect({got}).{matcher}({text});"

    def _node_equal(self, got: str, text: str) -> str:
        if _FRACTION.match(text):
            return f"assert.ok(Math.abs({got} - {text}) < 1e-10);"
        return f"assert.{'equal' if is_simple(text) else 'deepEqual'}({got}, {text});"

    def compared(self, got: str, name: str, texts: Sequence[str]) -> str:
        """That an expression has the value of a column with these texts."""
        if all(is_simple(text) for text in texts):
            return (
                f"assert.equal({got}, {name});" if self.is_node else f"expect({got}).toBe({name});"
            )
        if self.is_node:
            return f"assert.deepEqual({got}, {name});"
        matcher = "toStrictEqual" if any("undefined" in text for text in texts) else "toEqual"
        return f"expect({got}).{matcher}({name});"

    def instance(self, got: str, type_name: str) -> str:
        """That an expression is an object of a class."""
        if self.is_node:
            return f"assert.ok({got} instanceof {type_name});"
        return f"expect({got}).toBeInstanceOf({type_name});"

    def throws(self, call: str, seen: Seen) -> list[str]:
        """That a call throws, or its promise is rejected."""
        if self.is_node:
            return [self._node_throws(call, seen)]
        subject = f"expect({call}).rejects" if seen.awaited else f"expect(() => {call})"
        wait = "await " if seen.awaited else ""
        named = [seen.name] if seen.name in _GLOBAL_ERRORS | self.classes else []
        said = [quoted(seen.message)] if seen.message else []
        wanted = [str(one) for one in (*named, *said)] or [""]
        if len(wanted) == 1:
            return [f"{wait}{subject}.toThrow({wanted[0]});"]
        subject = "expect(act()).rejects" if seen.awaited else "expect(act)"
        first = f"const act = () => {call};"
        return [first, *(f"{wait}{subject}.toThrow({one});" for one in wanted)]

    def _node_throws(self, call: str, seen: Seen) -> str:
        checks = [f"name: '{seen.name}'"] if seen.name else []
        checks += [f"message: {quoted(seen.message)}"] if seen.message and seen.name else []
        wanted = f", {{ {', '.join(checks)} }}" if checks else ""
        if seen.awaited:
            return f"await assert.rejects(async () => {call}{wanted});"
        return f"assert.throws(() => {call}{wanted});"

    def fields(self, subject: str, fields: Sequence[tuple[str, str]]) -> list[str]:
        """That an object has these fields."""
        return [self.equal(f"{subject}.{name}", text) for name, text in fields[:_FIELD_LIMIT]]

    def of_length(self, got: str, length: int) -> str:
        """That an array has a length."""
        return self.equal(f"{got}.length", str(length))


def is_simple(text: str) -> bool:
    """Whether a value is compared by identity."""
    return bool(_SIMPLE.match(text))


def matcher_of(text: str) -> str:
    """Jest's way to compare with a value."""
    if is_simple(text):
        return "toBe"
    return "toStrictEqual" if "undefined" in text else "toEqual"


def group_of(one: Kept) -> tuple[object, ...]:
    """Cases of the same group can share a table."""
    seen = one.seen
    is_close = bool(_FRACTION.match(seen.text))
    form = (seen.kind, seen.awaited, is_simple(seen.text), is_close, "undefined" in seen.text)
    said = (seen.name, seen.message) if seen.kind == "error" else ()
    return (form, said, len(one.call.last.args), tuple(one.call.setup()))
