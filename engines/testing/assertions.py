"""The lines that call and check, for one outcome."""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from engines.testing.calls import Call
from engines.testing.jail.noticing import ATTRIBUTE_LIMIT
from engines.testing.jail.rendering import quoted
from engines.testing.layout import double_quoted
from engines.testing.observations import Observation

_RAISING_LINE_CHARS = 88 - len('    with pytest.raises(, match=r""):')
_SHORT_CHARS = 30
_LINE_CHARS = 84
_INLINE_LIMIT_CHARS = 74
_BUILTIN_TYPES = frozenset(
    [
        "int",
        "str",
        "float",
        "bool",
        "list",
        "dict",
        "tuple",
        "set",
        "frozenset",
        "bytes",
        "bytearray",
        "complex",
        "object",
        "range",
    ]
)
_BY_IDENTITY = frozenset({"None", "True", "False"})


@dataclass(frozen=True)
class Names:
    """How classes are named in the test file; types without a name are not asserted."""

    importable: dict[str, str]
    """Class id ("pkg.mod:Name") to the name a test writes."""

    def of(self, class_id: str) -> str | None:
        """The name of a class in a test, None where it has none."""
        module, _, name = class_id.partition(":")
        if module == "builtins" and "." not in name:
            return name
        return self.importable.get(class_id)


def checks(call: Call, seen: Observation, names: Names, *, is_unittest: bool = False) -> list[str]:
    """Statements that make the call and assert its outcome; setup is not among them."""
    if seen.kind == "error":
        return _raising(call, seen, names, is_unittest=is_unittest)
    if call.offer.name in {"__enter__", "__exit__"}:
        return _context_lines(call, seen)
    if call.offer.name.strip("_") == "hash" and seen.type == "builtins:int":
        seen = replace(seen, kind="opaque")
    source = double_quoted(call.source)
    lines = [] if _is_statement(source) else _result_lines(source, seen, names)
    if not lines:
        lines = [source]
    if call.subject:
        lines.extend(_attribute_lines(call.subject, _left_behind(call, seen, source)))
    return lines


def _left_behind(call: Call, seen: Observation, source: str) -> Sequence[tuple[str, str]]:
    """What the call changed on its object; of an assignment that changed nothing, what was set."""
    if seen.changed or not _is_statement(source):
        return seen.changed
    assigned = [one for one in seen.after if one[0] == f".{call.offer.name}"]
    return assigned or seen.after


def _attribute_lines(source: str, attributes: Sequence[tuple[str, str]]) -> list[str]:
    """Several short attributes are compared as one tuple, the others each on a line."""
    shown = attributes[:ATTRIBUTE_LIMIT]
    short = [one for one in shown if len(one[1]) <= _SHORT_CHARS]
    numbers = [one for one in short if _is_number(one[1])]
    if any(has_floats(one[1]) for one in numbers):
        plain = [one for one in short if one not in numbers and not has_floats(one[1])]
        tuples = [*_tuples(source, numbers), *_tuples(source, plain)]
        joined = {*numbers, *plain}
    else:
        joined = {one for one in short if not has_floats(one[1])}
        tuples = list(_tuples(source, [one for one in short if one in joined]))
    rest = [equality(attribute_of(source, one[0]), one[1]) for one in shown if one not in joined]
    return [*tuples, *rest]


def _tuples(source: str, attributes: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Comparisons of as many attributes at once as a line has room for."""
    names: list[str] = []
    values: list[str] = []
    for name, value in attributes:
        more = [*names, attribute_of(source, name)], [*values, double_quoted(value)]
        if names and len(_compared(*more)) > _LINE_CHARS:
            yield _compared(names, values)
            more = [attribute_of(source, name)], [double_quoted(value)]
        names, values = more
    if names:
        yield _compared(names, values)


def _compared(names: list[str], values: list[str]) -> str:
    if len(names) == 1:
        return equality(names[0], values[0])
    whole = f"({', '.join(values)})"
    return f"assert ({', '.join(names)}) == {expected(whole)}"


def inlined(call: Call, seen: Observation) -> Call:
    """The call without a variable for its receiver, where nothing else needs one."""
    needs_variable = call.receiver is None or call.steps or seen.changed or "\n" in call.source
    if needs_variable or call.offer.name in {"__enter__", "__exit__", "__next__"}:
        return call
    short = replace(call, is_inline=True)
    if _is_statement(short.source) and not (seen.kind == "error" and _is_valid(short.source)):
        return call
    fits = len(short.source) + min(len(seen.text or ""), _SHORT_CHARS) <= _INLINE_LIMIT_CHARS
    return short if fits else call


def prints(seen: Observation) -> bool:
    """Whether what was printed is the point of the call."""
    return seen.printed is not None and seen.kind == "value" and seen.text == "None"


def equality(source: str, text: str) -> str:
    """An assertion that `source` is what `text` says."""
    text = double_quoted(text)
    if text == "True" and operand(source) != source and "lambda" not in source:
        return f"assert {source}"
    source = operand(source)
    if text in _BY_IDENTITY or text in _BUILTIN_TYPES:
        return f"assert {source} is {text}"
    return f"assert {source} == {expected(text)}"


def operand(source: str) -> str:
    """The source, in parentheses where it is itself a comparison."""
    try:
        node = ast.parse(source, mode="eval").body
    except SyntaxError:
        return source
    is_loose = isinstance(node, ast.Compare | ast.BoolOp | ast.IfExp | ast.Lambda)
    return f"({source})" if is_loose else source


def expected(text: str) -> str:
    """The text to compare with: numbers with a fraction only approximately."""
    return f"pytest.approx({text})" if has_floats(text) else text


def has_floats(text: str) -> bool:
    """Whether a value is a float, or a flat container of numbers with one."""
    try:
        node = ast.parse(text, mode="eval").body
    except SyntaxError:
        return False
    match node:
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Dict(values=items):
            kinds = [_number_kind(one) for one in items]
            return float in kinds and None not in kinds
        case _:
            return _number_kind(node) is float


def _is_number(text: str) -> bool:
    try:
        return _number_kind(ast.parse(text, mode="eval").body) is not None
    except SyntaxError:
        return False


def _number_kind(node: ast.expr) -> type | None:
    """`int` or `float` for a number with or without sign, None for anything else."""
    if isinstance(node, ast.UnaryOp):
        node = node.operand
    value = node.value if isinstance(node, ast.Constant) else None
    return type(value) if type(value) in {int, float} else None


def attribute_of(source: str, name: str) -> str:
    """`len(x)`, `repr(x)` or `x.size`."""
    return f"{source}{name}" if name.startswith(".") else f"{name}({source})"


def _result_lines(source: str, seen: Observation, names: Names) -> list[str]:
    text = seen.text or ""
    match seen.kind:
        case "value":
            if text == "None" and (seen.changed or seen.printed):
                return []
            return [equality(source, text)]
        case "sized":
            return [f"assert len({source}) == {text}"]
        case "parts":
            return [f"assert [list(part) for part in {operand(source)}] == {double_quoted(text)}"]
        case "items":
            return [f"assert {_listed(source, seen)} == {double_quoted(text)}"]
        case "object":
            return _object_lines(source, seen, names)
        case "entered":
            return _entered_lines(source, seen)
        case "callable":
            return [f"assert callable({source})"]
        case _:
            if seen.count >= 0 and not seen.more:
                return [f"assert len(list({source})) == {seen.count}"]
            return _type_lines(source, seen, names)


def _listed(source: str, seen: Observation) -> str:
    """The items as a list, of objects what they say of themselves."""
    some = f"itertools.islice({source}, 12)" if seen.more else source
    form = seen.form if seen.form in {"str", "repr"} else ""
    return f"[{form}(one) for one in {some}]" if form else f"list({some})"


def _context_lines(call: Call, seen: Observation) -> list[str]:
    """What holds inside a `with` block, or after it."""
    subject = call.subject or ""
    if call.offer.name == "__exit__":
        return [f"with {subject}:\n    pass", *_attribute_lines(subject, seen.after)]
    inside = [equality(attribute_of(subject, name), text) for name, text in seen.changed]
    if not inside:
        return [f"with {subject} as entered:\n    assert entered is not None"]
    return ["\n".join([f"with {subject}:", *(f"    {one}" for one in inside)])]


def _entered_lines(source: str, seen: Observation) -> list[str]:
    """A `with` block and what it is given."""
    check = "assert value is not None" if seen.text is None else equality("value", seen.text)
    return [f"with {source} as value:\n    {check}"]


def _object_lines(source: str, seen: Observation, names: Names) -> list[str]:
    if not seen.attributes:
        return _type_lines(source, seen, names)
    if len(seen.attributes) == 1:
        name, value = seen.attributes[0]
        return [equality(attribute_of(source, name), value)]
    return [f"result = {source}", *_attribute_lines("result", seen.attributes)]


def _type_lines(source: str, seen: Observation, names: Names) -> list[str]:
    name = names.of(seen.type)
    if name is None or (seen.type.startswith("builtins:") and name not in _BUILTIN_TYPES):
        return [f"assert {operand(source)} is not None"]
    return [f"assert isinstance({source}, {name})"]


def _raising(call: Call, seen: Observation, names: Names, *, is_unittest: bool) -> list[str]:
    name = names.of(seen.type) or "Exception"
    pattern = message_pattern(seen, name)
    if is_unittest:
        opening = (
            f"self.assertRaisesRegex({name}, {pattern})"
            if pattern
            else f"self.assertRaises({name})"
        )
    else:
        opening = f"pytest.raises({name}, match={pattern})" if pattern else f"pytest.raises({name})"
    opening = f"with {opening}:"
    source = double_quoted(call.source)
    if seen.lazy == "entered":
        return [opening, f"    with {source}:", "        pass"]
    if seen.lazy:
        source = f"list({source})"
    return [opening, *(f"    {line}" for line in source.split("\n"))]


def message_pattern(seen: Observation, name: str = "ValueError") -> str | None:
    """Source of a pattern for what the code itself says of an error; None without words."""
    words = seen.message.split("\n")[0] if seen.deliberate else ""
    room = _RAISING_LINE_CHARS - len(name) - len(re.findall(r"[.^$*+?{}\[\]\\|()]", words))
    if len(words) > room:
        words = words[:room].rpartition(" ")[0]
    if " at 0x" in words or not re.search(r"\w", words):
        return None
    escaped = re.sub(r"([.^$*+?{}\[\]\\|()])", r"\\\1", words)
    if escaped == words:
        return quoted(words)
    mark = next((one for one in "\"'" if one not in words), None)
    return f"r{mark}{escaped}{mark}" if mark and words.isprintable() else None


def _is_valid(source: str) -> bool:
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


def _is_statement(source: str) -> bool:
    try:
        ast.parse(source, mode="eval")
    except SyntaxError:
        return True
    return False
