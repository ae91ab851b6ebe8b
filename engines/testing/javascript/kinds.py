"""What values a parameter takes, and reading that from TypeScript and JSDoc types."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tree_sitter import Node

from engines.testing.javascript.literals import UNDEFINED, NotLiteral, Raw, Value, read
from engines.testing.javascript.syntax import Tree, named, source, walk

_DEPTH_LIMIT = 4
_PLAIN = {
    "string": "string",
    "String": "string",
    "number": "number",
    "Number": "number",
    "boolean": "boolean",
    "Boolean": "boolean",
    "bool": "boolean",
    "bigint": "bigint",
    "undefined": "undefined",
    "void": "undefined",
    "null": "null",
    "object": "object",
    "Object": "object",
    "Function": "function",
    "function": "function",
    "Date": "date",
    "RegExp": "regexp",
    "Error": "error",
    "Array": "array",
    "array": "array",
    "Buffer": "bytes",
    "Uint8Array": "bytes",
    "integer": "integer",
    "int": "integer",
    "symbol": "symbol",
}
_LISTS = frozenset({"Array", "ReadonlyArray", "Iterable", "IterableIterator", "ArrayLike"})
_RAW_KINDS = (
    (r"undefined", frozenset({"undefined"})),
    (r"-?\d+n|BigInt", frozenset({"bigint"})),
    (r"-?(?:NaN|Infinity)", frozenset({"number"})),
    (r"'a'\.repeat", frozenset({"string"})),
    (r"/", frozenset({"regexp"})),
    (r"new Date", frozenset({"date"})),
    (r"new (?:Uint8Array|Buffer)|Buffer", frozenset({"bytes"})),
    (r"new Set", frozenset({"set"})),
    (r"new Map", frozenset({"map"})),
    (r"new \w*Error", frozenset({"error", "instance"})),
    (r"new ", frozenset({"instance"})),
    (r"Symbol", frozenset({"symbol"})),
    (r".*=>", frozenset({"function"})),
)
_SAME = frozenset({"Partial", "Readonly", "Required", "NonNullable", "Awaited"})


@dataclass(frozen=True)
class Kind:
    """A set of values: a name the generator knows, and what is inside."""

    name: str
    literal: Value = None
    items: tuple["Kind", ...] = ()
    """Of an array or set: what it may hold. Of a tuple: each place."""
    fields: Mapping[str, tuple["Kind", ...]] = field(default_factory=dict[str, "tuple[Kind, ...]"])
    """Of an object: each key's kinds; several are alternatives."""

    @property
    def label(self) -> str:
        """What success and failure are counted by."""
        return f"literal {self.literal!r}" if self.name == "literal" else self.name


ANY = Kind("any")


def fits(kinds: Iterable[Kind], value: Value) -> bool:
    """Whether a value is of one of the kinds, as a compiler would see it."""
    return any(_is_of(kind, value) for kind in kinds)


def _is_of(kind: Kind, value: Value) -> bool:
    if isinstance(value, Raw) or kind.name == "any":
        return kind.name in {"any", *_raw_kinds(value)} or value == kind.literal
    match value:
        case None:
            return kind.name == "null"
        case bool():
            return kind.name == "boolean" or kind.literal is value
        case str():
            return kind.name == "string" or (kind.name == "literal" and kind.literal == value)
        case int() | float():
            return kind.name in {"number", "integer"} or (
                kind.name == "literal" and kind.literal == value
            )
        case Mapping():
            return kind.name == "object" and _has_fields(kind, value)
        case _:
            return _holds(kind, value)


def _has_fields(kind: Kind, value: Mapping[str, Value]) -> bool:
    if not kind.fields:
        return not kind.items or all(fits(kind.items, one) for one in value.values())
    return value.keys() <= kind.fields.keys() and all(
        fits(options, value.get(name, UNDEFINED)) for name, options in kind.fields.items()
    )


def _holds(kind: Kind, value: Sequence[Value]) -> bool:
    if kind.name == "tuple":
        pairs = zip(kind.items, value, strict=False)
        return len(kind.items) == len(value) and all(fits((one,), item) for one, item in pairs)
    is_free = not kind.items or all(fits(kind.items, one) for one in value)
    return kind.name == "array" and is_free


def _raw_kinds(value: Value) -> frozenset[str]:
    """The names of the kinds a piece of source may be of."""
    text = value.text if isinstance(value, Raw) else ""
    for pattern, names in _RAW_KINDS:
        if re.match(pattern, text):
            return names
    return frozenset()


class TypeReader:
    """Reads types with what one file declares: aliases, interfaces, enums, classes."""

    def __init__(self, tree: Tree) -> None:
        """Collect the file's declarations."""
        self._declared: dict[str, Node] = {}
        self.classes: set[str] = set()
        self.hidden: set[str] = set()
        """Members that only the class itself may use."""
        self.enums: set[str] = set()
        for node in walk(tree.root):
            if node.type == "accessibility_modifier" and source(node) != "public":
                self._hide(node.parent)
            name = named(node, "name")
            if name is None:
                continue
            if node.type == "enum_declaration":
                self.enums.add(source(name))
            if node.type in {"type_alias_declaration", "interface_declaration", "enum_declaration"}:
                self._declared[source(name)] = node
            elif node.type in {"class_declaration", "abstract_class_declaration"}:
                self.classes.add(source(name))

    def _hide(self, member: Node | None) -> None:
        name = (named(member, "name") or named(member, "pattern")) if member is not None else None
        if name is not None:
            self.hidden.add(source(name))

    def documented(self, text: str) -> tuple[Kind, ...]:
        """Kinds of a JSDoc type: `string|number=`, `Array<string>`, `?Foo`, `*`."""
        plain = text.strip().removeprefix("...").strip("?!=").replace("Array.<", "Array<")
        plain = re.sub(r"\bfunction\s*\([^)]*\)(?:\s*:\s*\w+)?", "Function", plain)
        if not plain or plain == "*":
            return (ANY,)
        tree = Tree(f"let x: {plain};", "typescript")
        annotation = next((one for one in walk(tree.root) if one.type == "type_annotation"), None)
        if tree.root.has_error or annotation is None:
            return (ANY,)
        return self.kinds(annotation)

    def kinds(self, node: Node, depth: int = 0) -> tuple[Kind, ...]:
        """The alternatives a type node allows."""
        if depth > _DEPTH_LIMIT:
            return (ANY,)
        inner = node.named_children
        match node.type:
            case "type_annotation" | "parenthesized_type" | "readonly_type":
                return self.kinds(inner[-1], depth) if inner else (ANY,)
            case "union_type":
                return tuple(kind for one in inner for kind in self.kinds(one, depth))
            case "array_type":
                return (Kind("array", items=self.kinds(inner[0], depth + 1)),)
            case "tuple_type":
                places = [self.kinds(one, depth + 1)[0] for one in inner]
                return (Kind("tuple", items=tuple(places)),)
            case "generic_type":
                return self._generic(node, depth)
            case "predefined_type" | "type_identifier" | "nested_type_identifier":
                return self._named(source(node), depth)
            case _:
                return (self._single(node, depth),)

    def _single(self, node: Node, depth: int) -> Kind:
        match node.type:
            case "intersection_type":
                return self._joined(node, depth)
            case "literal_type":
                return _literal(node)
            case "function_type":
                return Kind("function")
            case "object_type" | "interface_body":
                return Kind("object", fields=dict(self._fields(node, depth)))
            case _:
                return ANY

    def _named(self, name: str, depth: int) -> tuple[Kind, ...]:
        if name in self._declared:
            return self._declaration(self._declared[name], depth + 1)
        if name in self.classes:
            return (Kind("instance", literal=name),)
        return (Kind(_PLAIN[name]),) if name in _PLAIN else (ANY,)

    def _declaration(self, node: Node, depth: int) -> tuple[Kind, ...]:
        body = named(node, "value") or named(node, "body")
        if body is None:
            return (ANY,)
        if node.type == "enum_declaration":
            owner = source(named(node, "name") or node)
            members = [one for one in body.named_children if one.type != "comment"]
            names = [source(named(one, "name") or one) for one in members]
            return tuple(Kind("literal", literal=Raw(f"{owner}.{name}")) for name in names)
        return self.kinds(body, depth)

    def _generic(self, node: Node, depth: int) -> tuple[Kind, ...]:
        name = source(named(node, "name") or node.named_children[0])
        arguments = named(node, "type_arguments")
        inner = arguments.named_children if arguments is not None else []
        if name in _LISTS and inner:
            return (Kind("array", items=self.kinds(inner[0], depth + 1)),)
        if name in {"Set", "ReadonlySet"} and inner:
            return (Kind("set", items=self.kinds(inner[0], depth + 1)),)
        if name in {"Map", "ReadonlyMap"}:
            return (Kind("map", items=self.kinds(inner[-1], depth + 1) if inner else ()),)
        if name == "Record" and inner:
            return (Kind("object", items=self.kinds(inner[-1], depth + 1)),)
        if name in _SAME and inner:
            return self.kinds(inner[0], depth + 1)
        return self._named(name, depth)

    def _fields(self, node: Node, depth: int) -> Iterator[tuple[str, tuple[Kind, ...]]]:
        for one in node.named_children:
            name, annotation = named(one, "name"), named(one, "type")
            if name is None:
                continue
            if one.type == "method_signature":
                yield source(name), (Kind("function"),)
            elif one.type == "property_signature" and annotation is not None:
                found = self.kinds(annotation, depth + 1)
                is_optional = any(child.type == "?" for child in one.children)
                yield source(name), (*found, Kind("undefined")) if is_optional else found

    def _joined(self, node: Node, depth: int) -> Kind:
        joined: dict[str, tuple[Kind, ...]] = {}
        for one in node.named_children:
            for kind in self.kinds(one, depth):
                joined.update(kind.fields)
        return replace(Kind("object"), fields=joined)


def kind_of(value: Value) -> Kind:
    """The kind a literal is of."""
    match value:
        case bool():
            return Kind("boolean")
        case str():
            return Kind("string")
        case int() | float():
            return Kind("number")
        case None | Raw():
            return Kind("regexp") if isinstance(value, Raw) and value.text[0] == "/" else ANY
        case dict():
            return Kind("object", fields={key: (kind_of(one),) for key, one in value.items()})
        case _:
            return Kind("array")


def _literal(node: Node) -> Kind:
    try:
        value = read(node.named_children[0] if node.named_children else node)
    except NotLiteral:
        return ANY
    if value is None:
        return Kind("null")
    return Kind("undefined") if value == Raw("undefined") else Kind("literal", literal=value)
