"""What the grammars call functions, classes and imports; the one file that knows the parsers.

Node types are those of the grammars' own `node-types.json`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import tree_sitter_go
import tree_sitter_java
import tree_sitter_javascript
import tree_sitter_rust
import tree_sitter_typescript
from tree_sitter import Language, Node, Parser


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


@dataclass(frozen=True)
class Grammar:
    """How to read the trees of one language. `containers` hold definitions and are none."""

    functions: frozenset[str]
    classes: frozenset[str]
    containers: frozenset[str]
    imports: frozenset[str]
    owners: frozenset[str] = frozenset()
    """Containers that qualify the names within: `impl` blocks, modules, namespaces."""


_EVERYWHERE = "ERROR program source_file"
_JAVASCRIPT = Grammar(
    functions=_names(
        "function_declaration generator_function_declaration method_definition function_signature "
        "abstract_method_signature"
    ),
    classes=_names(
        "class_declaration abstract_class_declaration interface_declaration enum_declaration "
        "type_alias_declaration"
    ),
    containers=_names(
        f"{_EVERYWHERE} export_statement class_body statement_block ambient_declaration "
        "expression_statement"
    ),
    imports=_names("import_statement"),
    owners=_names("internal_module module"),
)
_JAVA = Grammar(
    functions=_names(
        "method_declaration constructor_declaration compact_constructor_declaration "
        "annotation_type_element_declaration"
    ),
    classes=_names(
        "class_declaration interface_declaration enum_declaration record_declaration "
        "annotation_type_declaration"
    ),
    containers=_names(
        f"{_EVERYWHERE} class_body interface_body enum_body enum_body_declarations "
        "annotation_type_body"
    ),
    imports=_names("import_declaration"),
)
_GO = Grammar(
    functions=_names("function_declaration method_declaration"),
    classes=_names("type_spec type_alias"),
    containers=_names(f"{_EVERYWHERE} type_declaration import_declaration import_spec_list"),
    imports=_names("import_spec"),
)
_RUST = Grammar(
    functions=_names("function_item function_signature_item macro_definition"),
    classes=_names("struct_item enum_item union_item type_item trait_item"),
    containers=_names(f"{_EVERYWHERE} declaration_list foreign_mod_item"),
    imports=_names("use_declaration"),
    owners=_names("impl_item mod_item"),
)
GRAMMARS = {
    "javascript": _JAVASCRIPT,
    "typescript": _JAVASCRIPT,
    "tsx": _JAVASCRIPT,
    "java": _JAVA,
    "go": _GO,
    "rust": _RUST,
}


@cache
def _parser(language: str) -> Parser:
    pointers = {
        "javascript": tree_sitter_javascript.language,
        "typescript": tree_sitter_typescript.language_typescript,
        "tsx": tree_sitter_typescript.language_tsx,
        "java": tree_sitter_java.language,
        "go": tree_sitter_go.language,
        "rust": tree_sitter_rust.language,
    }
    return Parser(Language(pointers[language]()))


def parsed(language: str, lines: Sequence[str]) -> Node:
    """The tree of a file; what is not valid is parsed as far as it goes."""
    return _parser(language).parse("\n".join(lines).encode("utf-8", "replace")).root_node


def source(node: Node | None) -> str:
    """The text of a node on one line; empty for none."""
    text = ((node.text if node is not None else None) or b"").decode("utf-8", "replace")
    return " ".join(text.split())
