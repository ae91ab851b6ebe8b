"""Code in fences that it cannot end itself."""

import re
from collections.abc import Iterator

from bot.text import head, units

SHORTEST = 3
MARKDOWN = "markdown"
LONGEST_FENCE = 200
"""Longer runs of backticks within the code are met with tildes."""
_TICKS = re.compile(r"`+")
_TILDES = re.compile(r"~+")
_LANGUAGE = re.compile(r"[A-Za-z0-9_+#.-]{1,32}")


def fence_for(text: str) -> str:
    """What opens and closes a fence around `text`."""
    ticks = _longer(_TICKS, text)
    if ticks <= LONGEST_FENCE:
        return "`" * ticks
    tildes = _longer(_TILDES, text)
    return "~" * tildes if tildes < ticks else "`" * ticks


def _longer(runs: re.Pattern[str], text: str) -> int:
    return max(SHORTEST, max(map(len, runs.findall(text)), default=0) + 1)


def language_of(info: str) -> str:
    """The language an info string names, "" for what is none."""
    named = info.split(maxsplit=1)
    return named[0] if named and _LANGUAGE.fullmatch(named[0]) else ""


def fenced(text: str, info: str = "") -> str:
    """The code in one fence; a line feed at its end is the fence's own."""
    fence, inside = fence_for(text), text.removesuffix("\n")
    return f"{fence}{language_of(info)}\n{inside}\n{fence}"


def as_source(markdown: str) -> str:
    """Markdown that is shown as it is written."""
    return fenced(markdown, MARKDOWN)


def cut_code(text: str, most: int) -> Iterator[str]:
    """The code in parts of at most `most` units, cut after a line; a longer line is cut in place.

    Joined by line feeds, the parts are the code again, but for lines that were cut.
    """
    assert most > 1, "room for a character beyond the basic plane"
    rest = text
    while len(rest) > most or units(rest) > most:
        part = head(rest, most)
        end = len(part) if rest[len(part)] == "\n" else part.rfind("\n")
        if end < 0:
            yield part
            rest = rest[len(part) :]
        else:
            yield rest[:end]
            rest = rest[end + 1 :]
    yield rest


def cut_fence(text: str, info: str, most: int) -> Iterator[str]:
    """The code in fences of at most `most` units each; nothing where not even they would fit."""
    fence = fence_for(text)
    room = most - 2 * len(fence) - len(language_of(info)) - 2
    if room < most // 2:
        return
    for part in cut_code(text, room):
        yield f"{fence}{language_of(info)}\n{part}\n{fence}"
