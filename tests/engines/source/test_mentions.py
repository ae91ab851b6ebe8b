import ast

from engines.source.mentions import Example, Pattern, examples_of, literals_of, patterns_of


def test_literals_leave_out_docstrings_booleans_and_long_texts() -> None:
    tree = ast.parse(
        f'"""doc"""\ndef f():\n    "doc"\n    return "a", 1, 2.5, b"x", True, {"y" * 300!r}'
    )
    assert set(literals_of(tree)) == {"a", 1, 2.5, b"x"}


def test_equal_numbers_of_different_types_are_both_kept() -> None:
    assert [repr(one) for one in literals_of(ast.parse("x = [1, 1.0, 1]"))] == ["1", "1.0"]


def test_patterns_come_with_their_flags() -> None:
    tree = ast.parse(
        'A = re.compile(r"a+", re.VERBOSE | re.IGNORECASE)\nre.match("b", text)\nother.match("c")'
    )
    assert set(patterns_of(tree)) == {
        Pattern("a+", "re.VERBOSE | re.IGNORECASE"),
        Pattern("b", ""),
    }


def test_examples_come_from_docstrings() -> None:
    text = "Adds.\n\n    >>> add(1,\n    ...     2)\n    3\n    >>> x = 1\n"
    assert examples_of(text) == (Example("add(1,\n    2)", "3"), Example("x = 1", ""))


def test_malformed_examples_are_no_examples() -> None:
    assert examples_of(">>>add(1)\n  2") == ()
    assert examples_of(None) == ()
