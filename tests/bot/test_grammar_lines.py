"""Which lines of a message are commands."""

import pytest

from bot.grammar import Found, find_lines
from bot.grammar.prose import LONGEST_TEXT, MOST_BRACKETS
from tests.bot.grammar_commands import COMMANDS


def lines_of(text: str) -> list[str]:
    return [found.line for found in find_lines(text, verbs=COMMANDS).found]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("/gryph test src/a.py", ["test src/a.py"]),
        ("/gryph", [""]),
        ("   /gryph test a.py  ", ["test a.py"]),
        ("\u00a0/gryph\u00a0test a.py", ["test a.py"]),
        ("/Gryph test a.py", ["test a.py"]),
        ("\u200b/gryph test a.py", ["test a.py"]),
        ("Look:\n\u00a0/gryph test a.py", ["test a.py"]),
        ("Look:\n\u3000**/gryph test a.py**", ["test a.py"]),
        ("/gryph\u3000test a.py\u2003", ["test a.py"]),
        ("/gryph\u2028test a.py", ["test a.py"]),
        ("@gryph: test a.py", ["test a.py"]),
        ("@gryph, test a.py", ["test a.py"]),
        ("hey @gryph test a.py", ["test a.py"]),
        ("(@gryph status)", ["status)"]),
        ("@ann @gryph status", ["status"]),
        ("@gryph tset a.py", ["tset a.py"]),
        ("@gryph Test a.py", ["Test a.py"]),
        ("**@gryph** test a.py", ["test a.py"]),
        ("**/gryph test a.py**", ["test a.py"]),
        ("_@gryph test __init__.py_", ["test __init__.py"]),
        ("/gryph test src/__init__.py", ["test src/__init__.py"]),
        ("/gryph test `src/a.py`", ["test `src/a.py`"]),
        ("Look:\n/gryph test a.py\nthanks", ["test a.py"]),
        ("- /gryph test a.py\n- @gryph status", ["test a.py", "status"]),
        ("1. one\n   - /gryph test a.py", ["test a.py"]),
        ("- item\n/gryph test a.py", ["test a.py"]),
        ("/gryph test a.py\n---\nsignature", ["test a.py"]),
        ("/gryph test a.py\\\nmore", ["test a.py"]),
        ("/gryph test a.py <!-- b.py -->", ["test a.py"]),
        ("/gryph test a.py <!-- b\nc --> d", ["test a.py"]),
        ("@gryph test a.py and @gryph status", ["test a.py and @gryph status"]),
        ("@gryph hmm, @gryph status", ["status"]),
        ("a `@gryph status` b @gryph quota", ["quota"]),
        ("<br>@gryph status", []),
        ("<div>\n<!--\n\n<p>-->\n</p>\n\n/gryph status", ["status"]),
        ("one <br> @gryph status", ["status"]),
        ("one\n\u200b/gryph status", ["status"]),
        ("- " * 12 + "a\n\n/gryph status", ["status"]),
        ("one\n\u00a0**/gryph status**", ["status"]),
        ("/gryph\u3000status", ["status"]),
        ("<?x <b>?>\n\n/gryph status\n\n</b>", ["status"]),
        ("<v>\n<!--\n\nend<!-- -->\n/gryph status", ["status"]),
        ("<v>\n<!--\n\nGitHub hides this<!-->\n/gryph status", []),
        ("a <b> is a tag. @gryph status", ["status"]),
        ("Wrap it in `<b>`.\n\n@gryph status\n\nThen `</b>`.", ["status"]),
    ],
)
def test_prose_holds_commands(text: str, lines: list[str]) -> None:
    assert lines_of(text) == lines


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nothing to do with us",
        "> /gryph test a.py",
        "> quoted\n/gryph test a.py",
        "- > @gryph test a.py",
        "    /gryph test a.py",
        "```\n/gryph test a.py\n```",
        "~~~~\n/gryph test a.py\n~~~\n",
        "```\n/gryph test a.py",
        "`/gryph test a.py`",
        "use `` `@gryph test a.py` ``",
        "<div>\n/gryph test a.py\n</div>",
        "<details>\n\n/gryph test a.py\n\n</details>",
        "<kbd>@gryph test a.py</kbd>",
        "<!-- /gryph test a.py -->",
        "<!--\n\n/gryph test a.py\n\n-->",
        "<div>\n<!--\n\n/gryph test a.py\n\n<p>-->\n</p>",
        "<div>\n<!--\n\n/gryph test a.py",
        "<!-- never closed\n\n/gryph test a.py",
        "text <!-- @gryph test a.py --> text",
        "[@gryph test a.py](https://example.com)",
        "[/gryph test a.py][1]\n\n[1]: https://example.com",
        "![@gryph test a.py](a.png)",
        "<https://example.com/@gryph>",
        "https://example.com/@gryph test a.py",
        "[1]: /gryph test",
        "# /gryph test a.py",
        "| a | b |\n|---|---|\n| @gryph test a.py | x |",
        "~~@gryph test a.py~~",
        "\\@gryph test a.py",
        "- [ ] /gryph test a.py",
        "say /gryph test a.py",
        "me@gryph test a.py",
        "x" + "_" * 150 + "@gryph test a.py",
        "say" + "\u00a0" * 150 + "/gryph test a.py",
        "@gryphon test a.py",
        "@gryph-dev test a.py",
        "/gryph-test a.py",
        "//gryph test a.py",
        "/gryph/test a.py",
        '"@gryph test a.py"',
        "@gryph",
        "thanks @gryph",
        "@gryph can you write tests for a.py",
        "@gryph tests for a.py please",
        "hey @gryph tset a.py",
        "@gryph's answer",
    ],
)
def test_nothing_else_triggers(text: str) -> None:
    assert lines_of(text) == []


def test_a_line_knows_its_address_and_place() -> None:
    text = "Hi\r\n\r\n- one\r\n  - **@gryph** status\r\n\r\n/gryph quota\r\n"
    found = find_lines(text, verbs=COMMANDS).found
    assert found == (
        Found("status", text.index("@gryph"), "@gryph"),
        Found("quota", text.index("/gryph"), "/gryph"),
    )


def test_places_are_right_behind_lines_of_odd_blanks() -> None:
    text = "one\n\n\x0c\n\u2003\n/gryph status\n\x0c"
    assert [found.offset for found in find_lines(text, verbs=COMMANDS).found] == [text.index("/")]


def test_places_are_right_behind_tabs_and_in_lazy_lines() -> None:
    text = "-\t/gryph test é.py\n lazy\n\t@gryph status"
    assert [text[found.offset :][:6] for found in find_lines(text, verbs=COMMANDS).found] == [
        "/gryph",
        "@gryph",
    ]


def test_places_are_right_below_a_line_of_odd_blanks() -> None:
    text = "- one\n\n  \u00a0\n  @gryph status"
    (found,) = find_lines(text, verbs=COMMANDS).found
    assert found.offset == text.index("@gryph")


def test_at_most_five_commands_are_found_and_the_rest_counted() -> None:
    text = "\n".join(f"/gryph test f{number}.py" for number in range(8))
    lines = find_lines(text, verbs=COMMANDS)
    assert [found.line for found in lines.found] == [f"test f{number}.py" for number in range(5)]
    assert lines.dropped == 3


def test_an_edit_runs_only_what_is_new() -> None:
    before = "/gryph test a.py\n/gryph status"
    after = "please\n\n/gryph test  a.py\n/gryph test b.py\n@gryph status"
    lines = find_lines(after, previous=before, verbs=COMMANDS)
    assert [found.line for found in lines.found] == ["test b.py"]


def test_an_edit_that_repeats_a_line_runs_it_once_more() -> None:
    before = "/gryph status"
    after = "/gryph status\n/gryph status\n/gryph status"
    lines = find_lines(after, previous=before, limit=1, verbs=COMMANDS)
    assert (len(lines.found), lines.dropped) == (1, 1)


def test_an_edit_that_uncovers_a_quoted_line_runs_it() -> None:
    lines = find_lines("/gryph status", previous="> /gryph status", verbs=COMMANDS)
    assert [found.line for found in lines.found] == ["status"]


def test_without_verbs_a_mention_commands_only_at_the_start_of_a_line() -> None:
    found = find_lines("@gryph whatever\n\nhey @gryph test a.py\n\n/gryph x").found
    assert [each.line for each in found] == ["whatever", "x"]


def test_only_the_first_200_000_characters_are_read() -> None:
    filler = "x " * (LONGEST_TEXT // 2 - 10)
    text = f"/gryph status\n\n{filler}\n\n/gryph quota\n\n/gryph help"
    assert lines_of(text)[0] == "status"
    assert "help" not in lines_of(text)


def test_a_paragraph_of_brackets_is_not_read() -> None:
    text = "/gryph status\n\n@gryph quota " + "[" * MOST_BRACKETS + "[\n\n/gryph help"
    assert lines_of(text) == ["status"]
