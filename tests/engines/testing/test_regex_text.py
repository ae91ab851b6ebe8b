import random
import re

import pytest

from engines.testing.regex_text import RegexText


def seeded(seed: int) -> RegexText:
    return RegexText(random.Random(seed))  # noqa: S311 - reproducible, no secret


@pytest.mark.parametrize(
    ("pattern", "flags"),
    [
        (r"\d{4}-\d{2}-\d{2}", 0),
        (r"[a-z]+(?:\.[a-z]+)*@[a-z]+\.(com|org)", 0),
        (r"(?P<quote>['\"])\w+(?P=quote)", 0),
        (r"[^abc]\S\W?", 0),
        (" \\d + # digits\n [xy] ", re.VERBOSE),
        (r"(a)?(?(1)b|c)", 0),
    ],
)
def test_texts_match_their_pattern(pattern: str, flags: int) -> None:
    writer = seeded(7)
    texts = [writer.text(pattern, flags) or "" for _ in range(50)]
    assert all(re.fullmatch(pattern, text, flags) for text in texts)
    assert len(set(texts)) > 1


def test_the_same_seed_writes_the_same_texts() -> None:
    first, second = seeded(3), seeded(3)
    assert [first.text("[a-z]{9}") for _ in range(5)] == [second.text("[a-z]{9}") for _ in range(5)]


def test_an_invalid_pattern_has_no_text() -> None:
    assert seeded(1).text("(unclosed") is None
