"""What classes below a class of the interpreter are made from: those often have no signature."""

import datetime
import decimal
import inspect
from typing import Any

from engines.testing.jail.kinds import is_a

Fact = dict[str, Any]

_ANY, _TEXT, _WHOLE = {"n": "any"}, {"n": "str"}, {"n": "int"}
_MAKING: tuple[tuple[type, tuple[tuple[str, Fact], ...]], ...] = (
    (dict, (("mapping", {"n": "dict", "a": [_TEXT, _ANY]}),)),
    (str, (("text", _TEXT),)),
    (int, (("number", _WHOLE),)),
    (float, (("number", {"n": "float"}),)),
    (decimal.Decimal, (("number", {"n": "decimal"}),)),
    (bytes, (("data", {"n": "bytes"}),)),
    (bytearray, (("data", {"n": "bytes"}),)),
    (datetime.date, (("year", {"n": "literal", "v": ["2020", "1999"]}),
                     ("month", {"n": "literal", "v": ["2", "12"]}),
                     ("day", {"n": "literal", "v": ["1", "29"]}))),
    (BaseException, (("message", _TEXT),)),
    (list, (("items", {"n": "list"}),)),
    (tuple, (("items", {"n": "list"}),)),
    (set, (("items", {"n": "list"}),)),
    (frozenset, (("items", {"n": "list"}),)),
)  # fmt: skip


def inherited_parameters(value: type) -> list[Fact] | None:
    """The parameters of a class that leaves its making to one of the interpreter's.

    None where its own code, or Python code it inherits, says how it is made.
    """
    maker, function = _maker(value)
    if maker is object or inspect.isfunction(function):
        return None
    for base, parameters in _MAKING:
        if issubclass(maker, base):
            return [_parameter(name, term) for name, term in parameters]
    try:
        inspect.signature(value)
    except (ValueError, TypeError):
        return [_parameter("value", _ANY)]
    return None


def _maker(value: type) -> tuple[type, object]:
    """The class that makes instances, and what does it there."""
    for one in value.__mro__:
        for name in ("__init__", "__new__"):
            if name in vars(one):
                function = vars(one)[name]
                return one, function.__func__ if is_a(function, staticmethod) else function
    return object, None


def _parameter(name: str, term: Fact) -> Fact:
    return {
        "name": name, "kind": "positional_only", "term": term, "optional": False, "default": None,
    }  # fmt: skip
