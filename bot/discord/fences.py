"""Discord's fences: three backticks anywhere open a code block and the next three close it.

CommonMark wants a fence on its own line and closes it at the end of the text; Discord shows an
unclosed one as three plain backticks. Both directions of translation start from this split.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

TICKS = "```"
ESCAPED_TICKS = r"\`\`\`"
_LANGUAGE = re.compile(r"[A-Za-z0-9_+\-.#]{1,32}")


@dataclass(frozen=True)
class Prose:
    """Text outside of fences; only an unclosed fence leaves three backticks in it."""

    text: str
    start: int
    """Offset in the whole text."""


@dataclass(frozen=True)
class Fence:
    """The inside of one code block."""

    text: str
    language: str = ""


def split_fences(text: str) -> Iterator[Prose | Fence]:
    """The parts of `text` in order, as Discord would read them. Linear in its length."""
    start = 0
    while (opened := text.find(TICKS, start)) >= 0:
        closed = text.find(TICKS, opened + len(TICKS))
        if closed < 0:
            break
        if opened > start:
            yield Prose(text[start:opened], start)
        yield _fence(text[opened + len(TICKS) : closed])
        start = closed + len(TICKS)
    if start < len(text):
        yield Prose(text[start:], start)


def _fence(inside: str) -> Fence:
    first, newline, body = inside.partition("\n")
    if newline and _LANGUAGE.fullmatch(first.strip()):
        return Fence(body.removesuffix("\n"), first.strip())
    if newline and not first.strip():
        return Fence(body.removesuffix("\n"))
    return Fence(inside)
