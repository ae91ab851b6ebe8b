"""Laws that hold for all inputs: which are looked for, kept, and how they are written."""

import ast
from pathlib import Path

import pytest

from engines.testing.offers import ANY, ClassOffer, Input, Kind, Offer, Offers, Term
from engines.testing.properties.forms import Form
from engines.testing.properties.laws import laws_of
from engines.testing.properties.strategies import LEVELS, Strategies
from engines.testing.properties.text import Property
from engines.testing.properties.wanted import has_hypothesis
from tests.engines.testing.conftest import Write

CODEC = '''\
"""Run lengths."""


def encode(text: str) -> list[tuple[str, int]]:
    runs: list[tuple[str, int]] = []
    for one in text:
        if runs and runs[-1][0] == one:
            runs[-1] = (one, runs[-1][1] + 1)
        else:
            runs.append((one, 1))
    return runs


def decode(runs: list[tuple[str, int]]) -> str:
    return "".join(one * count for one, count in runs)


def strip_twos(text: str) -> str:
    return text.replace("22", "2")


def to_even(number: int) -> str:
    return str(number - number % 2)


def from_even(text: str) -> int:
    return int(text)
'''


def test_laws_that_hold_and_catch_something_become_hypothesis_tests(write: Write) -> None:
    result = write(CODEC, cpu_s=15.0, properties=True)
    assert (
        "@settings(derandomize=True, deadline=None)\n"
        "@given(text=st.text(max_size=20))\n"
        "def test_decode_undoes_encode(text):\n"
        "    assert decode(encode(text)) == text\n"
    ) in result.source
    assert "from hypothesis import given, settings\n" in result.source
    assert "strip_twos_twice" not in result.source, "2222"
    assert "from_even_undoes" not in result.source, "odd numbers"
    assert result.passed == result.tests


def test_without_hypothesis_in_the_repository_none_are_written_and_that_is_said(
    write: Write,
) -> None:
    result = write(CODEC)
    assert "hypothesis" not in result.source
    (note,) = result.notes
    assert "`test_decode_undoes_encode`" in note
    assert "does not use Hypothesis" in note


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("pyproject.toml", '[project.optional-dependencies]\ntest = ["Hypothesis>=6"]', True),
        ("requirements-dev.txt", "pytest\nhypothesis\n", True),
        ("requirements/test.txt", "hypothesis[cli]\n", True),
        ("tests/test_a.py", "import os\nfrom hypothesis import given\n", True),
        ("tests/test_a.py", "# a hypothesis\n", False),
        ("pyproject.toml", "pytest-hypothesis-light\n", False),
    ],
)
def test_hypothesis_is_there_where_it_is_declared_or_used(
    tmp_path: Path, path: str, text: str, *, expected: bool
) -> None:
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_text(text)
    assert has_hypothesis(tmp_path) is expected


TEXT, INT, ITEMS = Term("str"), Term("int"), Term("list", (Term("int"),))
POINT = Term("class", class_id="mod:Point")


def form(name: str, output: str, *inputs: Term, owner: str = "") -> Form:
    holes = ", ".join(f"{{{place}}}" for place in range(len(inputs)))
    offer = Offer(name, owner, Kind.FUNCTION, 1, is_async=False, inputs=(), is_inherited=False)
    template = {"__lt__": "{0} < {1}", "__str__": "str({0})"}.get(name, f"{name}({holes})")
    return Form(
        name, owner, template, inputs, ("x", "y")[: len(inputs)], output, offer, is_changing=True
    )


@pytest.mark.parametrize(
    ("forms", "laws"),
    [
        ([form("dumps", "builtins:str", INT), form("loads", "builtins:int", TEXT)],
         ["test_loads_undoes_dumps"]),
        ([form("dumps", "builtins:str", INT), form("loads", "builtins:bytes", INT)], []),
        ([form("toRoman", "builtins:str", INT), form("fromRoman", "builtins:int", TEXT)],
         ["test_from_roman_undoes_to_roman"]),
        ([form("c2f", "builtins:int", INT), form("f2c", "builtins:int", INT)],
         ["test_f2c_undoes_c2f", "test_c2f_undoes_f2c", "test_c2f_grows_with_x",
          "test_f2c_grows_with_x"]),
        ([form("__str__", "builtins:str", POINT, owner="Point"), form("Point", "mod:Point", TEXT)],
         ["test_point_undoes_point_str"]),
        ([form("slugify", "builtins:str", TEXT)], ["test_slugify_twice_is_slugify_once"]),
        ([form("reverse", "builtins:list", ITEMS)],
         ["test_reverse_undoes_itself", "test_reverse_keeps_every_item"]),
        ([form("distance", "builtins:int", TEXT, TEXT)],
         ["test_distance_does_not_depend_on_the_order"]),
        ([form("__lt__", "builtins:bool", POINT, POINT, owner="Point")],
         ["test_of_two_points_one_is_less_or_they_are_equal"]),
        ([form("show", "builtins:str", INT)], []),
    ],
)  # fmt: skip
def test_laws_are_guessed_from_names_and_types(forms: list[Form], laws: list[str]) -> None:
    found = laws_of(forms)
    assert [law.name for law in found] == laws
    for law in found:
        ast.parse(law.expression, mode="eval")
        ast.parse("\n".join(law.body))


def test_strategies_get_narrower_and_build_classes() -> None:
    inputs = (Input("x", "positional_or_keyword", INT, is_optional=False, default=None),)
    maker = Offer(
        "Point", "", Kind.CONSTRUCTOR, 1, is_async=False, inputs=inputs, is_inherited=False
    )
    point = ClassOffer(
        "Point", "mod:Point", "mod", is_own=True, members=(), is_abstract=False,
        is_exception=False, concrete=(), inputs=inputs, attributes=frozenset(),
    )  # fmt: skip
    strategies = Strategies(Offers((maker,), (point,), (), ()), lambda _, one: one.term)
    assert strategies.text(POINT, 0) == "st.builds(Point, st.integers())"
    assert strategies.text(Term("dict", (TEXT, POINT)), 1) == (
        'st.dictionaries(st.from_regex(r"[A-Za-z0-9 _-]{0,20}", fullmatch=True), '
        "st.builds(Point, st.integers(min_value=0, max_value=10_000)), max_size=5)"
    )
    assert len({strategies.text(ITEMS, level) for level in range(LEVELS)}) == LEVELS
    assert strategies.text(ANY, 0) is None
    assert strategies.text(Term("list", (ANY,)), 0) is None


def test_unittest_classes_get_them_as_methods() -> None:
    forms = [form("dumps", "builtins:str", INT), form("loads", "builtins:int", TEXT)]
    (law,) = laws_of(forms)
    assert Property(law, ("st.integers()",)).lines(is_unittest=True) == [
        "@settings(derandomize=True, deadline=None)",
        "@given(x=st.integers())",
        "def test_loads_undoes_dumps(self, x):",
        "    self.assertEqual(loads(dumps(x)), x)",
    ]
