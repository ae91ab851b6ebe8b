import ast

from engines.source.mentions import Example, Pattern, code_in, examples_of, literals_of, patterns_of


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


def test_code_without_prompts_is_found_in_blocks_fences_and_quotes() -> None:
    text = "Use ``open_door(1)``.\n\nExample::\n\n    x = door(2)  # => 3\n    x.close()\n\n"
    text += "```python\nknock(3)\n```\n    >>> hidden(4)\n\nNot code, not a call.\n"
    assert [ast.unparse(one) for one in code_in(text)] == [
        "x = door(2)",
        "x.close()",
        "knock(3)",
        "open_door(1)",
    ]


def test_results_beside_calls_are_left_out() -> None:
    assert [ast.unparse(one) for one in code_in("    twice(2) -> 4\n    a b c\n")] == ["twice(2)"]
