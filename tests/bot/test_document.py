"""Markdown is read as blocks: cut at its own joints, laid flat, made to stand among others."""

import pytest

from bot.code_blocks import cut_code, cut_fence, fence_for, fenced
from bot.document import MOST_LINES, cut_element, elements, flat, standalone

Z = "\u200b"


def cut(markdown: str, most: int = 40) -> list[str | None]:
    return [part for element in elements(markdown) for part in cut_element(element, most)]


def laid_flat(markdown: str) -> list[tuple[str, str]]:
    return [(part.kind.value, part.text.strip("\n")) for part in flat(markdown)]


def test_each_block_is_an_element() -> None:
    assert cut("# Title\ntext\n\n- a\n- b\n\n> quote\n") == [
        "# Title",
        "text",
        "- a\n- b",
        "> quote",
    ]


def test_unclosed_fence_is_closed() -> None:
    assert cut("text\n~~~~ py\nx = 1") == ["text", "```py\nx = 1\n```"]


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
    assert parts == ["word word word word word word word", f"{Z}``` word word word word word word"]


def test_long_table_is_cut_between_rows_under_the_same_header() -> None:
    header = "| a |\n|---|"
    assert cut(header + "\n| b |" * 8, 30) == [header + "\n| b |" * 3] * 2 + [
        header + "\n| b |" * 2
    ]


def test_a_paragraph_is_not_cut_to_a_fence() -> None:
    parts = ["aa\n {Z}````", "bb `c`", "dddd eeee", "ff"]
    assert cut("aa\n ```` bb `c` dddd eeee ff", 12) == [part.format(Z=Z) for part in parts]


def test_long_quote_is_not_cut() -> None:
    assert cut("> a\n" * 20) == [None]


def test_link_definition_is_not_lost() -> None:
    assert cut("[x]: http://x.invalid\n\ntext") == ["[x]: http://x.invalid", "text"]


def test_what_a_fence_says_besides_the_language_is_not_lost() -> None:
    assert cut("```py title=x\na\n```") == ["py title=x", "```py\na\n```"]
    assert laid_flat("~~~ # x\na\n~~~") == [("prose", f"{Z}# x"), ("code", "a")]


@pytest.mark.parametrize(
    ("markdown", "stands"),
    [
        ("```\na", "```\na\n```"),
        ("- x\n  ```py\n  a", "- x\n  ```py\n  a\n  ```"),
        ("> ```\n> a\nb", "> ```\n> a\n> ```\nb"),
        (">- ~~~\n>   a", ">- ~~~\n>   a\n>   ~~~"),
        ("- a\n  > ```x\n  > y", "- a\n  > ```x\n  > y\n  > ```"),
        ("```\na\n```", "```\na\n```"),
        ("    code", f"{Z}\n\n    code"),
        ("text", "text"),
        ("- " * 20 + "a\n\n```\nb", "- " * 20 + "a\n\n```\nb\n```"),
        ("> " * 60 + "a\n\n```\nb", f"````markdown\n{'> ' * 60}a\n\n```\nb\n````"),
    ],
)
def test_text_stands_among_others(markdown: str, stands: str) -> None:
    assert standalone(markdown) == stands


def test_fence_that_begins_only_behind_a_table_ends_only_there() -> None:
    text = "a|\n-|\n2) ```"
    assert standalone(text) == f"{text}\n   ```"
    assert standalone(text, has_tables=False) == text, "the line would begin another"


def test_text_nested_too_deep_to_be_read_is_its_own_source() -> None:
    text = "1. " * 60 + "a\n\n|b|\n|-|"
    assert [(each.kind, each.code) for each in elements(text)] == [("code", text)]
    assert [(each.kind, each.text) for each in flat(text)] == [("code", text)]
    assert [each.kind for each in elements("- " * 20 + "a\n\n|b|\n|-|")] == ["list", "table"]


def test_text_too_long_to_be_read_stands_as_its_source() -> None:
    text = "```\n" * (MOST_LINES + 2)
    assert standalone(text).startswith("````markdown\n```\n")
    lines = "- a\n" * (MOST_LINES + 3)
    assert [part.text for part in flat(lines)][-1] == "- a\n- a\n- a\n"


@pytest.mark.parametrize(
    ("markdown", "parts"),
    [
        (
            "- x\n  ```py\n  a\n    b\n  ```\n- y",
            [("prose", "- x"), ("code", "a\n  b"), ("prose", "- y")],
        ),
        ("1. ~~~\n   ```\n   ~~~", [("prose", "1."), ("code", "```")]),
        ("> ```\n> a\n> ```", [("code", "a")]),
        ("1. a\n\n  2. b\n\n    3. c", [("prose", "1. a\n\n  2. b"), ("code", "3. c")]),
        ("-     code", [("prose", "-"), ("code", "code")]),
        ("a\n\n|b|c|\n|-|-|\n|d|e|", [("prose", "a"), ("table", "|b|c|\n|-|-|\n|d|e|")]),
        ("~~~|`\n|--|--|", [("prose", f"{Z}|`"), ("code", "|--|--|")]),
    ],
)
def test_blocks_are_laid_flat(markdown: str, parts: list[tuple[str, str]]) -> None:
    assert laid_flat(markdown) == parts


def test_code_cannot_close_its_own_fence() -> None:
    assert fenced("a\n````\nb", "md") == "`````md\na\n````\nb\n`````"


def test_thousands_of_backticks_are_fenced_by_tildes() -> None:
    assert fence_for("`" * 900) == "~~~"
    assert fence_for("`" * 900 + "~" * 5) == "~" * 6


def test_code_that_no_fence_fits_around_is_not_cut() -> None:
    assert list(cut_fence("`" * 900 + "~" * 900, "", 1_000)) == []


@pytest.mark.parametrize(
    ("code", "parts"),
    [
        ("", [""]),
        ("a\n\nb", ["a", "", "b"]),
        ("abcde\nf", ["abcd", "e", "f"]),
        (" a\n b", [" a", " b"]),
    ],
)
def test_code_is_cut_after_lines_and_loses_no_space(code: str, parts: list[str]) -> None:
    assert "\n".join(cut_code(code, 4)).replace("\n", "") == code.replace("\n", "")
    assert all(part in code for part in parts)


def test_where_links_lead_is_said_in_a_block_of_its_own_each() -> None:
    found = elements("[a]: u\n\n[b]: v\n[c]: w\n\nend")
    assert [each.text for each in found] == ["[a]: u", "[b]: v\n[c]: w", "end"]
