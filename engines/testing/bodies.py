"""What the code that uses a value tells of its type."""

import ast
from collections.abc import Iterator, Mapping, Sequence

from engines.source.symbols import Function
from engines.testing.calls import Soundness
from engines.testing.offers import ANY, ClassOffer, Offers, Term
from engines.testing.terms import (
    BASE64,
    BOOL,
    BYTES,
    CALLABLE,
    DICT,
    FLOAT,
    INT,
    ISO_DATE,
    JSON_TEXT,
    LIST,
    NONE,
    NUMBERS,
    PATH,
    PATTERN_TEXT,
    SET,
    STR,
    TEXT_FILE,
    TUPLE,
    TYPE,
    Evidence,
)  # fmt: skip
from engines.testing.usage import Usage, Use, is_named, unwrapped

_STR_METHODS = frozenset(name for name in dir(str) if not name.startswith("_")) - {"count", "index"}
_METHOD_TERMS = {
    "append": LIST, "extend": LIST, "insert": LIST, "sort": LIST, "reverse": LIST,
    "items": DICT, "keys": DICT, "values": DICT, "get": DICT, "setdefault": DICT, "update": DICT,
    "add": SET, "discard": SET, "union": SET, "intersection": SET, "difference": SET,
    "decode": BYTES, "read": TEXT_FILE, "readline": TEXT_FILE, "readlines": TEXT_FILE,
    "write": TEXT_FILE, "seek": TEXT_FILE, "tell": TEXT_FILE, "close": TEXT_FILE,
    "flush": TEXT_FILE, "truncate": TEXT_FILE, "isatty": TEXT_FILE,
    "is_integer": FLOAT, "bit_length": INT, "total_seconds": Term("timedelta"),
    "strftime": Term("datetime"), "isoformat": Term("datetime"), "weekday": Term("date"),
    "timetuple": Term("datetime"), "utcoffset": Term("datetime"), "tzinfo": Term("datetime"),
    "read_text": PATH, "write_text": PATH, "exists": PATH, "open": PATH, "is_file": PATH,
    "numerator": INT, "days": Term("timedelta"), "seconds": Term("timedelta"),
    "year": Term("date"), "month": Term("date"), "day": Term("date"), "hour": Term("datetime"),
    "randint": Term("random"), "choice": Term("random"), "shuffle": Term("random"),
}  # fmt: skip
_CALL_TERMS = {
    "len": LIST, "sum": NUMBERS, "sorted": NUMBERS, "min": NUMBERS, "max": NUMBERS,
    "enumerate": LIST, "zip": LIST, "reversed": LIST, "iter": LIST,
    "next": Term("iterator", (ANY,)),
    "any": LIST, "all": LIST, "list": LIST, "tuple": LIST, "set": LIST, "dict": DICT,
    "range": INT, "chr": INT, "ord": STR, "abs": INT, "round": FLOAT, "divmod": INT, "pow": INT,
    "open": PATH, "Path": PATH, "int": STR, "float": STR, "callable": CALLABLE, "map": LIST,
    "hex": INT, "bin": INT, "sqrt": FLOAT, "floor": FLOAT, "ceil": FLOAT, "log": FLOAT,
    "deque": LIST, "Counter": LIST, "chain": LIST, "islice": LIST, "Decimal": STR,
    "loads": JSON_TEXT, "fromisoformat": ISO_DATE, "compile": PATTERN_TEXT, "b64decode": BASE64,
    "issubclass": TYPE, "unpack": BYTES, "fspath": PATH, "signature": CALLABLE,
}  # fmt: skip
TYPE_NAMES = {
    "int": INT, "float": FLOAT, "str": STR, "bytes": BYTES, "bool": BOOL, "list": LIST,
    "dict": DICT, "set": SET, "tuple": TUPLE, "frozenset": Term("frozenset", (ANY,)),
    "Mapping": DICT, "MutableMapping": DICT, "Sequence": LIST, "datetime": Term("datetime"),
    "date": Term("date"), "timedelta": Term("timedelta"), "Decimal": Term("decimal"),
    "Fraction": Term("fraction"), "complex": Term("complex"), "Number": INT, "Iterable": LIST,
    "Integral": INT, "Real": FLOAT, "Callable": CALLABLE, "slice": Term("slice"), "type": TYPE,
    "string_types": STR, "text_type": STR, "basestring": STR, "integer_types": INT,
    "bytearray": BYTES, "Iterator": Term("iterator", (ANY,)), "Path": PATH, "PathLike": PATH,
    "Pattern": Term("pattern"), "Enum": ANY, "range": Term("range"),
}  # fmt: skip
_ORDERS = ast.Lt | ast.LtE | ast.Gt | ast.GtE
_LISTED = frozenset({"enumerate", "sorted", "reversed", "list", "tuple", "iter", "set"})
_READ_BY_KEY = frozenset({"get", "pop", "setdefault"})
_CALLED_BY = {"map": 1, "filter": 1, "reduce": 2, "partial": -1, "starmap": -1, "takewhile": 1}
_DEPTH = 2
_KEY_LIMIT = 12
_LITERAL_LIMIT, _LITERAL_LIMIT_CHARS = 24, 40

Classes = Mapping[str, ClassOffer]


class Bodies:
    """Reads the bodies of one module's functions."""

    def __init__(self, usage: Usage, offers: Offers) -> None:
        self._usage = usage
        self._classes = {one.identity: one for one in offers.classes}
        self._names = offers.names
        self._constants = offers.constants
        self._likely: dict[tuple[str, str, int], Term] = {}

    def evidence(self, name: str, function: Function) -> Iterator[Evidence]:
        """Methods called, comparisons, calls of builtins, iteration, keys and attributes read."""
        uses = self._usage.of(name, function)
        for term, weight in self._told(uses, _DEPTH):
            yield term, weight, Soundness.SUGGESTED
        yield from self._of_attributes(uses, _DEPTH)

    def likely(self, name: str, function: Function, depth: int) -> Term:
        """The type with most evidence for what `name` writes; `ANY` where there is none."""
        key = (name, function.qualname, depth)
        if depth < 0:
            return ANY
        if key not in self._likely:
            uses = self._usage.of(name, function)
            weights: dict[Term, float] = {}
            for term, weight in self._told(uses, depth):
                weights[term] = weights.get(term, 0.0) + weight
            for term, weight, _ in self._of_attributes(uses, depth):
                weights[term] = weights.get(term, 0.0) + weight
            self._likely[key] = _strongest(weights)
        return self._likely[key]

    def keys(self, name: str, function: Function) -> list[str]:
        """The constant keys that are read of what `name` writes."""
        uses = self._usage.of(name, function)
        found = (key for use in uses for item in use.nodes for key in _keys_read(use.name, item))
        return list(dict.fromkeys(one for one in found if one.isidentifier()))

    def _told(self, uses: Sequence[Use], depth: int) -> Iterator[tuple[Term, float]]:
        keys: dict[str, Use] = {}
        literals: dict[str, None] = {}
        for use in uses:
            for item in use.nodes:
                told = _of_node(use.name, item, self._classes)
                yield from ((term, weight * use.weight) for term, weight in told)
                if isinstance(item, ast.For | ast.comprehension) and depth:
                    element = self._element(item, use, depth)
                    if element is not None:
                        yield element, 4.0 * use.weight
                keys |= {key: use for key in _keys_read(use.name, item) if key not in keys}
                literals.update((one, None) for one in self._compared(use.name, item))
        if literals:
            yield Term("literal", literals=tuple(literals)[:_LITERAL_LIMIT]), 6.0
        if keys:
            yield self._record(keys, depth), 8.0

    def _record(self, keys: Mapping[str, Use], depth: int) -> Term:
        known = dict(list(keys.items())[:_KEY_LIMIT])
        terms = [
            self.likely(f"{use.name}[{key!r}]", use.function, depth - 1)
            for key, use in known.items()
        ]
        return Term("record", tuple(terms), tuple(known))

    def _compared(self, name: str, item: ast.AST) -> Iterator[str]:
        """The constants and module-level values that a value is compared with, as source."""
        if isinstance(item, ast.Compare) and is_named(unwrapped(item.left), name):
            for side in item.comparators:
                yield from self._fixed(side)
        elif isinstance(item, ast.Match) and is_named(item.subject, name):
            for case in item.cases:
                yield from self._fixed(case.pattern)

    def _fixed(self, node: ast.AST) -> Iterator[str]:
        """The source of what is the same in every call: constants, and values of the module."""
        match node:
            case ast.Constant(value=str() | int() | float() | bytes()):
                yield from (one for one in [repr(node.value)] if len(one) <= _LITERAL_LIMIT_CHARS)
            case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
                yield from (text for one in parts for text in self._fixed(one))
            case ast.MatchOr(patterns=parts):
                yield from (text for one in parts for text in self._fixed(one))
            case ast.MatchValue(value=value):
                yield from self._fixed(value)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant()):
                yield ast.unparse(node)
            case ast.Name() | ast.Attribute():
                yield from self._of_name(node)
            case _:
                return

    def _of_name(self, node: ast.Name | ast.Attribute) -> Iterator[str]:
        name = node.id if isinstance(node, ast.Name) else node.attr
        if name in self._constants:
            yield from self._fixed(ast.parse(self._constants[name], mode="eval").body)
        elif _root(node) in self._names:
            yield ast.unparse(node)

    def _element(self, loop: ast.For | ast.comprehension, use: Use, depth: int) -> Term | None:
        """The collection a loop over the value takes it for; None for another loop."""
        iterated, target, is_mapping = loop.iter, loop.target, False
        if isinstance(iterated, ast.Call):
            function = iterated.func
            if isinstance(function, ast.Name) and function.id in _LISTED and iterated.args:
                iterated = iterated.args[0]
                if function.id == "enumerate" and isinstance(target, ast.Tuple):
                    target = target.elts[-1]
            elif isinstance(function, ast.Attribute) and function.attr in {"items", "iteritems"}:
                iterated, is_mapping = function.value, True
        if not is_named(iterated, use.name):
            return None
        parts = target.elts if isinstance(target, ast.Tuple) else [target]
        terms = tuple(
            self.likely(one.id, use.function, depth - 1) if isinstance(one, ast.Name) else ANY
            for one in parts
        )
        if is_mapping:
            return Term("dict", (terms[0] if terms[0] != ANY else STR, terms[-1]))
        element = Term("tuple", terms) if isinstance(target, ast.Tuple) else terms[0]
        return Term("list", (element,))

    def _of_attributes(self, uses: Sequence[Use], depth: int) -> Iterator[Evidence]:
        attributes, called = _attributes(uses)
        for attribute, one in sorted(attributes.items(), key=lambda pair: pair[0]):
            if attribute in _METHOD_TERMS:
                yield _METHOD_TERMS[attribute], 5.0 * one.weight, Soundness.SUGGESTED
            elif attribute in _STR_METHODS:
                yield STR, 6.0 * one.weight, Soundness.SUGGESTED
        names = frozenset(attributes)
        if names - _STR_METHODS - set(_METHOD_TERMS):
            yield self._stand_in(attributes, called, depth), 4.0, Soundness.GUESSED
        for known in self._classes.values() if names else ():
            if names <= known.attributes | {given.name for given in known.inputs}:
                yield Term("class", class_id=known.identity), 5.0, Soundness.SUGGESTED

    def _stand_in(self, attributes: Mapping[str, Use], called: set[str], depth: int) -> Term:
        """An object with just the attributes and methods that are used."""
        names = sorted(attributes)
        terms = [
            self.likely(f"{attributes[one].name}.{one}", attributes[one].function, depth - 1)
            if one not in called
            else ANY
            for one in names
        ]
        literals = tuple(f"{one}()" if one in called else one for one in names)
        return Term("namespace", tuple(terms), literals)


def _strongest(weights: Mapping[Term, float]) -> Term:
    """The heaviest; constants that are compared with go along with their type."""
    if not weights:
        return ANY
    ordered = sorted(weights, key=weights.__getitem__, reverse=True)
    literal = next((one for one in ordered if one.name == "literal"), None)
    plain = next((one for one in ordered if one.name != "literal"), None)
    if literal is None or plain is None:
        return ordered[0]
    return Term("union", (literal, plain))


def _root(node: ast.AST) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _attributes(uses: Sequence[Use]) -> tuple[dict[str, Use], set[str]]:
    """The attributes that are read, and which of them are called."""
    attributes: dict[str, Use] = {}
    called: set[str] = set()
    for one in uses:
        for item in one.nodes:
            if isinstance(item, ast.Attribute) and is_named(item.value, one.name):
                attributes.setdefault(item.attr, one)
            elif isinstance(item, ast.Call):
                called.update(_method_called(item, one.name))
    return attributes, called


def _keys_read(name: str, item: ast.AST) -> Iterator[str]:
    key: ast.AST | None = None
    if isinstance(item, ast.Subscript) and is_named(item.value, name):
        key = item.slice
    elif isinstance(item, ast.Compare) and isinstance(item.ops[0], ast.In | ast.NotIn):
        key = item.left if is_named(item.comparators[0], name) else None
    elif isinstance(item, ast.Call) and isinstance(item.func, ast.Attribute) and item.args:
        is_read = item.func.attr in _READ_BY_KEY and is_named(item.func.value, name)
        key = item.args[0] if is_read else None
    if isinstance(key, ast.Constant) and isinstance(key.value, str):
        is_text = isinstance(item, ast.Compare)  # `"x" in text` may speak of a text
        if not is_text or key.value.isidentifier():
            yield key.value


def _method_called(call: ast.Call, name: str) -> Iterator[str]:
    if isinstance(call.func, ast.Attribute) and is_named(call.func.value, name):
        yield call.func.attr


def _of_node(name: str, item: ast.AST, classes: Classes) -> Iterator[tuple[Term, float]]:
    match item:
        case ast.Call():
            yield from _of_call(name, item, classes)
        case ast.Compare():
            yield from _of_comparison(name, item)
        case ast.For() if is_named(item.iter, name):
            yield from ((LIST, 3.0), (STR, 1.0))
        case ast.comprehension() if is_named(item.iter, name):
            yield from ((LIST, 3.0), (STR, 1.0))
        case ast.BinOp() if is_named(item.left, name) or is_named(item.right, name):
            yield from _of_arithmetic(name, item)
        case ast.Subscript() if is_named(item.value, name):
            yield from _of_subscript(item)
        case _:
            return


def _of_call(name: str, call: ast.Call, classes: Classes) -> Iterator[tuple[Term, float]]:
    if is_named(call.func, name):
        is_plain = not call.keywords and not any(isinstance(one, ast.Starred) for one in call.args)
        yield Term("callable", count=len(call.args) if is_plain else -1), 8.0
        return
    if any(one.arg == "key" and is_named(one.value, name) for one in call.keywords):
        yield Term("callable", count=1), 6.0
    places = [index for index, one in enumerate(call.args) if is_named(one, name)]
    if not places:
        return
    called = call.func.id if isinstance(call.func, ast.Name) else ""
    called = call.func.attr if isinstance(call.func, ast.Attribute) else called
    if called == "isinstance":
        yield from _of_check(places[0], call, classes)
    elif called in _CALLED_BY and places[0] == 0:
        yield Term("callable", count=_CALLED_BY[called]), 6.0
    elif called in _CALL_TERMS:
        yield _CALL_TERMS[called], 3.0
        if called in {"len", "int", "float"}:
            yield (STR if called == "len" else INT), 2.0
    elif called in {"match", "search", "fullmatch", "sub", "split", "findall", "finditer"}:
        yield STR, 6.0


def _of_check(place: int, call: ast.Call, classes: Classes) -> Iterator[tuple[Term, float]]:
    if place == 1:
        yield TYPE, 6.0
        return
    for item in ast.walk(call.args[1]) if len(call.args) > 1 else ():
        key = item.id if isinstance(item, ast.Name) else ""
        key = item.attr if isinstance(item, ast.Attribute) else key
        known = [one for one in classes.values() if one.name == key]
        if known:
            yield Term("class", class_id=known[0].identity), 4.0
        elif key in TYPE_NAMES:
            yield TYPE_NAMES[key], 4.0


def _of_comparison(name: str, item: ast.Compare) -> Iterator[tuple[Term, float]]:
    sides = [item.left, *item.comparators]
    if not any(is_named(one, name) for one in sides):
        return
    if isinstance(item.ops[0], ast.In | ast.NotIn):
        if is_named(item.comparators[0], name):
            is_text = isinstance(item.left, ast.Constant) and isinstance(item.left.value, str)
            yield from ((STR, 4.0 if is_text else 1.0), (LIST, 2.0), (SET, 1.0), (DICT, 1.0))
        return
    for side in sides:
        constant = side.operand if isinstance(side, ast.UnaryOp) else side
        if isinstance(constant, ast.Constant):
            yield from _of_constant(constant.value)
    if isinstance(item.ops[0], _ORDERS):
        yield INT, 2.0


def _of_constant(value: object) -> Iterator[tuple[Term, float]]:
    terms: dict[type, Term] = {
        int: INT, float: FLOAT, str: STR, bytes: BYTES, bool: BOOL, type(None): NONE,
    }  # fmt: skip
    if type(value) in terms:
        yield terms[type(value)], 4.0 if value is not None else 1.5


def _of_arithmetic(name: str, item: ast.BinOp) -> Iterator[tuple[Term, float]]:
    other = item.right if is_named(item.left, name) else item.left
    if isinstance(other, ast.Constant) and isinstance(other.value, str):
        yield STR, 4.0
        return
    if isinstance(item.op, ast.Mod) and is_named(item.left, name):
        yield from ((INT, 4.0), (STR, 0.5))
    elif isinstance(item.op, ast.Add):
        yield from ((INT, 3.0), (STR, 1.0), (LIST, 0.5))
    else:
        yield from ((INT, 4.0), (FLOAT, 2.0))


def _of_subscript(item: ast.Subscript) -> Iterator[tuple[Term, float]]:
    if isinstance(item.slice, ast.Constant) and isinstance(item.slice.value, str):
        yield DICT, 2.0
    elif isinstance(item.slice, ast.Slice):
        yield from ((STR, 3.0), (LIST, 3.0))
    else:
        yield from ((LIST, 3.0), (DICT, 2.0), (STR, 1.0))
