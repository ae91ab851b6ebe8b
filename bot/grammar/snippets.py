"""The blocks of code that stand in a message."""

from bot.commonmark import commonmark
from bot.grammar.prose import LONGEST_TEXT
from jobs.requests import Snippet

MOST = 10
"""Blocks that are read of one message."""
LONGEST = 40_000
"""Characters of all of them."""


def snippets_of(text: str) -> tuple[Snippet, ...]:
    """The fenced and indented blocks of a Markdown `text`, in order; from the one that would be
    too much on, none.
    """
    found: list[Snippet] = []
    room = LONGEST
    for block in commonmark().parse(text[:LONGEST_TEXT]):
        if block.type not in {"fence", "code_block"} or not block.content.strip():
            continue
        room -= len(block.content)
        if room < 0 or len(found) == MOST:
            break
        language = block.info.split(maxsplit=1)
        found.append(Snippet(text=block.content, language=language[0][:40] if language else ""))
    return tuple(found)
