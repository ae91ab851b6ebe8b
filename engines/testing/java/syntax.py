"""Java as trees; the one file that knows the parser."""

from collections.abc import Iterator

import tree_sitter_java
from tree_sitter import Language, Node, Parser

_JAVA = Language(tree_sitter_java.language())
TYPES = frozenset({"class_declaration", "enum_declaration", "record_declaration"})


def parsed(text: str) -> Node:
    """The tree of a file; places are offsets of bytes in UTF-8."""
    return Parser(_JAVA).parse(text.encode("utf-8", "surrogatepass")).root_node


def source(node: Node | None) -> str:
    """The text of a node; empty for none."""
    return ((node.text if node is not None else None) or b"").decode("utf-8", "replace")


def walk(node: Node) -> Iterator[Node]:
    """A node and everything below it, in the order of the text."""
    pending = [node]
    while pending:
        one = pending.pop()
        yield one
        pending.extend(reversed(one.children))


def named(node: Node, field: str) -> Node | None:
    """A child by its role."""
    return node.child_by_field_name(field)


def modifiers(node: Node) -> frozenset[str]:
    """`public`, `static`, … of a declaration; annotations are left out."""
    found = next((one for one in node.children if one.type == "modifiers"), None)
    return frozenset(one.type for one in found.children) if found is not None else frozenset()
