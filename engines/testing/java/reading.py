"""What a Java file declares: the constructors and methods that a test in its package can use."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tree_sitter import Node

from engines.testing.java.syntax import TYPES, modifiers, named, parsed, source, walk

_EXAMPLE = re.compile(r"^[\s*]*(?:<li>)?(\w+)\.(\w+)\((.*)\)\s*(?:=|returns|->|//)", re.MULTILINE)
_TEXT_LIMIT_CHARS = 60
_PLAIN_ARGUMENTS = frozenset(
    {
        "string_literal", "decimal_integer_literal", "decimal_floating_point_literal", "true",
        "false", "null_literal", "character_literal", "unary_expression",
    }
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Target:
    """A constructor or method. `owner` is the class as a test names it: `Outer.Inner`."""

    owner: str
    name: str
    types: tuple[str, ...]
    names: tuple[str, ...]
    result: str
    is_static: bool
    throws: frozenset[str]
    first_line: int
    last_line: int
    is_variadic: bool = False

    @property
    def is_constructor(self) -> bool:
        """Whether it makes an object."""
        return not self.name

    @property
    def key(self) -> str:
        """Distinguishes overloads."""
        return f"{self.owner}.{self.name}({', '.join(self.types)})"


@dataclass
class JavaFile:
    """One file."""

    package: str
    imports: tuple[str, ...]
    main: str
    targets: list[Target] = field(default_factory=list[Target])
    enums: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    texts: list[str] = field(default_factory=list[str])
    numbers: list[int] = field(default_factory=list[int])
    chars: list[str] = field(default_factory=list[str])
    examples: dict[str, list[tuple[str, ...]]] = field(
        default_factory=dict[str, list[tuple[str, ...]]]
    )
    """Argument lists as source, by method, from Javadoc."""

    @property
    def classes(self) -> set[str]:
        """Classes that can be made."""
        return {one.owner for one in self.targets if one.is_constructor}


def read(text: str) -> JavaFile:
    """Read a file."""
    root = parsed(text)
    package = next((one for one in root.children if one.type == "package_declaration"), None)
    imports = tuple(source(one) for one in root.children if one.type == "import_declaration")
    name = source(package.named_children[-1]) if package is not None else ""
    types = [one for one in root.children if one.type in TYPES]
    public = [one for one in types if "public" in modifiers(one)] or types
    main = source(named(public[0], "name")) if public else ""
    found = JavaFile(name, imports, main)
    for one in types:
        _add_type(one, "", found)
    _mine(root, text, found)
    return found


def _add_type(node: Node, outer: str, found: JavaFile) -> None:
    marks = modifiers(node)
    if "private" in marks or (outer and "static" not in marks and node.type == "class_declaration"):
        return
    name = ".".join(part for part in (outer, source(named(node, "name"))) if part)
    body = named(node, "body")
    if body is None:
        return
    if node.type == "enum_declaration":
        constants = [one for one in body.named_children if one.type == "enum_constant"]
        found.enums[name] = tuple(source(named(one, "name")) for one in constants)
    members = list(body.named_children)
    for one in list(members):
        if one.type == "enum_body_declarations":
            members += one.named_children
    for one in members:
        if one.type in TYPES:
            _add_type(one, name, found)
        elif one.type == "method_declaration" and "private" not in modifiers(one):
            found.targets.append(_target(one, name))
    if "abstract" not in marks:
        found.targets += _constructors(node, members, name)


def _constructors(node: Node, members: Sequence[Node], name: str) -> list[Target]:
    declared = [one for one in members if one.type == "constructor_declaration"]
    if node.type == "record_declaration":
        return [_target(node, name, is_constructor=True)]
    if node.type == "enum_declaration":
        return []
    if not declared:
        line = node.start_point[0] + 1
        none: frozenset[str] = frozenset()
        return [
            Target(
                name, "", (), (), name, is_static=True, throws=none, first_line=line, last_line=line
            )
        ]
    usable = [one for one in declared if "private" not in modifiers(one)]
    return [_target(one, name, is_constructor=True) for one in usable]


def _target(node: Node, owner: str, *, is_constructor: bool = False) -> Target:
    parameters = named(node, "parameters")
    inner = parameters.named_children if parameters is not None else []
    pairs = [pair for one in inner if (pair := _parameter(one)) is not None]
    thrown = next((one for one in node.children if one.type == "throws"), None)
    return Target(
        owner=owner,
        name="" if is_constructor else source(named(node, "name")),
        types=tuple(kind for kind, _ in pairs),
        names=tuple(name for _, name in pairs),
        result=owner if is_constructor else source(named(node, "type")),
        is_static=is_constructor or "static" in modifiers(node),
        throws=frozenset(source(one) for one in thrown.named_children) if thrown else frozenset(),
        first_line=node.start_point[0] + 1,
        last_line=node.end_point[0] + 1,
        is_variadic=any(one.type == "spread_parameter" for one in inner),
    )


def _parameter(node: Node) -> tuple[str, str] | None:
    if node.type == "formal_parameter":
        dimensions = source(named(node, "dimensions"))
        return source(named(node, "type")) + dimensions, source(named(node, "name"))
    if node.type == "spread_parameter":
        inner = [one for one in node.named_children if one.type != "modifiers"]
        return source(inner[0]) + "[]", source(inner[-1])
    return None


def _mine(root: Node, text: str, found: JavaFile) -> None:
    texts: dict[str, None] = {}
    numbers: dict[int, None] = {}
    chars: dict[str, None] = {}
    for node in walk(root):
        literal = source(node)
        if node.type == "string_literal" and len(literal) < _TEXT_LIMIT_CHARS:
            if "\\" not in literal and not literal.startswith('"""'):
                texts[literal[1:-1]] = None
        elif node.type == "decimal_integer_literal":
            numbers[int(literal.rstrip("lL").replace("_", ""))] = None
        elif node.type == "character_literal" and "\\" not in literal:
            chars[literal[1:-1]] = None
    found.texts, found.numbers, found.chars = list(texts), list(numbers), list(chars)
    for name, arguments in _examples(text):
        found.examples.setdefault(name, []).append(arguments)


def _examples(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Calls in Javadoc: `StringUtils.reverse("bat") = "tab"`."""
    for example in _EXAMPLE.finditer(text):
        root = parsed(f"class A {{ Object x = f({example[3]}); }}")
        call = next((one for one in walk(root) if one.type == "method_invocation"), None)
        arguments = named(call, "arguments") if call is not None else None
        if root.has_error or arguments is None:
            continue
        if all(_is_plain(one) for one in arguments.named_children):
            yield example[2], tuple(source(one) for one in arguments.named_children)


def _is_plain(node: Node) -> bool:
    if node.type == "array_creation_expression":
        return all(one.type not in {"identifier", "method_invocation"} for one in walk(node))
    return node.type in _PLAIN_ARGUMENTS
