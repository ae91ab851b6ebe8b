import json
import random
from pathlib import Path

import pytest

from engines.testing.javascript.clues import Parameter, Reader
from engines.testing.javascript.goals import coverage, goals_of
from engines.testing.javascript.kinds import Kind, fits
from engines.testing.javascript.literals import NotLiteral, Raw, Value, read, smaller, written
from engines.testing.javascript.project import Runner, project_of
from engines.testing.javascript.seeds import mine
from engines.testing.javascript.syntax import FUNCTIONS, Tree, walk


def parameters(text: str, language: str = "javascript") -> list[Parameter]:
    """Those of the first function of a text."""
    tree = Tree(text, language)
    function = next(node for node in walk(tree.root) if node.type in FUNCTIONS)
    return Reader(tree).parameters(function)


def likeliest(parameter: Parameter) -> str:
    return max(parameter.weights, key=lambda label: parameter.weights[label])


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("function f(a) { return a.trim(); }", "string"),
        ("function f(a) { return a.map((x) => x); }", "array"),
        ("function f(a) { return a * 2; }", "number"),
        ("function f(a) { if (typeof a !== 'boolean') throw new Error(); }", "boolean"),
        ("function f(a) { return a(1); }", "function"),
        ("function f(a) { return a.width; }", "object"),
        ("function f(a) { return a instanceof Date; }", "date"),
        ("function f(a = 'x') { return a; }", "string"),
        ("/** @param {number=} a */\nfunction f(a) { return a; }", "number"),
        ("function f(a) { return g(a); }\nfunction g(b) { return b.trim(); }", "string"),
        ("function f(count) { return count; }", "number"),
    ],
)
def test_the_kind_of_a_parameter_is_read_off_its_use(text: str, kind: str) -> None:
    assert likeliest(parameters(text)[0]) == kind


def test_typescript_types_are_read_through_aliases_and_interfaces() -> None:
    text = """
    interface Point { x: number; label?: string }
    type Shade = 'dark' | 'light';
    function f(points: Point[], shade: Shade | null, done?: () => void) { return points; }
    """
    points, shade, done = parameters(text, "typescript")
    inner = points.kinds["array"].items[0]
    assert inner.fields == {"x": (Kind("number"),), "label": (Kind("string"), Kind("undefined"))}
    assert set(shade.kinds) == {"literal 'dark'", "literal 'light'", "null"}
    assert done.is_optional
    assert set(done.kinds) == {"function"}


@pytest.mark.parametrize(
    ("value", "is_right"),
    [
        ([{"x": 1}], True),
        ([{"x": 1, "label": "a"}], True),
        ([{"x": "1"}], False),
        ([{"x": 1, "y": 2}], False),
        ({"x": 1}, False),
    ],
)
def test_a_value_fits_a_type_as_a_compiler_sees_it(value: Value, is_right: bool) -> None:  # noqa: FBT001 - a parameter
    fields = {"x": (Kind("number"),), "label": (Kind("string"), Kind("undefined"))}
    kind = Kind("array", items=(Kind("object", fields=fields),))
    assert fits((kind,), value) is is_right


@pytest.mark.parametrize(
    "text",
    ["'a\\'b'", "-1.5", "-0", "[1, [], { a: null }]", "{ 'b-c': true }", "/a+/g", "12n", "1e-7"],
)
def test_literals_are_read_and_written_back(text: str) -> None:
    tree = Tree(f"x = {text};")
    node = next(one for one in walk(tree.root) if one.type == "assignment_expression")
    right = node.child_by_field_name("right")
    assert right is not None
    assert written(read(right)) == text


def test_what_computes_something_is_no_literal() -> None:
    tree = Tree("x = [a];")
    node = next(one for one in walk(tree.root) if one.type == "array")
    with pytest.raises(NotLiteral):
        read(node)


def test_values_get_smaller_until_there_is_nothing_left() -> None:
    value: Value = {"a": "some text", "b": [1, 2, 300], "c": Raw("/x/")}
    assert all(len(written(one)) <= len(written(value)) for one in smaller(value))
    for _ in range(100):
        value = next(smaller(value), value)
    assert value == {}


def test_goals_are_statements_and_both_ways_of_branches() -> None:
    tree = Tree("'use strict';\nif (a) { b(); }\nconst c = a ? 1 : 2;\nx && y;\n")
    goals = goals_of(tree)
    measured = coverage(goals, frozenset(), [])
    assert (measured.lines, measured.branches) == (3, 6)
    everything = coverage(goals, frozenset(range(len(goals))), [])
    assert (everything.lines_covered, everything.branches_covered) == (3, 6)


def test_offsets_count_as_javascript_does() -> None:
    tree = Tree("'💩é'; if (a) b();")
    node = next(one for one in walk(tree.root) if one.type == "if_statement")
    assert tree.offset(node.start_byte) == 7


def test_calls_in_the_readme_are_examples(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("```js\npad('a', 3, { left: true }); // 'a  '\n```\n")
    seeds = mine(Tree("const re = /^[a-c]{2}$/;"), tmp_path, "pad.js", random.Random(1))  # noqa: S311 - reproducible
    assert seeds.examples == {"pad": [["a", 3, {"left": True}]]}
    text = seeds.matching()
    assert text is not None
    assert set(text) <= set("abc")
    assert len(text) == 2


@pytest.mark.parametrize(
    ("files", "place", "runner"),
    [
        ({}, "__tests__/a.test.js", Runner.JEST),
        ({"src/__tests__/b.test.js": ""}, "src/__tests__/a.test.js", Runner.JEST),
        ({"src/b.spec.js": ""}, "src/a.spec.js", Runner.JEST),
        ({"test/b.test.js": "", "test/a.test.js": ""}, "test/a.generated.test.js", Runner.JEST),
        ({"package.json": json.dumps({"devDependencies": {"vitest": "1"}})}, "__tests__/a.test.js",
         Runner.VITEST),
    ],
)  # fmt: skip
def test_the_test_file_goes_where_the_repository_has_its_tests(
    tmp_path: Path, files: dict[str, str], place: str, runner: Runner
) -> None:
    for name, text in {"src/a.js": "exports.a = 1;", **files}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    project = project_of(tmp_path, "src/a.js")
    assert (project.test_path, project.runner) == (place, runner)
