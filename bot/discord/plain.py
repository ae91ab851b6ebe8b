"""Small pieces of text: escaped, or without markup."""

import re

from bot.passages import split
from bot.text import ZERO_WIDTH, one_line

_MARKUP = re.compile(r"([\\*_~`|>\[\]()#<-])")
_LINK = re.compile(r"\]\([^)\n]")
_EMPHASIS = re.compile(r"\*\*|~~")
_FENCING = re.compile(r"`(?=``)")


def escaped(text: str) -> str:
    """Text that shows as it is."""
    return _MARKUP.sub(r"\\\1", one_line(text))


def unfenced(text: str) -> str:
    """Text in which no three backticks stand together, so that it opens and ends no fence."""
    return _FENCING.sub("`" + ZERO_WIDTH, text)


def in_code_span(text: str) -> str:
    """One line that stays inside a code span."""
    return one_line(text).replace("`", "\u02cb")


def plain_cell(markdown: str) -> str:
    """A table cell for a code block, where markup would only be noise."""
    return "".join(
        _EMPHASIS.sub("", plain) + span.strip("`") for plain, span in split(one_line(markdown))
    )


def has_link(markdown: str) -> bool:
    """Whether the text holds an address that a code block would make useless."""
    return _LINK.search(markdown) is not None
