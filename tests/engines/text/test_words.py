"""Words of code and of questions meet."""

import pytest

from engines.text.words import identifier_parts, query_words, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("parseRetryAfter", ["pars", "retry", "after", "parseretryafter"]),
        ("parse_retry_after", ["pars", "retry", "after", "parse_retry_after"]),
        ("HTTPServer2Error", ["http", "server", "error", "httpserver2error"]),
        ("__init__(self, x)", ["init", "self"]),
        ("größe_neu = 42", ["größ", "neu", "größe_neu"]),
        ("a1b2" * 20, []),
        ("", []),
    ],
)
def test_identifiers_give_their_parts_and_themselves(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    "forms",
    [
        ("query", "queries"),
        ("parse", "parses", "parsed", "parsing"),
        ("stop", "stopped", "stopping", "stops"),
        ("class", "classes"),
        ("split", "splits", "splitting"),
        ("token", "tokens"),
    ],
)
def test_forms_of_a_word_are_one_word(forms: tuple[str, ...]) -> None:
    assert len({tuple(words(form)) for form in forms}) == 1


@pytest.mark.parametrize(("one", "other"), [("status", "stat"), ("string", "str"), ("bus", "bu")])
def test_different_words_stay_different(one: str, other: str) -> None:
    assert words(one) != words(other)


def test_a_question_is_asked_by_the_words_that_tell_something() -> None:
    asked = query_words("How do I parse the headers, the parsed header of isClosed?")
    assert list(asked) == ["do", "pars", "header", "clos", "isclosed"]
    assert list(asked.values()) == ["do", "parse", "headers", "closed", "isclosed"]
    assert list(query_words("is it the")) == ["is", "it", "the"]
    assert query_words("?") == {}


def test_parts_are_read_as_they_are_written() -> None:
    assert identifier_parts("parseURLs_of2") == ["parse", "ur", "ls", "of", "2"]
