"""Parsers of CommonMark, and how deep they read."""

from collections.abc import Iterable

from markdown_it import MarkdownIt
from markdown_it.token import Token

DEEPEST = 50
"""Blocks within blocks; each list is two. Of what is nested deeper nothing is read, nor of anything
behind it. GitHub reads a hundred, for which 200,000 characters would take four seconds.
"""


def commonmark(*, html: bool = False) -> MarkdownIt:
    """A parser of its own, without extensions."""
    return MarkdownIt("commonmark", {"html": html, "maxNesting": DEEPEST})


def is_too_deep(tokens: Iterable[Token]) -> bool:
    """Whether not everything was read."""
    return any(token.level >= DEEPEST - 1 for token in tokens)
