"""Markdown is cut at its joints."""

import pytest

from bot.slack.segments import fenced, segments, wrapped


def cut(markdown: str, most: int = 40) -> list[str | None]:
    return list(segments(markdown, most))


def test_each_element_is_a_segment() -> None:
    assert cut("# Title\ntext\n\n- a\n- b\n\n> quote\n") == [
        "# Title",
        "text",
        "- a\n- b",
        "> quote",
    ]


def test_unclosed_fence_is_closed() -> None:
    assert cut("text\n~~~~ py\nx = 1") == ["text", "~~~~ py\nx = 1\n~~~~"]


def test_long_fence_is_fenced_again_in_every_part() -> None:
    lines = "\n".join(f"line {n:02d} of it" for n in range(6))
    parts = cut(f"```python\n{lines}\n```", 50)
    assert len(parts) > 1
    assert all(p and p.startswith("```python\n") and p.endswith("\n```") for p in parts)
    inside = "\n".join(p.removeprefix("```python\n").removesuffix("\n```") for p in parts if p)
    assert inside == lines


def test_long_list_is_cut_between_items() -> None:
    items = [f"- item {n:02d}\n  goes on" for n in range(9)]
    assert cut("\n".join(items), 60) == items


def test_long_paragraph_is_cut_between_words_and_starts_no_other_element() -> None:
    parts = cut("word " * 7 + "``` " + "word " * 5 + "word", 38)
    assert parts == [
        "word word word word word word word",
        "\u200b``` word word word word word word",
    ]


@pytest.mark.parametrize("markdown", ["> a\n" * 20, "| a |\n|---|\n" + "| b |\n" * 20])
def test_long_quote_and_table_are_not_cut(markdown: str) -> None:
    assert cut(markdown) == [None]


def test_link_definition_is_not_lost() -> None:
    assert cut("[x]: http://x.invalid") == ["[x]: http://x.invalid"]


def test_code_cannot_close_its_own_fence() -> None:
    assert list(fenced("a\n````\nb", "md", 100)) == ["`````md\na\n````\nb\n`````"]


def test_thousands_of_backticks_are_shown_as_something_else() -> None:
    (part,) = fenced("`" * 90, "", 100)
    assert part == "```\n" + "\u02cb" * 90 + "\n```"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", [""]),
        ("abc def ghi", ["abc def", "ghi"]),
        ("abcdef\n    ghi", ["abcdef", "    ghi"]),
        ("abcdefghij", ["abcdefgh", "ij"]),
        ("🐍🐍🐍🐍🐍", ["🐍🐍🐍🐍", "🐍"]),
    ],
)
def test_text_is_wrapped_at_the_last_good_place(text: str, parts: list[str]) -> None:
    assert list(wrapped(text, 8)) == parts
