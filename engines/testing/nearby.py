"""What a function mentions, and what the functions of its file that it calls mention."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from engines.source.mentions import literals_of, patterns_of, quoted_in
from engines.source.module import Module
from engines.source.symbols import Function

_DEPTH = 2
_TEXT_LIMIT = 80
_LARGEST_INTEGER = 10**7
_SENTENCE_WORDS = 5

Pattern = tuple[str, int]
"""A regular expression and the bits of its flags."""


@dataclass
class Nearby:
    """Raw material for the inputs of one function, nearest first."""

    texts: list[str] = field(default_factory=list[str])
    integers: list[int] = field(default_factory=list[int])
    patterns: list[Pattern] = field(default_factory=list[Pattern])

    def joined(self, other: "Nearby | None") -> "Nearby":
        """This, and then what only the other has."""
        if other is None:
            return self
        return Nearby(
            list(dict.fromkeys([*self.texts, *other.texts])),
            list(dict.fromkeys([*self.integers, *other.integers])),
            list(dict.fromkeys([*self.patterns, *other.patterns])),
        )


def nearby_of(module: Module, named: dict[str, list[Pattern]]) -> dict[str, Nearby]:
    """By qualified name, for every function; a class stands for its constructor.

    `named` are the patterns that the module's names hold.
    """
    functions = {one.qualname: one for one in module.all_functions()}
    own = {name: _material(one, named) for name, one in functions.items()}
    called = {name: set(_called(one.node)) for name, one in functions.items()}
    found = {name: _joined([own[one] for one in _reach(name, functions, called)]) for name in own}
    for name in list(found):
        owner, _, method = name.rpartition(".")
        if method in {"__init__", "__new__"}:
            found.setdefault(owner, found[name])
    return found


def _reach(start: str, functions: dict[str, Function], called: dict[str, set[str]]) -> list[str]:
    """The function, and what it calls by a name of this file, nearest first."""
    reached = [start]
    nearest = [start]
    for _ in range(_DEPTH):
        names = {name for one in nearest for name in called[one]}
        nearest = [
            name
            for name, one in functions.items()
            if name not in reached and (one.name in names or _is_made(name, names))
        ]
        reached += nearest
    return reached


def _joined(parts: list[Nearby]) -> Nearby:
    whole = Nearby()
    for one in parts:
        whole = whole.joined(one)
    del whole.texts[_TEXT_LIMIT:]
    return whole


def _is_made(name: str, called: set[str]) -> bool:
    """Whether the name is that of a constructor whose class is called."""
    owner, _, method = name.rpartition(".")
    return method == "__init__" and owner.rpartition(".")[2] in called


def _called(node: ast.AST) -> Iterator[str]:
    for item in ast.walk(node):
        if isinstance(item, ast.Call):
            if isinstance(item.func, ast.Name):
                yield item.func.id
            elif isinstance(item.func, ast.Attribute):
                yield item.func.attr


def _material(function: Function, named: dict[str, list[Pattern]]) -> Nearby:
    literals = [*literals_of(function.node), *quoted_in(function.docstring)]
    texts = (one for one in literals if isinstance(one, str) and _is_fit(one))
    integers = (one for one in literals if isinstance(one, int) and abs(one) < _LARGEST_INTEGER)
    return Nearby(
        list(dict.fromkeys(texts)),
        list(dict.fromkeys(integers)),
        list(dict.fromkeys(_patterns(function.node, named))),
    )


def _patterns(node: ast.AST, named: dict[str, list[Pattern]]) -> Iterator[Pattern]:
    for item in ast.walk(node):
        name = item.id if isinstance(item, ast.Name) else ""
        name = item.attr if isinstance(item, ast.Attribute) else name
        yield from named.get(name, ())
    for one in patterns_of(node):
        yield one.text, flag_bits(one.flags)


def flag_bits(text: str) -> int:
    """The flags of a call of `re`, given as text."""
    bits = {"VERBOSE": 0x40, ".X": 0x40, "IGNORECASE": 2, ".I": 2, "DOTALL": 16, "MULTILINE": 8}
    return sum({bit for name, bit in bits.items() if name in text})


def is_plain(value: str) -> bool:
    """Whether the text can be written to a file."""
    return not any("\ud800" <= one <= "\udfff" for one in value)


def is_prose(value: str) -> bool:
    """Messages and documentation make poor inputs."""
    return len(value.split()) > _SENTENCE_WORDS


def _is_fit(value: str) -> bool:
    return is_plain(value) and not is_prose(value)
