import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.source.module import SyntaxProblem, parse_module
from engines.source.symbols import ParameterKind

TEXT = '''"""About shapes."""
from __future__ import annotations
import math
from . import sibling
from ..pkg.other import thing

__all__ = ["area"] + ["Shape"]
__all__ += ["late"]

def area(a: int, /, b, *rest, scale=1.5, **more) -> float:
    """The area.

    >>> area(1, 2)
    2.0
    """
    if a < 0:
        raise ValueError("negative")
    def inner():
        raise KeyError("not of area")
    assert b
    return a * b

class Shape(Base, metaclass=Meta):
    """A shape."""

    sides: int = 4

    @property
    def corners(self):
        return self.sides

    async def wait(self):
        yield 1

if True:
    def late(): ...
else:
    def late(x): ...
'''


def test_functions_come_with_signature_span_and_exceptions() -> None:
    area = parse_module(TEXT, "shapes.py").functions[0]
    assert [(one.name, one.kind) for one in area.parameters] == [
        ("a", ParameterKind.POSITIONAL_ONLY),
        ("b", ParameterKind.NORMAL),
        ("rest", ParameterKind.VARIADIC),
        ("scale", ParameterKind.KEYWORD_ONLY),
        ("more", ParameterKind.KEYWORDS),
    ]
    assert (area.parameters[0].annotation, area.parameters[3].default) == ("int", "1.5")
    assert (area.first_line, area.last_line, area.returns) == (10, 21, "float")
    assert area.raises == {"ValueError", "AssertionError"}


def test_classes_come_with_bases_fields_and_methods() -> None:
    (shape,) = parse_module(TEXT, "shapes.py").classes
    assert (shape.name, shape.bases, shape.docstring) == ("Shape", ("Base",), "A shape.")
    assert [(one.name, one.default) for one in shape.fields] == [("sides", "4")]
    corners, wait = shape.methods
    assert (corners.qualname, corners.decorators) == ("Shape.corners", ("property",))
    assert wait.is_async
    assert wait.is_generator


def test_the_module_knows_its_imports_and_exports() -> None:
    module = parse_module(TEXT, "shapes.py")
    assert module.imports == ("__future__", "math", ".", "..pkg.other")
    assert module.exports == {"area", "Shape", "late"}
    assert parse_module("x = 1", "a.py").exports is None


def test_of_several_definitions_of_a_name_the_last_counts() -> None:
    module = parse_module(TEXT, "shapes.py")
    assert [one.name for one in module.functions] == ["area", "late"]
    assert [one.name for one in module.functions[1].parameters] == ["x"]


def test_a_syntax_error_names_file_and_line() -> None:
    with pytest.raises(SyntaxProblem, match=r"`a\.py` line 2 is not valid Python") as caught:
        parse_module("x = 1\ndef f(:\n", "a.py")
    assert caught.value.line == 2


def test_nesting_beyond_the_parser_is_a_syntax_problem() -> None:
    with pytest.raises(SyntaxProblem):
        parse_module("(" * 5_000 + ")" * 5_000, "deep.py")


@given(st.text(max_size=80))
def test_any_text_parses_or_is_a_syntax_problem(text: str) -> None:
    with contextlib.suppress(SyntaxProblem):
        assert parse_module(text, "any.py").text == text
