"""JavaScript and TypeScript as trees; the one file that knows the parser."""

from collections.abc import Iterator

import tree_sitter_javascript
import tree_sitter_typescript
from tree_sitter import Language, Node, Parser

_LANGUAGES = {
    "javascript": Language(tree_sitter_javascript.language()),
    "typescript": Language(tree_sitter_typescript.language_typescript()),
    "tsx": Language(tree_sitter_typescript.language_tsx()),
}
FUNCTIONS = frozenset(
    {
        "function_declaration",
        "function_expression",
        "arrow_function",
        "method_definition",
        "generator_function",
        "generator_function_declaration",
    }
)
CLASSES = frozenset({"class", "class_declaration", "abstract_class_declaration"})


class Tree:
    """One parsed file; places are offsets in UTF-16 units, as engines of JavaScript count."""

    def __init__(self, text: str, language: str = "javascript") -> None:
        """Parse a text; what is not valid is parsed as far as it goes."""
        self.text = text
        self._bytes = text.encode("utf-8", "surrogatepass")
        self.root = Parser(_LANGUAGES[language]).parse(self._bytes).root_node
        self._is_plain = len(self._bytes) == len(text)

    def offset(self, place: int) -> int:
        """UTF-16 offset of a byte."""
        if self._is_plain:
            return place
        before = self._bytes[:place].decode("utf-8", "replace")
        return len(before.encode("utf-16-le", "surrogatepass")) // 2

    def at(self, line: int, column: int) -> Node | None:
        """The smallest node at a line and a column in UTF-16 units, both from 0."""
        lines = self._bytes.split(b"\n")
        if not 0 <= line < len(lines):
            return None
        units = lines[line].decode("utf-8", "replace").encode("utf-16-le", "surrogatepass")
        column_bytes = len(units[: 2 * column].decode("utf-16-le", "replace").encode())
        place = sum(len(one) + 1 for one in lines[:line]) + column_bytes
        return self.root.descendant_for_byte_range(place, place + 1)


def language_of(path: str) -> str:
    """Which grammar reads a file."""
    if path.endswith("x"):
        return "tsx"
    return "typescript" if path.endswith("ts") else "javascript"


def source(node: Node) -> str:
    """The text of a node."""
    return (node.text or b"").decode("utf-8", "replace")


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


def above(node: Node | None, kinds: frozenset[str]) -> Node | None:
    """The node itself or the nearest above it of one of the kinds."""
    while node is not None and node.type not in kinds:
        node = node.parent
    return node


def words(text: str) -> frozenset[str]:
    """A set of names, written as one text."""
    return frozenset(text.split())
