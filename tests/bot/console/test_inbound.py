"""From posted text to the gateway's own words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.console.inbound import (
    BadRepository,
    NotAllowed,
    addressed,
    answers_due,
    repository_of,
)
from handlers import Tier


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("help", "/gryph help"),
        ("  test a.py \n", "/gryph test a.py"),
        ("/gryph help", "/gryph help"),
        ("@gryph help", "@gryph help"),
        ("/GRYPH help", "/GRYPH help"),
        ("Please:\n/gryph help", "Please:\n/gryph help"),
        ("gryphon", "/gryph gryphon"),
        ("/gryphon", "/gryph /gryphon"),
        ("what does /gryph do?", "/gryph what does /gryph do?"),
    ],
)
def test_what_addresses_nobody_is_itself_the_command(text: str, command: str) -> None:
    assert addressed(text) == command


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("help", 1),
        ("", 1),
        ("/gryph a\n/gryph b", 2),
        ("/gryph a\n" * 9, 6),
        ("```\n/gryph a\n```", 1),
    ],
)
def test_each_command_gets_an_answer_and_those_too_many_one_together(text: str, count: int) -> None:
    assert answers_due(text) == count


@given(st.text(max_size=80), st.sampled_from(Tier))
def test_a_repository_is_one_of_two_kinds_or_refused(text: str, tier: Tier) -> None:
    try:
        repository = repository_of(text, tier)
    except (BadRepository, NotAllowed):
        return
    assert repository is not None
    if repository.startswith("local:"):
        assert tier is Tier.OPERATOR
        assert repository.startswith("local:/")
        assert ".." not in repository.split("/")
    else:
        assert repository.count("/") == 1
