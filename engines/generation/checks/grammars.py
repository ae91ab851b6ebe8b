"""Tree-sitter's view of a text; the one file here that knows the parser."""

import functools

import tree_sitter_go
import tree_sitter_java
import tree_sitter_javascript
import tree_sitter_rust
import tree_sitter_typescript
from tree_sitter import Language, Node, Parser

_LANGUAGES = {
    "javascript": tree_sitter_javascript.language,
    "typescript": tree_sitter_typescript.language_typescript,
    "tsx": tree_sitter_typescript.language_tsx,
    "java": tree_sitter_java.language,
    "go": tree_sitter_go.language,
    "rust": tree_sitter_rust.language,
}


@functools.cache
def _language(name: str) -> Language:
    return Language(_LANGUAGES[name]())


def first_error(text: str, language: str) -> tuple[int, str] | None:
    """Line, from 1, and what is wrong there; None where the text is whole."""
    root = Parser(_language(language)).parse(text.encode("utf-8", "surrogatepass")).root_node
    if not root.has_error:
        return None
    found = _first(root)
    what = f"{found.type!r} is missing" if found.is_missing else "this cannot be parsed"
    return found.start_point[0] + 1, what


def _first(node: Node) -> Node:
    """The deepest first node in which the parser gave up."""
    while True:
        below = [one for one in node.children if one.is_missing or one.is_error or one.has_error]
        if not below or node.is_missing or node.is_error:
            return node
        node = below[0]
