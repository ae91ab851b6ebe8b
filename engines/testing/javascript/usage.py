"""What a function does with a parameter, and what that says about the values it takes."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from engines.testing.javascript.kinds import ANY, Kind, kind_of
from engines.testing.javascript.literals import NotLiteral, Raw, Value, read
from engines.testing.javascript.syntax import named, source, walk, words

_TEXT = words(
    "charAt charCodeAt codePointAt endsWith localeCompare match matchAll normalize padEnd padStart "
    "repeat replace replaceAll search split startsWith substr substring toLocaleLowerCase "
    "toLowerCase toUpperCase toLocaleUpperCase trim trimEnd trimStart trimLeft trimRight"
)
_LIST = words(
    "copyWithin every fill filter find findIndex findLast flat flatMap forEach join map pop push "
    "reduce reduceRight reverse shift some sort splice unshift entries keys values"
)
_EITHER = frozenset({"length", "slice", "indexOf", "lastIndexOf", "includes", "concat", "at"})
_NUMERIC = frozenset({"toFixed", "toPrecision", "toExponential"})
_DATES = re.compile(
    r"(?:get|set)(?:UTC)?(?:Time|FullYear|Month|Date|Day|Hours|Minutes|Seconds)\w*$"
)
_ANY_OBJECT = frozenset({"toString", "hasOwnProperty", "valueOf", "constructor", "toJSON"})
_ARITHMETIC = words("- * / % ** < > <= >= >> << >>> & | ^ -= *= /= += %=")
_EQUALITY = frozenset({"===", "!==", "==", "!="})
_TYPE_NAMES = {"string", "number", "boolean", "function", "object", "bigint", "undefined", "symbol"}
_TESTED = {
    "Array.isArray": Kind("array"),
    "Number.isInteger": Kind("integer"),
    "Number.isFinite": Kind("number"),
    "Number.isNaN": Kind("number"),
    "Number": Kind("number"),
    "isNaN": Kind("number"),
    "isFinite": Kind("number"),
    "parseInt": Kind("string"),
    "parseFloat": Kind("string"),
    "String": Kind("string"),
    "Object.keys": Kind("object"),
    "Object.entries": Kind("object"),
    "Object.values": Kind("object"),
    "JSON.parse": Kind("string"),
    "encodeURIComponent": Kind("string"),
    "decodeURIComponent": Kind("string"),
    "Array.from": Kind("array"),
    "Buffer.from": Kind("string"),
    "Date.parse": Kind("string"),
}
_CLASSES = {
    "RegExp": "regexp",
    "Date": "date",
    "Map": "map",
    "Set": "set",
    "Error": "error",
    "Array": "array",
    "Function": "function",
    "Uint8Array": "bytes",
}
_NAMES = {
    "boolean": words("(?:is|has|should|can|allow|enable|disable)[A-Z].* strict force verbose deep"),
    "number": words(
        r"n i j k x y num\w* count index idx size len length max min limit width height depth start"
        r" end from to step ms bytes precision digits decimals amount total year month day hour"
        r" \w*(?:Count|Index|Size|Length|Width|Height|Num|Ms)"
    ),
    "string": words(
        r"s str string text \w*(?:Str|String|Text|Name|Path|Url|Key) input name word path url uri"
        r" key prefix suffix separator sep delimiter char ch title message line html css email"
        r" locale version range encoding format source src filename file ext query token slug"
    ),
    "function": words(
        r"fn func cb callback predicate iteratee mapper handler compare\w* \w*(?:Fn|Callback)"
    ),
    "object": words("obj object o opts options config settings props params attrs data"),
    "regexp": words(r"re regex\w* pattern"),
    "date": words(r"date \w+Date"),
    "array": words(r"arr array list items elements values xs \w+(?:List|Array|[a-rt-z]s)"),
}
_STRONG = 3.0
_WEAK = 1.0


def kind_of_name(name: str) -> Kind | None:
    """What a name alone suggests."""
    for kind, patterns in _NAMES.items():
        if any(re.fullmatch(pattern, name) for pattern in patterns):
            return Kind(kind)
    return None


class Usage:
    """The uses of one name, `str` or `options.lower`, in a function's body."""

    def __init__(self, body: Node, name: str, depth: int = 0) -> None:
        """Find the uses."""
        self._body = body
        self._name = name
        self._depth = depth
        kind = "member_expression" if "." in name else "identifier"
        self._uses = [one for one in walk(body) if one.type == kind and source(one) == name]
        if kind == "identifier":
            wanted = {"shorthand_property_identifier"}
            self._uses += [one for one in walk(body) if one.type in wanted and source(one) == name]

    def kinds(self) -> Iterator[tuple[Kind, float]]:
        """Kinds with the weight of the evidence."""
        fields: dict[str, tuple[Kind, ...]] = dict(self._defaults())
        for use in self._uses:
            parent = use.parent
            if parent is None:
                continue
            if parent.type == "member_expression" and named(parent, "object") == use:
                yield from self._member(source(named(parent, "property") or parent), fields)
            else:
                yield from _role(use, parent)
        if fields:
            yield Kind("object", fields=fields), _STRONG

    def _member(
        self, name: str, fields: dict[str, tuple[Kind, ...]]
    ) -> Iterator[tuple[Kind, float]]:
        if name in _TEXT:
            yield Kind("string"), _STRONG
        elif name in _LIST:
            yield Kind("array"), _STRONG
        elif name in _EITHER:
            yield Kind("string"), _WEAK
            yield Kind("array"), _WEAK
        elif name in _NUMERIC:
            yield Kind("number"), _STRONG
        elif name in {"call", "apply", "bind"}:
            yield Kind("function"), _STRONG
        elif _DATES.match(name):
            yield Kind("date"), _STRONG
        elif name in {"test", "exec", "lastIndex", "flags"}:
            yield Kind("regexp"), _STRONG
        elif name not in _ANY_OBJECT:
            fields[name] = self._field(name, fields.get(name, ()))

    def _field(self, name: str, known: tuple[Kind, ...]) -> tuple[Kind, ...]:
        if self._depth:
            return known or (kind_of_name(name) or ANY,)
        inner = Usage(self._body, f"{self._name}.{name}", self._depth + 1)
        found = {kind.label: kind for kind, _ in inner.kinds()}
        found |= {kind.label: kind for kind in known}
        for seed in inner.seeds():
            found.setdefault(repr(seed), Kind("literal", literal=seed))
        guess = kind_of_name(name)
        options = tuple(found.values()) or ((guess,) if guess else (Kind("boolean"),))
        return (*options, Kind("undefined"))

    def _defaults(self) -> Iterator[tuple[str, tuple[Kind, ...]]]:
        """`{a: 1, ...options}`, `Object.assign({a: 1}, options)`, `const {a = 1} = options`."""
        for use in self._uses:
            holder = use.parent
            if holder is None:
                continue
            if holder.type == "spread_element" and holder.parent is not None:
                yield from _pairs(holder.parent)
            elif holder.type == "arguments":
                for one in holder.named_children:
                    if one.type == "object":
                        yield from _pairs(one)
            elif holder.type == "variable_declarator" and named(holder, "value") == use:
                pattern = named(holder, "name")
                if pattern is not None and pattern.type == "object_pattern":
                    yield from _destructured(pattern)

    def seeds(self) -> list[Value]:
        """Literals it is compared with."""
        found: list[Value] = []
        for use in self._uses:
            parent = use.parent
            if parent is None:
                continue
            if parent.type == "binary_expression" and _operator(parent) in _EQUALITY | _ARITHMETIC:
                found.extend(_literals([one for one in parent.named_children if one != use]))
            holder = parent.parent
            if holder is not None and holder.type == "switch_statement":
                found.extend(_cases(holder))
        return found

    def passed_on(self) -> Iterator[tuple[str, int]]:
        """Functions it is an argument of, with its place."""
        for use in self._uses:
            holder = use.parent
            if holder is None or holder.type != "arguments" or holder.parent is None:
                continue
            callee = named(holder.parent, "function")
            if callee is not None and callee.type == "identifier":
                yield source(callee), holder.named_children.index(use)


def _role(use: Node, parent: Node) -> Iterator[tuple[Kind, float]]:
    match parent.type:
        case "unary_expression" if source(parent).startswith("typeof"):
            yield from _type_tests(parent)
        case "unary_expression" if source(parent)[:1] in "-+~":
            yield Kind("number"), _WEAK
        case "update_expression":
            yield Kind("number"), _STRONG
        case "binary_expression":
            yield from _operand(use, parent)
        case "call_expression" | "new_expression":
            yield Kind("function"), _STRONG
        case "arguments":
            yield from _argument(parent)
        case "for_in_statement" if named(parent, "right") == use:
            is_of = any(child.type == "of" for child in parent.children)
            yield Kind("array" if is_of else "object"), _STRONG
        case "subscript_expression" if named(parent, "object") == use:
            yield Kind("array"), _WEAK
            yield Kind("object"), _WEAK
            yield Kind("string"), _WEAK / 2
        case "spread_element":
            is_object = parent.parent is not None and parent.parent.type == "object"
            yield Kind("object" if is_object else "array"), _WEAK
        case _:
            return


def _operator(node: Node) -> str:
    operator = named(node, "operator")
    return operator.type if operator is not None else ""


def _operand(use: Node, parent: Node) -> Iterator[tuple[Kind, float]]:
    operator = _operator(parent)
    if operator in _ARITHMETIC:
        yield Kind("number"), _WEAK
    elif operator == "instanceof" and named(parent, "left") == use:
        name = source(named(parent, "right") or parent)
        yield Kind(_CLASSES[name]) if name in _CLASSES else Kind("instance", literal=name), _STRONG
    elif operator == "in" and named(parent, "right") == use:
        yield Kind("object"), _STRONG
    elif operator in _EQUALITY:
        for seed in _literals([one for one in parent.named_children if one != use]):
            match seed:
                case bool():
                    yield Kind("boolean"), _WEAK
                case str():
                    yield Kind("string"), _WEAK
                case int() | float():
                    yield Kind("number"), _WEAK
                case None:
                    yield Kind("null"), _WEAK / 2
                case _:
                    continue


def _type_tests(node: Node) -> Iterator[tuple[Kind, float]]:
    """`typeof x === 'string'`."""
    test = node.parent
    if test is None or test.type != "binary_expression":
        return
    for seed in _literals(list(test.named_children)):
        if isinstance(seed, str) and seed in _TYPE_NAMES:
            yield Kind(seed), _WEAK if seed == "undefined" else _STRONG


def _argument(holder: Node) -> Iterator[tuple[Kind, float]]:
    call = holder.parent
    callee = named(call, "function") if call is not None else None
    if callee is None:
        return
    name = source(callee)
    if name in _TESTED:
        yield _TESTED[name], _STRONG
    elif name.startswith("Math."):
        yield Kind("number"), _STRONG
    elif callee.type == "member_expression" and name.rpartition(".")[2] in {"test", "exec"}:
        yield Kind("string"), _STRONG


def _literals(nodes: list[Node]) -> list[Value]:
    found: list[Value] = []
    for node in nodes:
        try:
            value = read(node)
        except NotLiteral:
            continue
        if value != Raw("undefined"):
            found.append(value)
    return found


def _cases(switch: Node) -> list[Value]:
    values = [named(one, "value") for one in walk(switch) if one.type == "switch_case"]
    return _literals([one for one in values if one is not None])


def _pairs(node: Node) -> Iterator[tuple[str, tuple[Kind, ...]]]:
    for one in node.named_children:
        key, value = named(one, "key"), named(one, "value")
        if key is None or value is None:
            continue
        literals = _literals([value])
        guess = kind_of(literals[0]) if literals else kind_of_name(source(key)) or ANY
        yield source(key).strip("'\""), (guess, Kind("undefined"))


def _destructured(pattern: Node) -> Iterator[tuple[str, tuple[Kind, ...]]]:
    for one in pattern.named_children:
        if one.type == "shorthand_property_identifier_pattern":
            yield source(one), (kind_of_name(source(one)) or ANY, Kind("undefined"))
        elif one.type == "object_assignment_pattern":
            right = named(one, "right")
            literals = _literals([right] if right else [])
            name = source(named(one, "left") or one)
            guess = kind_of(literals[0]) if literals else kind_of_name(name) or ANY
            yield name, (guess, Kind("undefined"))
