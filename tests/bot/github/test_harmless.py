import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.rules_block import table

from bot.github.harmless import cell, code_span, escaped, harmless, inline
from bot.text import ZERO_WIDTH

Z = ZERO_WIDTH
GFM = MarkdownIt("commonmark", {"maxNesting": 100})  # as deep as GitHub reads
"""Reads what we post, HTML included, as GitHub would."""
# GitHub makes a table of what is a paragraph until its second line: never of a fence or a list
GFM.block.ruler.before("lheading", "pipes", table, {"alt": ["paragraph", "reference"]})

HOSTILE: st.SearchStrategy[str] = st.lists(
    st.sampled_from(
        [
            *("`", "``", "```", "~~~", "\n", "\n\n", " ", "    ", "\\", "|", "\n|--|--|\n", "> "),
            *("@ann", "@org/team", "#12", "o/r#3", "GH-4", "fixes #12", "Closes: o/r#1"),
            *(
                "<img src=x>",
                "</details>",
                "<!-- gryph:job=J -->",
                "<@x",
                "<a@b.c>",
                "<https://a.bc>",
            ),
            *("![a](b)", "[a](b)", "- ", "1. ", "# ", "***", "https://a.bc/@x ", "http://@ann"),
            *("&#64;ann", "&commat;ann", "&num;12", "wörd", "🎉", "\u202e", "\x00", "\r\n", "\t"),
        ]
    ),
    max_size=25,
).map("".join)


def prose(markdown: str) -> str:
    """What a reader sees outside of code and addresses, as GitHub's filters see it."""
    shown: list[str] = []
    for token in GFM.parse(markdown):
        children = token.children or ()
        shown += [child.content if child.type == "text" else "\n" for child in children]
        shown.append("\n")
    return re.sub(r"(?<![^\s*_~(])https?://\S+", "", "".join(shown))


@given(HOSTILE)
def test_nothing_hostile_is_left_outside_of_code(text: str) -> None:
    made = harmless(text)
    tokens = GFM.parse(made)
    kinds = {child.type for token in tokens for child in token.children or ()}
    assert "html_inline" not in kinds
    assert "image" not in kinds
    assert "html_block" not in {token.type for token in tokens}
    shown = prose(made)
    assert not re.search(r"(?:^|[^0-9A-Za-z])@[A-Za-z0-9]", shown)
    assert not re.search(r"#\d|\bGH-\d", shown)


@given(HOSTILE)
def test_no_fence_is_left_open(text: str) -> None:
    made = harmless(text)
    last = GFM.parse(f"{made}\n\nBEHIND")[-2]
    assert last.content == "BEHIND", made


@given(HOSTILE)
def test_code_blocks_are_left_as_they_are(text: str) -> None:
    escapes = str.maketrans({"\x00": "\ufffd", "\u202e": "\ufffd"})
    given_code = "\n".join(line.translate(escapes) for line in text.splitlines())
    fence = "`" * 30
    made = harmless(f"before @ann\n\n{fence}python\n{given_code}\n{fence}\n\nafter @ann")
    (code,) = [token.content for token in GFM.parse(made) if token.type == "fence"]
    assert code.rstrip("\n") == given_code.rstrip("\n")


@given(HOSTILE)
def test_one_line_stays_one_line_and_hostile_text_stays_text(text: str) -> None:
    for made in (escaped(text), inline(text), cell(text)):
        assert "\n" not in made
        assert not re.search(r"(?:^|[^0-9A-Za-z])@[A-Za-z0-9]", prose(made))


@given(st.lists(HOSTILE, min_size=1, max_size=4))
def test_cell_never_ends_a_table_row(cells: list[str]) -> None:
    row = "| " + " | ".join(map(cell, cells)) + " |"
    table = "|" + " h |" * len(cells) + "\n|" + " --- |" * len(cells) + f"\n{row}"
    tokens = GFM.parse(table)
    assert sum(token.type == "td_open" for token in tokens) == len(cells)


@given(HOSTILE)
def test_code_span_holds_the_whole_text(text: str) -> None:
    (inline_token,) = [t for t in GFM.parse(f"x {code_span(text)} y") if t.type == "inline"]
    spans = [c.content for c in inline_token.children or () if c.type == "code_inline"]
    assert len(spans) == 1


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("hi @ann and me@home.org", f"hi @{Z}ann and me@home.org"),
        ("use `@pytest.fixture` here", "use `@pytest.fixture` here"),
        ("see #12, o/r#3 and GH-4", f"see #{Z}12, o/r#{Z}3 and GH-{Z}4"),
        ("Fixes #12", f"F{Z}ixes #{Z}12"),
        ("closes https://a.bc/o/r/issues/1", f"c{Z}loses https://a.bc/o/r/issues/1"),
        (
            "closes https://github.com/o/r/issues/1",
            f"c{Z}loses https://redirect.github.com/o/r/issues/1",
        ),
        (
            "[it](https://www.github.com/o/r/pull/1)",
            "[it](https://redirect.github.com/o/r/pull/1)",
        ),
        ("[x](https://a.bc/y)@ann", f"[x](https://a.bc/y)@{Z}ann"),
        ("[https://a.bc](https://b.cd)", "[https://a.bc]\\(https://b.cd)"),
        ("[a.bc](https://a.bc/x)", "[a.bc](https://a.bc/x)"),
        ("[x][r]\n\n[r]: https://b.cd", "[x]\\[r]\n\n[r]\\: https://b.cd"),
        ("[x](javascript:alert)", "[x]\\(javascript:alert)"),
        ("https://a.bc@d.ef/", f"https:{Z}//a.bc@d.ef/"),
        ("[src/a.py](https://a.bc/src/a.py)", "[src/a.py](https://a.bc/src/a.py)"),
        ("see 16c999e8 and o/r@16c999e8", f"see 16c999{Z}e8 and o/r@16c999{Z}e8"),
        ("1234567 calls, defaced", "1234567 calls, defaced"),
        ("_fixes GH-1_", f"_f{Z}ixes GH-{Z}1_"),
        ("it fixes the bug", "it fixes the bug"),
        ("a < b and List<int>", "a < b and List&lt;int>"),
        ("`List<int>`", "`List<int>`"),
        ("![x](http://evil/x.png)", "[x](http://evil/x.png)"),
        ("[blog](https://medium.com/@ann)", "[blog](https://medium.com/@ann)"),
        ("https://@ann", f"https:{Z}//@{Z}ann"),
        ("&#64;ann", f"&amp;#{Z}64;ann"),
        ("```\ncode", "```\ncode\n```"),
        ("~~~~\ncode\n~~~", "~~~~\ncode\n~~~\n~~~~"),
        ("~~~|`\n|--|--|\n", "~~~|`\n|--|--|\n~~~\n"),
        ("`\n<!-- gryph:job=J -->`", "`\n&lt;!-- gryph:job=J -->`"),
        ("```\r\n", "```\n```\n"),
        ("```\ncode\n    ```", "```\ncode\n    ```\n```"),
        ("```suggestion\nx\n```", "```\nx\n```"),
        ("> ``` Suggestion\n> x\n> ```", "> ``` \n> x\n> ```"),
        ("```&#115;uggestion\nx\n```", "```\nx\n```"),
        ("```mermaid\nx\n```", "```\nx\n```"),
        ("```python title=x\nx\n```", "```python title=x\nx\n```"),
        ("a\u202eb", "a\ufffdb"),
        ("lone ` tick\n\n`@ann` in code", "lone \\` tick\n\n`@ann` in code"),
        ("lone ` tick\n`@ann` outside", f"lone ` tick\n`@{Z}ann\\` outside"),
        ("", ""),
    ],
)
def test_text_reads_the_same_and_does_nothing(text: str, made: str) -> None:
    assert harmless(text) == made


@pytest.mark.parametrize("hostile", ["@ann", "#12", "fixes #12"])
@pytest.mark.parametrize("fence", ["```", "~~~"])
def test_a_fence_is_none_of_a_table_but_backticks_in_its_line_make_it_one(
    fence: str, hostile: str
) -> None:
    """https://github.github.com/gfm/#fenced-code-blocks"""
    code = f"{fence}|{hostile}\n|--|--|\n"
    assert harmless(code) == f"{code}{fence}\n"
    assert [each.type for each in GFM.parse(code)] == ["fence"]
    header = f"```|{hostile} `\n|--|--|\n"
    assert hostile not in harmless(header)
    assert "th_open" in {each.type for each in GFM.parse(header)}


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("https://a.bc/`x @ann`", f"https:{Z}//a.bc/`x @ann`"),
        ("<https://a.bc>`x @ann`", f"<{Z}https:{Z}//a.bc>`x @ann`"),
        ("www.a.bc</p>`x @ann`", f"www{Z}.a.bc&lt;/p>`x @ann`"),
        ("ftp://a.bc`x @ann`", f"ftp:{Z}//a.bc`x @ann`"),
        ("https://a.bc/#12```", f"https:{Z}//a.bc/#{Z}12\\`\\`\\`"),
        ("a|https://a.bc/|`x @ann`\n-|-", f"a|https:{Z}//a.bc/|`x @ann`\n-|-"),
        ("[x](https://a.bc)`x @ann`", "[x](https://a.bc)`x @ann`"),
        ("`x` https://a.bc `@ann`", "`x` https://a.bc `@ann`"),
    ],
)
def test_no_address_draws_in_the_backticks_of_code(text: str, made: str) -> None:
    """GitHub's goes on to the next space, and what was code is text."""
    assert harmless(text) == made


def test_backticks_without_a_pair_keep_no_code_from_being_read() -> None:
    """GitHub, having found none, takes `a` for code and not `@ann`."""
    made = "lone \\`\\` ticks, `a` and `@ann`"
    assert harmless("lone `` ticks, `a` and `@ann`") == made
    assert inline("\\``` `@ann`") == "\\`\\`\\` `@ann`"


def test_more_backticks_than_github_counts_are_parted() -> None:
    ticks = "`" * 81
    assert f"{ticks}@" not in harmless(f"{ticks}@ann{ticks}")
    assert "`" * 81 not in code_span("`" * 300 + "@ann")
    for sign in "`~":
        made = harmless(f"{sign * 300}\n{sign * 256}\n@ann\n{sign * 300}")
        assert sign * 201 not in made


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("[see https://a.bc/@x]", f"[see https://a.bc/@{Z}x]"),
        ("[a `]` https://a.bc/#1", f"[a `]` https://a.bc/#{Z}1"),
        ("[ [b](https://a.bc/@x)", "[ [b](https://a.bc/@x)"),
        ("[1] https://a.bc/@x", "[1] https://a.bc/@x"),
        ("- [ ] https://a.bc/@x", "- [ ] https://a.bc/@x"),
        ("a[|https://a.bc/@x\n-|-", f"a[|https://a.bc/@{Z}x\n-|-"),
    ],
)
def test_an_address_in_a_bracket_is_text(text: str, made: str) -> None:
    """GitHub makes no link of it, and so a mention of what it holds."""
    assert harmless(text) == made


def test_a_footnote_does_not_end_code() -> None:
    assert harmless("`x\n[^1]: y` `@ann`") == f"`x\n[{Z}^1]: y` `@ann`"


def test_indented_code_at_the_beginning_is_code_behind_a_list_too() -> None:
    made = harmless("\n    @ann")
    assert [each.type for each in GFM.parse(f"- a\n\n{made}")][-1] == "code_block"
    assert harmless("- a\n\n      @ann") == "- a\n\n      @ann"


def test_a_heading_that_is_a_table_to_github_has_no_item_for_its_underline() -> None:
    """The indented line would be the item's text."""
    made = harmless("a|b\n-|-\n-\n\t@ann")
    assert made == "a|b\n-|-\n--\n\t@ann"


def test_a_row_that_looks_like_an_item_draws_nothing_into_a_list() -> None:
    """GitHub reads "0)" behind a table as a list, and the indented line as its picture."""
    made = harmless("**|\n --|\n0) ||\n\n     ![z](h)")
    assert "\n0)" not in made
    assert "\n\u200b0)" in made


@pytest.mark.parametrize(
    "text",
    [
        "[a]: /u\n    code",
        "- [a]: /u\n      code",
        '1. [a]: h\n[b]: "\n    code',
        "> * [a]: u\n>       code",
        "[a]: /u\n    > code",
        "> [a]: /u\n>     > code",
    ],
)
def test_code_behind_the_definition_of_a_link_stays_code(text: str) -> None:
    code = [each.content for each in GFM.parse(harmless(text)) if each.type == "code_block"]
    assert [each.removeprefix("> ") for each in code] == ["code\n"]


@pytest.mark.parametrize("depth", [12, 20, 60])
def test_text_behind_what_is_nested_deep_is_read(depth: int) -> None:
    made = harmless("- " * depth + "@ann\n\n```\n@ann")
    assert GFM.parse(f"{made}\n\nBEHIND")[-2].content == "BEHIND", "the fence is closed"
    assert made.endswith("\n```\n@ann\n```" if depth < 25 else "\n```\n@ann\n````")


@pytest.mark.parametrize(
    "text", ["_GH-4_", "*#4*", "_http://b.es/_#4", "_a http://b.es/_-#4", "GH\\-4"]
)
def test_a_reference_beside_emphasis_is_none(text: str) -> None:
    assert f"{Z}4" in harmless(text)


def test_what_only_looks_like_a_definition_makes_no_code() -> None:
    made = harmless("[a]:)\n    prose")
    assert [each.type for each in GFM.parse(made) if each.type == "code_block"] == []
