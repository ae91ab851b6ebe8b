import pytest

from engines.source.docstrings import NOTHING, documented, sentence_naming

GOOGLE = "Adds.\n\nArgs:\n    a (int): the first\n    b: the second\n\nRaises:\n    ValueError: if"
REST = "Adds.\n\n:param int a: the first\n:param b: the second\n:raises ValueError: if"
NUMPY = "Adds.\n\nParameters\n----------\na : int\n    the first\nb\n    the second\n\nRaises\n------\nValueError\n    if"


@pytest.mark.parametrize("text", [GOOGLE, REST, NUMPY])
def test_types_and_exceptions_are_read_in_every_dialect(text: str) -> None:
    said = documented(text)
    assert said.types == {"a": "int"}
    assert said.raises == {"ValueError"}
    assert said.descriptions["b"] == "the second"


def test_a_malformed_field_says_nothing() -> None:
    assert documented("Adds.\n\n: : first") == NOTHING


def test_no_docstring_says_nothing() -> None:
    assert documented(None) == NOTHING
    assert documented("") == NOTHING


def test_the_sentence_with_a_word_is_found() -> None:
    text = "Average of numbers.\n\nReturns 0 for an empty\nlist. Never fails."
    assert sentence_naming(text, "empty") == "Returns 0 for an empty list."
    assert sentence_naming(text, "dog") is None
