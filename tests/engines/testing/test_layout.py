import ast

import pytest

from engines.testing.layout import WIDTH_CHARS, double_quoted, items_of, laid_out


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("f('a')", 'f("a")'),
        ("f('say \"hi\"')", "f('say \"hi\"')"),
        ("f('it\\'s')", 'f("it\'s")'),
        ("[b'a', 'b']", '[b"a", "b"]'),
        ("f(r'\\d')", "f(r'\\d')"),
        ("x = 1", "x = 1"),
    ],
)
def test_strings_get_double_quotes_where_that_needs_no_escape(text: str, expected: str) -> None:
    assert double_quoted(text) == expected


def test_items_are_split_at_top_level_commas_only() -> None:
    assert items_of('a, [1, 2], "x,y", f(b, c)') == ["a", "[1, 2]", '"x,y"', "f(b, c)"]


def test_the_comma_between_parameters_of_a_lambda_is_no_end_of_an_item() -> None:
    assert items_of("key=lambda a, b: (a, b), c") == ["key=lambda a, b: (a, b)", "c"]


def test_the_last_brackets_are_opened_that_a_line_has_room_for() -> None:
    text = 'made=type("a", (Base,), {"__call__": lambda self, *args: "a longer result of it"})(1)'
    lines = laid_out(text, 12)
    assert lines[0].endswith("type(")
    assert lines[-1].strip() == ")(1)"


@pytest.mark.parametrize("brackets", ["[]", "()", "{}"])
def test_no_comma_follows_a_comprehension(brackets: str) -> None:
    words = ", ".join(f'"word number {number}"' for number in range(12))
    start, end = brackets
    for item in ("repr(one)", "one: 1") if start == "{" else ("repr(one)",):
        text = f"f{start if start == '(' else '(' + start}{item} for one in [{words}]{end}"
        text += "" if start == "(" else ")"
        ast.parse("\n".join(laid_out(text)))


def test_a_short_statement_is_one_line() -> None:
    assert laid_out("assert f(1) == 2", 4) == ["    assert f(1) == 2"]


def test_a_long_call_is_opened_up_and_means_the_same() -> None:
    items = ", ".join(f'"word number {number}"' for number in range(12))
    text = f"function([{items}], key=1)"
    lines = laid_out(text)
    assert len(lines) > 5
    assert all(len(line) <= WIDTH_CHARS for line in lines)
    assert ast.dump(ast.parse("\n".join(lines))) == ast.dump(ast.parse(text))
