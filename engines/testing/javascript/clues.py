"""What the text of a function says about its parameters: types, defaults, documentation, use."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tree_sitter import Node

from engines.testing.javascript.kinds import ANY, Kind, TypeReader, kind_of
from engines.testing.javascript.literals import NotLiteral, Raw, Value, read
from engines.testing.javascript.syntax import FUNCTIONS, Tree, named, source, walk
from engines.testing.javascript.usage import Usage, kind_of_name

_PARAM = re.compile(r"@param\s+\{((?:[^{}]|\{[^}]*\})*)\}\s+(\[?)([\w$]+)(?:\.([\w$]+))?")
_TYPED = 6.0
_DEFAULT = 3.0
_NAMED = 1.0
_FALLBACK = 0.3
_DEPTH_LIMIT = 3


@dataclass
class Parameter:
    """One parameter and the kinds of values worth giving it, with weights."""

    name: str
    weights: dict[str, float] = field(default_factory=dict[str, float])
    kinds: dict[str, Kind] = field(default_factory=dict[str, Kind])
    seeds: list[Value] = field(default_factory=list[Value])
    is_typed: bool = False
    """A type stands in the code or its documentation: other values are the caller's fault."""
    is_optional: bool = False
    is_rest: bool = False

    def add(self, kind: Kind, weight: float) -> None:
        """Count evidence for a kind; fields of objects are joined."""
        label = kind.label
        held = self.kinds.get(label)
        if held is not None and kind.fields:
            kind = Kind(kind.name, fields={**kind.fields, **held.fields}, items=held.items)
        elif held is not None and held.fields:
            kind = held
        self.kinds[label] = kind
        self.weights[label] = self.weights.get(label, 0.0) + weight


class Reader:
    """Reads the functions of one file."""

    def __init__(self, tree: Tree) -> None:
        """Remember what the file declares."""
        self._tree = tree
        self.types = TypeReader(tree)
        self._functions = {
            source(name): node
            for node in walk(tree.root)
            if node.type in FUNCTIONS and (name := _name_of(node)) is not None
        }

    def parameters(self, function: Node, depth: int = 0) -> list[Parameter]:
        """The parameters of a function, in order."""
        single = named(function, "parameter")
        formal = named(function, "parameters")
        nodes = [single] if single else formal.named_children if formal else []
        documented = self._documented(function)
        found = [
            self._parameter(one, function, documented, depth)
            for one in nodes
            if one.type != "comment" and source(one).split(":")[0].strip() != "this"
        ]
        body = named(function, "body")
        if not found and body is not None and re.search(r"\barguments\b", source(body)):
            found.append(Parameter("args", {"any": 1.0}, {"any": ANY}, is_rest=True))
        return found

    def _parameter(
        self, node: Node, function: Node, documented: dict[str, list[tuple[str, str, bool]]],
        depth: int,
    ) -> Parameter:  # fmt: skip
        pattern, default, annotation, is_optional = _parts(node)
        is_rest = pattern.type == "rest_pattern"
        if is_rest:
            pattern = pattern.named_children[0]
        is_plain = pattern.type == "identifier"
        found = Parameter(source(pattern) if is_plain else "options", is_rest=is_rest)
        found.is_optional = is_optional or default is not None
        if annotation is not None:
            self._typed(found, self.types.kinds(annotation))
        self._from_documentation(found, documented.get(found.name, []))
        if default is not None:
            _from_default(found, default)
        if not is_plain:
            found.add(_from_pattern(pattern), _DEFAULT)
        elif not found.is_typed or _is_vague(found):
            self._from_use(found, function, depth)
        _add_fallbacks(found)
        return found

    def _typed(self, found: Parameter, kinds: tuple[Kind, ...]) -> None:
        found.is_typed = not all(kind.name == "any" for kind in kinds)
        for kind in kinds:
            single = kind.items if found.is_rest and kind.name == "array" else (kind,)
            for one in single:
                weight = _TYPED / 3 if one.name in {"undefined", "null"} else _TYPED
                found.add(one, weight)

    def _from_documentation(self, found: Parameter, said: list[tuple[str, str, bool]]) -> None:
        fields: dict[str, tuple[Kind, ...]] = {}
        for type_text, inner, is_optional in said:
            kinds = self.types.documented(type_text)
            if inner:
                fields[inner] = (*kinds, Kind("undefined"))
                continue
            self._typed(found, kinds)
            found.is_optional = found.is_optional or is_optional or type_text.endswith("=")
        if fields:
            found.add(Kind("object", fields=fields), _TYPED)

    def _from_use(self, found: Parameter, function: Node, depth: int) -> None:
        body = named(function, "body")
        if body is None:
            return
        usage = Usage(body, found.name)
        for kind, weight in usage.kinds():
            found.add(kind, weight)
        found.seeds.extend(usage.seeds())
        if depth < _DEPTH_LIMIT:
            for name, place in usage.passed_on():
                self._from_callee(found, name, place, depth)

    def _from_callee(self, found: Parameter, name: str, place: int, depth: int) -> None:
        callee = self._functions.get(name)
        if callee is None:
            return
        inner = self.parameters(callee, depth + 1)
        if place < len(inner):
            for label, kind in inner[place].kinds.items():
                found.add(kind, inner[place].weights[label] / 2)
            found.seeds.extend(inner[place].seeds)

    def _documented(self, function: Node) -> dict[str, list[tuple[str, str, bool]]]:
        comment = comment_above(function)
        found: dict[str, list[tuple[str, str, bool]]] = {}
        for one in _PARAM.finditer(comment):
            found.setdefault(one[3], []).append((one[1], one[4] or "", bool(one[2])))
        return found


def comment_above(function: Node) -> str:
    """The documentation comment of a function, also where it is assigned or exported."""
    node: Node | None = function
    while node is not None and node.type not in {"program", "statement_block", "class_body"}:
        before = node.prev_sibling
        if before is not None and before.type == "comment" and source(before).startswith("/**"):
            return source(before)
        node = node.parent
    return ""


def _name_of(node: Node) -> Node | None:
    own = named(node, "name")
    if own is not None or node.parent is None:
        return own
    return named(node.parent, "name") if node.parent.type == "variable_declarator" else None


def _parts(node: Node) -> tuple[Node, Node | None, Node | None, bool]:
    """Pattern, default, annotation, and whether it may be left out."""
    if node.type in {"required_parameter", "optional_parameter"}:
        pattern = named(node, "pattern") or node.named_children[0]
        is_optional = node.type == "optional_parameter"
        return pattern, named(node, "value"), named(node, "type"), is_optional
    if node.type == "assignment_pattern":
        left = named(node, "left") or node
        return left, named(node, "right"), None, True
    return node, None, None, False


def _from_default(found: Parameter, default: Node) -> None:
    try:
        value = read(default)
    except NotLiteral:
        if default.type in FUNCTIONS:
            found.add(Kind("function"), _DEFAULT)
        return
    if value in (Raw("undefined"), None):
        return
    found.seeds.append(value)
    found.add(kind_of(value), _DEFAULT)


def _from_pattern(pattern: Node) -> Kind:
    """An object with the keys a destructuring names."""
    fields: dict[str, tuple[Kind, ...]] = {}
    for name, default in _destructured(pattern):
        fields[name] = (kind_of_name(name) or ANY,)
        if default is not None:
            try:
                fields[name] = (kind_of(read(default)), Kind("undefined"))
            except NotLiteral:
                continue
    return Kind("array") if pattern.type == "array_pattern" else Kind("object", fields=fields)


def _destructured(pattern: Node) -> Iterator[tuple[str, Node | None]]:
    for one in pattern.named_children:
        match one.type:
            case "shorthand_property_identifier_pattern":
                yield source(one), None
            case "object_assignment_pattern":
                yield source(named(one, "left") or one), named(one, "right")
            case "pair_pattern":
                value = named(one, "value")
                is_default = value is not None and value.type == "assignment_pattern"
                default = named(value, "right") if value is not None and is_default else None
                yield source(named(one, "key") or one), default
            case _:
                continue


def _is_vague(found: Parameter) -> bool:
    return all(kind.name in {"any", "object"} and not kind.fields for kind in found.kinds.values())


def _add_fallbacks(found: Parameter) -> None:
    by_name = kind_of_name(found.name)
    if by_name is not None and not found.is_typed:
        found.add(by_name, _NAMED)
    if not found.is_typed:
        found.add(ANY, _FALLBACK if found.kinds else 1.0)
