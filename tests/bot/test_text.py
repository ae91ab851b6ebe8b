"""Text is measured as platforms measure it and cut where a reader would cut it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import clean, code_spans, cut, head, head_lines, split, units, wrapped

FAMILY = "👨‍👩‍👧"


@given(st.text(st.characters()))
def test_units_are_those_of_utf_16(text: str) -> None:
    assert units(text) == sum(2 if letter > "\uffff" else 1 for letter in text)


def test_what_cannot_be_seen_leaves_a_sign() -> None:
    assert clean("a\x1b[31m\r\nb\rc\x85\u202e\ud83d\u2066\td") == "a�[31m\nb\nc����\td"


@pytest.mark.parametrize(
    ("text", "most", "shown"),
    [
        ("abc", 2, "ab"),
        ("🐍🐍", 3, "🐍"),
        ("e\u0301e\u0301", 3, "e\u0301"),
        (f"a{FAMILY}", 8, "a"),
        ("🇩🇪🇫🇷", 6, "🇩🇪"),
        ("👍🏽👍🏽", 6, "👍🏽"),
        ("ab\u1112\u1161\u11ab", 4, "ab"),
        ("", 3, ""),
        ("abc", 0, ""),
    ],
)
def test_beginning_parts_no_character(text: str, most: int, shown: str) -> None:
    assert head(text, most) == shown


def test_character_with_endless_marks_is_parted_all_the_same() -> None:
    assert len(head("a" + "\u0301" * 500, 200)) == 200


def test_cut_text_says_so() -> None:
    assert (cut("some words", 6), cut("words", 6)) == ("some…", "words")


def test_lines_stay_whole_where_they_fit() -> None:
    assert head_lines("one\ntwo\nthree", 9) == "one\ntwo"
    assert head_lines("abcdef", 3) == "abc"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", []),
        ("abc def ghi", ["abc def", "ghi"]),
        ("abcd\nefgh ij", ["abcd", "efgh ij"]),
        ("abcdefghij", ["abcdefgh", "ij"]),
        ("🐍🐍🐍🐍🐍", ["🐍🐍🐍🐍", "🐍"]),
        ("word `co de`", ["word", "`co de`"]),
        ("abcdefg\\*x", ["abcdefg", "\\*x"]),
        ("abc [d](e)", ["abc", "[d](e)"]),
        ("abcde &amp;", ["abcde", "&amp;"]),
        ("abcdefg\t\t\tx", ["abcdefg", "x"]),
    ],
)
def test_text_is_wrapped_at_the_last_good_place(text: str, parts: list[str]) -> None:
    assert list(wrapped(text, 8)) == parts


@given(st.text("ab `[]()\\\n🐍é\u0301", max_size=80), st.integers(4, 20))
def test_wrapping_loses_nothing_but_space(text: str, most: int) -> None:
    parts = list(wrapped(text, most))
    assert all(units(part) <= most for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


@given(st.text("a` \\", max_size=40))
def test_code_spans_are_those_of_commonmark(text: str) -> None:
    for start, end in code_spans(text):
        opened = len(text[start:end]) - len(text[start:end].lstrip("`"))
        assert text[start:end].endswith("`" * opened)
        assert opened < end - start


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("`a` ``b`c`` d`", ["`a`", "``b`c``"]),
        ("\\`a` b`", ["` b`"]),
        ("`a\\` b", ["`a\\`"]),
        ("``` a `b`", ["`b`"]),
    ],
)
def test_code_spans(text: str, spans: list[str]) -> None:
    assert [text[start:end] for start, end in code_spans(text)] == spans


def test_split_of_what_fits_leaves_nothing() -> None:
    assert split("abc", 3) == ("abc", "")
