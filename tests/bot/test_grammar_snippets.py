import pytest

from bot.grammar import snippets_of
from bot.grammar.snippets import LONGEST, MOST


def test_fenced_and_indented_blocks_are_found_in_order() -> None:
    text = "@gryph generate fix\n```py title=x\na = 1\n```\nand\n\n    b = 2\n\n~~~\nc\n~~~\n"
    assert [(each.language, each.text) for each in snippets_of(text)] == [
        ("py", "a = 1\n"),
        ("", "b = 2\n"),
        ("", "c\n"),
    ]


@pytest.mark.parametrize("text", ["", "no `code` here", "```\n\n```", "```"])
def test_what_holds_no_code_gives_none(text: str) -> None:
    assert snippets_of(text) == ()


def test_many_and_long_blocks_are_bounded() -> None:
    many = "\n".join("```\nx\n```" for _ in range(MOST + 5))
    assert len(snippets_of(many)) == MOST
    long = f"```\n{'x' * (LONGEST - 10)}\n```\n```\n{'y' * 100}\n```\n"
    assert [each.text[0] for each in snippets_of(long)] == ["x"]


def test_code_in_quotes_and_lists_counts_too() -> None:
    assert [each.text for each in snippets_of("- ```\n  x\n  ```\n> ```\n> y\n> ```\n")] == [
        "x\n",
        "y\n",
    ]
