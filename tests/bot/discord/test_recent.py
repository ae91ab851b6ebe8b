"""What was said lately is known, in bounded memory."""

from types import SimpleNamespace
from typing import cast

import discord

from bot.discord.recent import Recent, Said


def message(number: int, content: str) -> discord.Message:
    return cast(
        discord.Message,
        SimpleNamespace(id=number, author=SimpleNamespace(id=7), content=content),
    )


def test_the_oldest_messages_are_forgotten_first() -> None:
    recent = Recent(most=3)
    for number in range(5):
        recent.note(message(number, f"text {number}"))
    assert [recent.find(number) for number in range(5)] == [
        None,
        None,
        Said(7, "text 2"),
        Said(7, "text 3"),
        Said(7, "text 4"),
    ]


def test_an_edited_message_is_known_as_it_was_edited_last() -> None:
    recent = Recent(most=2)
    for content in ("one", "two", "three"):
        recent.note(message(1, content))
    assert recent.find(1) == Said(7, "three")


def test_a_new_session_knows_nothing_of_the_one_before() -> None:
    recent = Recent()
    recent.note(message(1, "one"))
    recent.forget()
    assert recent.find(1) is None
