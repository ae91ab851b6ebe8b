"""Words for what a test shows: the callable, the outcome, what is special about the input."""

import ast
import re

from engines.testing.calls import Call, variable_name
from engines.testing.jailed import Goal
from engines.testing.observations import Observation
from engines.testing.offers import Kind

_WORD_LIMIT_CHARS = 44
_SLUG_CHARS = 20
_OPERATOR_WORDS = {
    "__len__": "len", "__eq__": "equality", "__ne__": "inequality", "__lt__": "less_than",
    "__le__": "less_or_equal", "__gt__": "greater_than", "__ge__": "greater_or_equal",
    "__add__": "addition", "__sub__": "subtraction", "__mul__": "multiplication",
    "__truediv__": "division", "__floordiv__": "floor_division", "__mod__": "modulo",
    "__pow__": "power", "__getitem__": "indexing", "__setitem__": "item_assignment",
    "__delitem__": "item_deletion", "__contains__": "membership", "__iter__": "iteration",
    "__str__": "str", "__repr__": "repr", "__bool__": "truth", "__hash__": "hash",
    "__neg__": "negation", "__call__": "call", "__enter__": "context", "__exit__": "context",
    "__next__": "next", "__reversed__": "reversed", "__and__": "intersection", "__or__": "union",
    "__xor__": "symmetric_difference", "__getattr__": "attribute",
}  # fmt: skip
_KIND_WORDS = {
    "items": "yields_items", "parts": "returns_iterators", "entered": "can_be_entered",
    "callable": "returns_callable",
}  # fmt: skip
_FAMILIES = {
    **dict.fromkeys(("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"), "comparison"),
    **dict.fromkeys(("__str__", "__repr__", "__int__", "__float__", "__bool__", "__len__",
                     "__hash__", "__index__", "__complex__", "__format__"), "conversion"),
    **dict.fromkeys(("__add__", "__sub__", "__mul__", "__truediv__", "__floordiv__", "__mod__",
                     "__pow__", "__neg__", "__pos__", "__abs__", "__radd__", "__rsub__",
                     "__rmul__", "__rtruediv__", "__rfloordiv__", "__rmod__", "__rpow__",
                     "__divmod__", "__round__", "__invert__"), "arithmetic"),
    **dict.fromkeys(("__and__", "__or__", "__xor__", "__rand__", "__ror__", "__rxor__"),
                    "set_operators"),
}  # fmt: skip
_COMPARISONS: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("below", "at_least"), ast.Gt: ("above", "at_most"), ast.LtE: ("at_most", "above"),
    ast.GtE: ("at_least", "below"), ast.Eq: ("is", "is_not"), ast.NotEq: ("is_not", "is"),
    ast.In: ("in", "not_in"), ast.NotIn: ("not_in", "in"), ast.Is: ("is", "is_not"),
    ast.IsNot: ("is_not", "is"),
}  # fmt: skip
_TEST_METHODS = {
    "startswith": "starts_with", "endswith": "ends_with", "isdigit": "is_digits",
    "isalpha": "is_letters", "isupper": "is_upper", "islower": "is_lower", "isspace": "is_space",
    "is_integer": "is_whole", "isnumeric": "is_numeric", "isalnum": "is_alphanumeric",
    "isdecimal": "is_decimal", "isidentifier": "is_identifier", "exists": "exists",
}  # fmt: skip
_RESULT_WORDS = {
    "str": "text", "bytes": "bytes", "int": "number", "float": "number", "complex": "number",
    "list": "items", "tuple": "items", "set": "set", "frozenset": "set", "dict": "mapping",
    "NoneType": "none", "date": "date", "datetime": "datetime", "timedelta": "duration",
}  # fmt: skip


def subject_words(call: Call) -> str:
    """`parse_duration`, `stack_push`, `version_less_than`."""
    name = method_words(call)
    return f"{_snake(call.offer.owner)}_{name}" if call.offer.owner else name


def method_words(call: Call) -> str:
    """The callable's own name in words, without its class: `push`, `less_than`."""
    offer = call.offer
    name = _OPERATOR_WORDS.get(offer.name, offer.name.strip("_"))
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return f"{name}_assignment" if offer.kind is Kind.SETTER else name


def family_words(call: Call, owner: str) -> str | None:
    """For operators and properties, what those of a class have in common: `version_comparison`."""
    offer = call.offer
    if offer.kind is Kind.PROPERTY:
        family = "properties"
    elif offer.kind is Kind.SETTER:
        family = "assignment"
    else:
        family = _FAMILIES.get(offer.name)
    if not family or not offer.owner:
        return None
    return f"{_snake(owner)}_{family}" if owner else family


def outcome_words(call: Call, seen: Observation) -> str:
    """What the call does, without what is special about its input."""
    if seen.kind == "error":
        return f"raises_{_snake(seen.type_name)}"
    if seen.kind == "value" and seen.text in {"True", "False"}:
        return f"returns_{seen.text.lower()}"
    if seen.kind == "value" and seen.text == "None":
        changed = [name for name, _ in seen.changed]
        if changed:
            return "changes_" + "_and_".join(one.lstrip(".") for one in changed[:2])
        return "prints" if seen.printed else "returns_none"
    if call.offer.kind is Kind.CONSTRUCTOR and seen.kind in {"object", "value"}:
        return "keeps_what_it_is_given" if call.arguments else "has_defaults"
    if seen.kind == "object":
        return f"returns_{_snake(seen.type_name)}"
    if seen.kind in _KIND_WORDS:
        return _KIND_WORDS[seen.kind]
    return f"returns_{_RESULT_WORDS.get(seen.type_name, _snake(seen.type_name))}"


def returned_parameter(call: Call, seen: Observation) -> str | None:
    """The one parameter whose value came back unchanged."""
    if seen.kind != "value" or seen.text in {None, "None", "True", "False"}:
        return None
    same = [one.parameter for one in call.arguments if one.text == seen.text and one.parameter]
    return same[0] if len(same) == 1 and len(call.arguments) > 1 else None


def condition_words(goals: list[Goal]) -> str | None:
    """What the first condition that can be said in words says, with its outcome."""
    for goal in goals:
        if goal.kind in {"true", "false"}:
            words = _spoken(goal.text, is_true=goal.kind == "true")
            if words and len(words) <= _WORD_LIMIT_CHARS:
                return words
    return None


def plain_words(words: str, call: Call) -> str:
    """`no_text` as `empty_text`, where the input shows what is meant."""
    if not words.startswith("no_"):
        return words
    given = {one.parameter.lower(): one.text for one in call.arguments}
    name = words.removeprefix("no_")
    special = _special(given.get(name, ""))
    if special and special.startswith("empty"):
        return f"{name}_is_empty"
    return f"{name}_is_{special}" if special else words


def steps_words(call: Call) -> str | None:
    """What was done to the object before: `push_and_pop`."""
    names = [re.match(r"(?:asyncio\.run\()?\{s\}\.(\w+)", step) for step in call.steps]
    found = dict.fromkeys(_snake(one[1]) for one in names if one)
    return "after_" + "_and_".join(list(found)[:3]) if found else None


def input_words(call: Call) -> str | None:
    """A word for a special single input: empty text, zero, a negative number, None."""
    texts = [one.text for one in call.arguments]
    if not texts:
        named = [one for one in call.offer.inputs if not one.kind.startswith("var_")]
        return "without_arguments" if named else None
    special = [word for word in (_special(text) for text in texts) if word]
    return special[0] if special else None


def input_slug(call: Call) -> str:
    """The inputs themselves as an identifier; nothing where that would be long."""
    words = re.sub(r"\W+", "_", "_".join(one.text for one in call.arguments)).strip("_").lower()
    return words if len(words) <= _SLUG_CHARS else ""


def _special(text: str) -> str | None:
    fixed = {
        '""': "empty_text", "''": "empty_text", "[]": "empty_list", "{}": "empty_mapping",
        "()": "empty_tuple", "set()": "empty_set", "None": "none", "0": "zero", "0.0": "zero",
        'b""': "empty_bytes",
    }  # fmt: skip
    if text in fixed:
        return fixed[text]
    return "negative_number" if re.fullmatch(r"-\d+(\.\d+)?", text) else None


def _spoken(text: str, *, is_true: bool) -> str | None:
    try:
        node = ast.parse(text, mode="eval").body
    except SyntaxError:
        return None
    words = _of_condition(node, is_true=is_true)
    return re.sub(r"_+", "_", words).strip("_").lower() if words else None


def _of_condition(node: ast.expr, *, is_true: bool) -> str | None:
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        left, right = _noun(node.left), _noun(node.comparators[0])
        words = _COMPARISONS.get(type(node.ops[0]))
        return f"{left}_{words[0 if is_true else 1]}_{right}" if left and right and words else None
    if isinstance(node, ast.Call):
        return _of_call(node, is_true=is_true)
    noun = _noun(node)
    return (noun if is_true else f"no_{noun}") if noun else None


def _of_call(node: ast.Call, *, is_true: bool) -> str | None:
    parts = [_noun(one) or "" for one in node.args]
    if not all(parts) or node.keywords:
        return None
    negation = "" if is_true else "not_"
    if isinstance(node.func, ast.Name) and node.func.id == "isinstance":
        return f"{parts[0]}_is_{negation}{parts[1]}"
    if not isinstance(node.func, ast.Attribute) or node.func.attr not in _TEST_METHODS:
        return None
    noun = _noun(node.func.value)
    return "_".join([noun, negation, _TEST_METHODS[node.func.attr], *parts]) if noun else None


def _noun(node: ast.expr) -> str | None:
    match node:
        case ast.Name():
            return node.id
        case ast.Attribute():
            return node.attr.strip("_")
        case ast.Constant():
            return _constant(node.value)
        case ast.UnaryOp(ast.USub(), ast.Constant(value=value)):
            return f"minus_{value}".replace(".", "_")
        case ast.Call(ast.Name("len"), [argument]):
            noun = _noun(argument)
            return f"len_{noun}" if noun else None
        case _:
            return None


def _constant(value: object) -> str | None:
    if value == "":
        return "empty"
    slug = re.sub(r"\W+", "_", str(value)).strip("_")
    return slug[:20] if slug else None


def _snake(name: str) -> str:
    plain = name.rpartition(".")[2]
    return variable_name(plain) if variable_name(plain) != "subject" else plain.lower().strip("_")
