"""What the source of a condition says about inputs that make it come out the other way."""

import ast
import sys
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from typing_extensions import override

from engines.testing.bodies import TYPE_NAMES
from engines.testing.offers import Term

_TRUTHS = ("True", "1", '"a"', "[1]")
_FALSEHOODS = ("None", "0", '""', "[]", "False", "{}")
_LONGEST_TEXT_CHARS = 60
_LARGEST_SIZE = 10_000
_LAST_ASCII = 0x7F


@dataclass
class Hint:
    """Material for one condition; `names` are the variables and attributes it mentions."""

    names: dict[str, None] = field(default_factory=dict[str, None])
    sources: list[str] = field(default_factory=list[str])
    """Whole values for what is named."""
    texts: list[str] = field(default_factory=list[str])
    """Parts of texts."""
    integers: list[int] = field(default_factory=list[int])
    sizes: list[int] = field(default_factory=list[int])
    types: list[str] = field(default_factory=list[str])
    """Names of types that something is checked for."""

    @property
    def terms(self) -> list[Term]:
        """The checked types as far as they are plain ones."""
        return [TYPE_NAMES[one] for one in self.types if one in TYPE_NAMES]


def hint_of(text: str, constants: Mapping[str, str], *, wanted: bool) -> Hint:
    """The hint in the condition `text` for the outcome `wanted`; an empty one where it is mute.

    `constants` are the values, as source, of names that the condition may use.
    """
    hint = Hint()
    try:
        tree: ast.expr = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError):
        return hint
    tree = _Resolved(constants).visit(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            hint.names[node.id] = None
        elif isinstance(node, ast.Attribute):
            hint.names.update(dict.fromkeys((node.attr, node.attr.lstrip("_"))))
        elif isinstance(node, ast.Compare):
            _compared(node, hint)
        elif isinstance(node, ast.Call):
            _called(node, hint)
    if isinstance(tree, ast.Name | ast.Attribute | ast.Subscript):
        hint.sources.extend(_TRUTHS if wanted else _FALSEHOODS)
    return hint


class _Resolved(ast.NodeTransformer):
    """Puts the values of constants where their names are."""

    def __init__(self, constants: Mapping[str, str]) -> None:
        self._constants = constants

    @override
    def visit_Name(self, node: ast.Name) -> ast.AST:
        return self._value(node.id) or node

    @override
    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        return self._value(node.attr) or self.generic_visit(node)

    def _value(self, name: str) -> ast.expr | None:
        text = self._constants.get(name)
        return ast.parse(text, mode="eval").body if text is not None else None


def _compared(node: ast.Compare, hint: Hint) -> None:
    sides = [node.left, *node.comparators]
    is_size = any(
        isinstance(one, ast.Call) and isinstance(one.func, ast.Name) and one.func.id == "len"
        for one in sides
    )
    for value in (value for side in sides for value in _constants(side)):
        if isinstance(value, bool) or value is None:
            hint.sources.append(repr(value))
        elif isinstance(value, int):
            near = [value, value + 1, value - 1]
            if is_size:
                hint.sizes.extend(one for one in near if 0 <= one <= _LARGEST_SIZE)
            else:
                hint.integers.extend(near)
                hint.texts.extend(chr(one) for one in near if _is_sign(one))
                hint.sources.extend(map(repr, near))
        elif isinstance(value, str) and 0 < len(value) <= _LONGEST_TEXT_CHARS:
            hint.texts.append(value)
            hint.sources.append(repr(value))
        else:
            hint.sources.append(repr(value))


def _is_sign(number: int) -> bool:
    """Whether it may be the code of a character that is not likely to occur by chance."""
    return _LAST_ASCII < number <= sys.maxunicode and not _is_surrogate(number)


def _is_surrogate(number: int) -> bool:
    """Whether no text that can be written to a file has a character of this code."""
    return unicodedata.category(chr(number)) == "Cs"


def _constants(node: ast.AST) -> Iterator[str | int | float | bytes | None]:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        for value in _constants(node.operand):
            if isinstance(value, int | float):
                yield -value
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, str | int | float | bytes | None):
            yield node.value
    elif isinstance(node, ast.Tuple | ast.List | ast.Set):
        for one in node.elts:
            yield from _constants(one)


def _called(node: ast.Call, hint: Hint) -> None:
    if isinstance(node.func, ast.Name) and node.func.id in {"isinstance", "issubclass"}:
        for one in ast.walk(node.args[-1]) if node.args else ():
            if isinstance(one, ast.Name | ast.Attribute):
                hint.types.append(one.id if isinstance(one, ast.Name) else one.attr)
    elif isinstance(node.func, ast.Attribute):
        for argument in node.args:
            hint.texts.extend(one for one in _constants(argument) if isinstance(one, str))
