"""What was said lately.

Discord tells of an edit without the text before it, and of a reaction taken off without whose
message it was on. discord.py can remember whole messages for that, each with its author, mentions
and lists: 2,000 of them held 10 MB, and each edit and reaction looked through all of them.
"""

from typing import NamedTuple

import discord

MOST = 2_000
"""Messages; the oldest are forgotten first."""


class Said(NamedTuple):
    """One message as it was heard last."""

    author: int
    content: str
    """With mentions as Discord spells them."""


class Recent:
    """The latest messages of one session."""

    def __init__(self, most: int = MOST) -> None:
        """Nothing was said yet."""
        self._most = most
        self._said: dict[int, Said] = {}

    def note(self, message: discord.Message) -> None:
        """It was written or edited."""
        self._said[message.id] = Said(message.author.id, message.content)
        if len(self._said) > self._most:
            del self._said[next(iter(self._said))]

    def find(self, message: int) -> Said | None:
        """What it said before the event that is being heard."""
        return self._said.get(message)

    def forget(self) -> None:
        """A new session has begun: what was edited before it, we were not told."""
        self._said.clear()
