"""What the code and its docstring tell of a parameter's type where no annotation does."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from engines.source.docstrings import documented
from engines.source.symbols import Class, Function
from engines.testing.calls import Soundness
from engines.testing.offers import ANY, ClassOffer, Input, Term

INT, FLOAT, STR, BYTES, BOOL = (Term(name) for name in ("int", "float", "str", "bytes", "bool"))
NONE = Term("none")
LIST, DICT, SET = Term("list", (ANY,)), Term("dict", (STR, ANY)), Term("set", (ANY,))
NUMBERS = Term("list", (INT,))
TEXTS = Term("list", (STR,))
CALLABLE = Term("callable")
PATH = Term("path")

_STR_METHODS = frozenset(name for name in dir(str) if not name.startswith("_")) - {"count", "index"}
_METHOD_TERMS = {
    "append": LIST, "extend": LIST, "insert": LIST, "sort": LIST, "reverse": LIST,
    "items": DICT, "keys": DICT, "values": DICT, "get": DICT, "setdefault": DICT, "update": DICT,
    "add": SET, "discard": SET, "union": SET, "intersection": SET, "difference": SET,
    "decode": BYTES, "read": Term("stringio"), "readline": Term("stringio"),
    "readlines": Term("stringio"), "write": Term("stringio"), "seek": Term("stringio"),
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
    "deque": LIST, "Counter": LIST, "chain": LIST, "islice": LIST, "loads": STR, "Decimal": STR,
}  # fmt: skip
_NAMES: tuple[tuple[str, Term], ...] = (
    (r"^(is|has|use|allow|should|include|ignore|strict|reverse)_|^(strict|verbose|flag)$", BOOL),
    (
        r"^(n|k|i|j|m|num|count|size|length|width|height|index|limit|start|stop|step|end|depth)$",
        INT,
    ),
    (r"^(year|month|day|hour|minute|second|age|precision|digits|places|base|seed|port)$", INT),
    (r"^(level|offset|times|number|max_\w+|min_\w+)$|_(count|size|len|length|index|limit)$", INT),
    (r"^(x|y|z|a|b|low|high|lower|upper|value|amount|price|rate|total|score|quantity)$", INT),
    (r"^(amount|price|rate|ratio|weight|score|angle|percent|percentage|factor|balance)$", FLOAT),
    (r"^(s|t|text|string|str|name|word|line|msg|message|title|key|label|prefix|suffix|sep)$", STR),
    (r"^(delimiter|separator|pattern|url|email|path|token|char|c|ch|phrase|sentence)$", STR),
    (
        r"^(source|content|query|fmt|format|raw|code|language|expr\w*)$|_(text|string|name|str)$",
        STR,
    ),
    (r"^(items|values|elements|numbers|nums|lst|xs|seq|sequence|iterable|array|arr|data)$", LIST),
    (r"^(list|rows|it|collection|records|args|points|words|lines|names|keys|strings|parts)$", LIST),
    (r"^(numbers|nums|values|xs|arr|array|data|scores|prices|weights)$", NUMBERS),
    (r"^(words|lines|names|keys|strings|parts|tokens)$", TEXTS),
    (r"^(d|dct|dict|mapping|config|options|settings|params|obj|doc|document|record|data)$", DICT),
    (r"^(f|fn|func|function|callback|predicate|pred|key|key_func|handler|transform)$", CALLABLE),
    (r"^(mapper|factory|reducer|binop)$", CALLABLE),
    (r"^(path|file|filename|file_path|filepath|file_name|\w+_path|\w+_file)$", PATH),
    (r"^(data|buf|buffer|payload|raw|bytes_?|blob)$", BYTES),
    (r"^(date|day|when|dt|start_date|end_date|since|until|birthday)$", Term("date")),
    (r"^(dt|when|now|timestamp|datetime)$", Term("datetime")),
    (r"^(td|delta|timedelta|duration)$", Term("timedelta")),
)
_DOC_TYPES: tuple[tuple[str, Term], ...] = (
    (r"\bbool", BOOL), (r"\bint", INT), (r"\b(float|number|numeric)", FLOAT),
    (r"\b(str|string|text)\b", STR), (r"\bbytes\b", BYTES), (r"\b(dict|mapping)", DICT),
    (r"\b(list|sequence|iterable|array)", LIST), (r"\btuple", Term("tuple", (ANY,), more=True)),
    (r"\bset\b", SET), (r"\b(callable|function)\b", CALLABLE), (r"\bNone\b", NONE),
    (r"\bdatetime\b", Term("datetime")), (r"\bdate\b", Term("date")),
    (r"\btimedelta\b", Term("timedelta")), (r"\bdecimal\b", Term("decimal")),
)  # fmt: skip


Evidence = tuple[Term, float, Soundness]
"""A type, the weight to add, how well founded."""


@dataclass
class Choice:
    """One type a parameter may have, how likely, and how well founded."""

    term: Term
    weight: float
    soundness: Soundness


def choices(
    given: Input, function: Function | None, owner: Class | None, classes: dict[str, ClassOffer]
) -> list[Choice]:
    """The types to try for one parameter, the annotation first."""
    found: list[Choice] = []
    if given.term != ANY:
        return [Choice(given.term, 10.0, Soundness.ANNOTATED), Choice(ANY, 0.4, Soundness.GUESSED)]
    for term, weight, soundness in _evidence(given, function, classes):
        if all(one.term != term for one in found):
            found.append(Choice(term, weight, soundness))
    if given.name in {"other", "that", "rhs"} and owner:
        own = [one for one in classes.values() if one.name == owner.name]
        found.extend(
            Choice(Term("class", class_id=one.identity), 8.0, Soundness.SUGGESTED) for one in own
        )
    found.append(Choice(ANY, 0.6 if found else 3.0, Soundness.GUESSED))
    return found


def _evidence(
    given: Input, function: Function | None, classes: dict[str, ClassOffer]
) -> Iterator[Evidence]:
    if given.default is not None:
        yield from ((term, 4.0, Soundness.SUGGESTED) for term in _of_default(given.default))
    if function:
        yield from _of_docstring(given.name, function.docstring)
        yield from _of_use(given.name, function.node, classes)
    for pattern, term in _NAMES:
        if re.search(pattern, given.name):
            yield term, 2.5, Soundness.GUESSED


def _of_default(text: str) -> Iterator[Term]:
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return
    kinds = {
        bool: BOOL, int: INT, float: FLOAT, str: STR, bytes: BYTES, list: LIST, dict: DICT,
        set: SET, tuple: Term("tuple", (ANY,), more=True),
    }  # fmt: skip
    if type(value) in kinds:
        yield kinds[type(value)]


def _of_docstring(name: str, docstring: str | None) -> Iterator[Evidence]:
    said = documented(docstring)
    stated, described = said.types.get(name, ""), said.descriptions.get(name, "")
    for pattern, term in _DOC_TYPES:
        if re.search(pattern, stated, re.IGNORECASE):
            yield term, 6.0, Soundness.SUGGESTED
        elif re.search(pattern, described, re.IGNORECASE):
            yield term, 1.5, Soundness.GUESSED


def _of_use(name: str, node: ast.AST, classes: dict[str, ClassOffer]) -> Iterator[Evidence]:
    """Evidence from the body: methods called, comparisons, calls of builtins, iteration."""
    attributes: set[str] = set()
    for item in ast.walk(node):
        if isinstance(item, ast.Attribute) and _is(item.value, name):
            attributes.add(item.attr)
        else:
            yield from (
                (term, weight, Soundness.SUGGESTED) for term, weight in _of_node(name, item)
            )
    for attribute in sorted(attributes):
        if attribute in _METHOD_TERMS:
            yield _METHOD_TERMS[attribute], 5.0, Soundness.SUGGESTED
        elif attribute in _STR_METHODS:
            yield STR, 6.0, Soundness.SUGGESTED
    if attributes - _STR_METHODS - set(_METHOD_TERMS):
        called = set(_methods_called(node, name))
        members = tuple(f"{one}()" if one in called else one for one in sorted(attributes))
        yield Term("namespace", literals=members), 4.0, Soundness.GUESSED
    if attributes:
        for one in classes.values():
            if attributes <= one.attributes | {given.name for given in one.inputs}:
                yield Term("class", class_id=one.identity), 5.0, Soundness.SUGGESTED


def _of_node(name: str, item: ast.AST) -> Iterator[tuple[Term, float]]:
    match item:
        case ast.Call():
            yield from _of_call(name, item)
        case ast.Compare():
            yield from _of_comparison(name, item)
        case ast.For() if _is(item.iter, name):
            yield from ((LIST, 4.0), (STR, 1.0))
        case ast.comprehension() if _is(item.iter, name):
            yield from ((LIST, 4.0), (STR, 1.0))
        case ast.BinOp() if _is(item.left, name) or _is(item.right, name):
            yield from _of_arithmetic(name, item)
        case ast.Subscript() if _is(item.value, name):
            yield from _of_subscript(item)
        case ast.JoinedStr():
            return
        case _:
            return


def _of_call(name: str, call: ast.Call) -> Iterator[tuple[Term, float]]:
    if _is(call.func, name):
        yield CALLABLE, 8.0
        return
    if not any(_is(one, name) for one in call.args):
        return
    called = call.func.id if isinstance(call.func, ast.Name) else ""
    called = call.func.attr if isinstance(call.func, ast.Attribute) else called
    if called == "isinstance" and _is(call.args[0], name) and len(call.args) > 1:
        yield from ((term, 4.0) for term in _named_types(call.args[1]))
    elif called in _CALL_TERMS:
        yield _CALL_TERMS[called], 3.0
        if called == "len":
            yield STR, 2.0
    elif called in {"match", "search", "fullmatch", "sub", "split", "findall", "finditer"}:
        yield STR, 6.0
    elif called in {"map", "filter", "reduce", "partial"} and _is(call.args[0], name):
        yield CALLABLE, 6.0


def _named_types(node: ast.expr) -> Iterator[Term]:
    names = {"int": INT, "float": FLOAT, "str": STR, "bytes": BYTES, "bool": BOOL, "list": LIST,
             "dict": DICT, "set": SET, "tuple": Term("tuple", (ANY,), more=True),
             "Mapping": DICT, "Sequence": LIST, "datetime": Term("datetime"),
             "date": Term("date"), "timedelta": Term("timedelta"), "Decimal": Term("decimal"),
             "Number": INT, "Iterable": LIST}  # fmt: skip
    for item in ast.walk(node):
        key = item.id if isinstance(item, ast.Name) else ""
        key = item.attr if isinstance(item, ast.Attribute) else key
        if key in names:
            yield names[key]


def _of_comparison(name: str, item: ast.Compare) -> Iterator[tuple[Term, float]]:
    sides = [item.left, *item.comparators]
    if not any(_is(one, name) for one in sides):
        return
    for side in sides:
        if isinstance(side, ast.Constant):
            yield from _of_constant(side.value)
        elif isinstance(side, ast.UnaryOp) and isinstance(side.operand, ast.Constant):
            yield from _of_constant(side.operand.value)
    if isinstance(item.ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE):
        yield INT, 2.0


def _of_constant(value: object) -> Iterator[tuple[Term, float]]:
    terms: dict[type, Term] = {
        int: INT, float: FLOAT, str: STR, bytes: BYTES, bool: BOOL, type(None): NONE,
    }  # fmt: skip
    if type(value) in terms:
        yield terms[type(value)], 4.0 if value is not None else 1.5


def _of_arithmetic(name: str, item: ast.BinOp) -> Iterator[tuple[Term, float]]:
    other = item.right if _is(item.left, name) else item.left
    if isinstance(other, ast.Constant) and isinstance(other.value, str):
        yield STR, 4.0
        return
    if isinstance(item.op, ast.Mod) and _is(item.left, name):
        yield from ((INT, 4.0), (STR, 0.5))
    elif isinstance(item.op, ast.Add):
        yield from ((INT, 3.0), (STR, 1.0), (LIST, 0.5))
    else:
        yield from ((INT, 4.0), (FLOAT, 2.0))


def _of_subscript(item: ast.Subscript) -> Iterator[tuple[Term, float]]:
    if isinstance(item.slice, ast.Constant) and isinstance(item.slice.value, str):
        yield DICT, 6.0
    elif isinstance(item.slice, ast.Slice):
        yield from ((STR, 3.0), (LIST, 3.0))
    else:
        yield from ((LIST, 3.0), (DICT, 2.0), (STR, 1.0))


def _methods_called(node: ast.AST, name: str) -> Iterator[str]:
    for item in ast.walk(node):
        function = item.func if isinstance(item, ast.Call) else None
        if isinstance(function, ast.Attribute) and _is(function.value, name):
            yield function.attr


def _is(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name
