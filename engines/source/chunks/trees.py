"""Definitions of a file in a language with a grammar."""

from collections.abc import Sequence
from dataclasses import dataclass

from tree_sitter import Node

from engines.source.chunks.grammars import GRAMMARS, Grammar, parsed, source
from engines.source.chunks.prose import first_sentence, without_markers
from engines.source.chunks.types import ChunkKind, Definition, Outline

_PREFIX_CHARS = 400
"""Deeper than names of that length nothing is looked for."""
_WRAPPERS = frozenset({"export_statement", "ambient_declaration", "type_declaration"})
_FUNCTION_VALUES = frozenset(
    {"arrow_function", "function_expression", "generator_function", "function"}
)
_BESIDE = frozenset(
    {"comment", "line_comment", "block_comment", "attribute_item", "decorator", "annotation"}
)
"""What stands before a definition and belongs to it."""


@dataclass(frozen=True)
class _Place:
    """The node at an index of its siblings, what qualifies names there, and the place of what
    wraps it (`export`).
    """

    siblings: Sequence[Node]
    index: int
    prefix: str
    is_in_class: bool
    outer: "_Place | None" = None

    @property
    def node(self) -> Node:
        return self.siblings[self.index]


def tree_outline(language: str, lines: Sequence[str]) -> Outline:
    """What a file defines: functions, methods and types; nothing within functions."""
    grammar = GRAMMARS[language]
    definitions: list[Definition] = []
    imports: list[str] = []
    waiting = [_Place([parsed(language, lines)], 0, "", is_in_class=False)]
    while waiting:
        place = waiting.pop()
        if place.node.type in grammar.imports:
            imports.append(source(place.node))
            continue
        found = _definition(place, grammar)
        if found is not None:
            definitions.append(found)
        waiting += reversed(_within(place, grammar, found))
    return Outline(tuple(definitions), tuple(dict.fromkeys(imports)))


def _within(place: _Place, grammar: Grammar, found: Definition | None) -> list[_Place]:
    """Where more definitions may be: below containers and classes, not below functions."""
    node = place.node
    prefix, is_in_class, outer = place.prefix, place.is_in_class, None
    if found is not None and found.kind is not ChunkKind.CLASS:
        return []
    if found is not None:
        body = node.child_by_field_name("body")
        if body is None:
            return []
        node, prefix, is_in_class = body, f"{found.name}.", True
    elif node.type in grammar.owners:
        name = source(node.child_by_field_name("type") or node.child_by_field_name("name"))
        prefix, is_in_class = f"{prefix}{name}.", is_in_class or node.type == "impl_item"
    elif node.type not in grammar.containers:
        return []
    if len(prefix) > _PREFIX_CHARS:
        return []
    inner = node.named_children
    if node.type in _WRAPPERS and sum(one.type not in _BESIDE for one in inner) == 1:
        outer = place.outer or place
    return [_Place(inner, index, prefix, is_in_class, outer) for index in range(len(inner))]


def _definition(place: _Place, grammar: Grammar) -> Definition | None:
    node = place.node
    if node.type in grammar.classes:
        kind, body = ChunkKind.CLASS, node.child_by_field_name("body")
        name = source(node.child_by_field_name("name"))
    elif node.type in grammar.functions:
        kind = ChunkKind.METHOD if place.is_in_class else ChunkKind.FUNCTION
        name, body = source(node.child_by_field_name("name")), node.child_by_field_name("body")
        receiver = node.child_by_field_name("receiver")
        if receiver is not None:
            kind, name = ChunkKind.METHOD, f"{_receiver(receiver)}.{name}"
    else:
        function = _assigned_function(node)
        if function is None:
            return None
        kind = ChunkKind.METHOD if place.is_in_class else ChunkKind.FUNCTION
        name, value = function
        body = value.child_by_field_name("body")
    outer = (place.outer or place).node
    first, comment = _beginning(place.outer or place)
    return Definition(
        first,
        outer.end_point.row + 1,
        kind,
        place.prefix + (name or "default"),
        _signature(outer, body),
        first_sentence(without_markers(comment)),
    )


def _assigned_function(node: Node) -> tuple[str, Node] | None:
    """Name and value of `const f = () => …`, `exports.f = function …`, `f = () => …` in a class."""
    target, value = "name", "value"
    if node.type in {"lexical_declaration", "variable_declaration"}:
        inner = next(
            (one for one in node.named_children if one.type == "variable_declarator"), None
        )
    elif node.type in {"field_definition", "public_field_definition"}:
        inner, target = node, "property" if node.type == "field_definition" else "name"
    elif node.type == "assignment_expression":
        inner, target, value = node, "left", "right"
    else:
        return None
    found = inner.child_by_field_name(value) if inner is not None else None
    if inner is None or found is None or found.type not in _FUNCTION_VALUES:
        return None
    return source(inner.child_by_field_name(target)), found


def _receiver(node: Node) -> str:
    """The type of `(c *Client[T])`."""
    return source(node).strip("()").split(" ")[-1].lstrip("*").split("[")[0]


def _beginning(place: _Place) -> tuple[int, str]:
    """First line with the comments and attributes directly above; and the comments' text."""
    first, comments = place.node.start_point.row, list[str]()
    for index in range(place.index - 1, -1, -1):
        before = place.siblings[index]
        if before.type not in _BESIDE or _last_row(before) not in (first - 1, first):
            break
        first = before.start_point.row
        if index and _last_row(place.siblings[index - 1]) == first:
            first += 1  # it stands behind something else, and so belongs to that
            break
        if "comment" in before.type:
            comments.append((before.text or b"").decode("utf-8", "replace"))
    return first + 1, "\n".join(reversed(comments))


def _last_row(node: Node) -> int:
    """A line comment of Rust ends where the next line begins."""
    end = node.end_point
    return end.row - (end.column == 0)


def _signature(node: Node, body: Node | None) -> str:
    text = node.text or b""
    if body is not None:
        text = text[: body.start_byte - node.start_byte]
    written = " ".join(text.decode("utf-8", "replace").split())
    return written.removesuffix("=").rstrip(" {").removesuffix("=>").strip()
