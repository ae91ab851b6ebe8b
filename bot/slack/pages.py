"""Messages filled block by block within Slack's limits.

Slack's own figures: 50 blocks, 12,000 characters of `markdown` blocks and about 13,200 in all a
message. A `markdown` block is expanded on the server and counts by its elements. We stay below.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from bot.text import units

SlackBlock = dict[str, Any]

CONTENT_UNITS = 9_000
CONTENT_BLOCKS = 36
WHOLE_UNITS = 12_000
WHOLE_BLOCKS = 45


@dataclass(frozen=True)
class Message:
    """What chat.postMessage takes: a fallback text and blocks."""

    text: str
    blocks: tuple[SlackBlock, ...]


@dataclass(frozen=True)
class Prose:
    """A piece of Markdown; pieces of the same `source` may share a block."""

    text: str
    source: int


@dataclass(frozen=True)
class Native:
    """A block as it stands, with the length of its texts."""

    block: SlackBlock
    length: int


Piece = Prose | Native


@dataclass
class Page:
    """A message that is being filled."""

    blocks: list[SlackBlock] = field(default_factory=list[SlackBlock])
    weight: int = 0
    length: int = 0
    _source: int | None = None
    """Of the Markdown block at the end, if one is there."""

    def takes(self, piece: Piece, *, blocks: int, length: int) -> bool:
        """Whether the piece still fits within so many blocks and characters."""
        return self.weight + 1 <= blocks and self.length + _length(piece) <= length

    def add(self, piece: Piece) -> None:
        """Put the piece at the end."""
        self.weight += 1
        self.length += _length(piece)
        if isinstance(piece, Native):
            self.blocks.append(piece.block)
            self._source = None
        elif self._source == piece.source:
            self.blocks[-1]["text"] += f"\n\n{piece.text}"
        else:
            self.blocks.append({"type": "markdown", "text": piece.text})
            self._source = piece.source


def _length(piece: Piece) -> int:
    return units(piece.text) + 2 if isinstance(piece, Prose) else piece.length


def fill(pieces: Iterable[Piece], most_pages: int) -> tuple[list[Page], bool]:
    """Pages with as many pieces as they take, and whether that was all of them.

    The pieces are read to their end in any case.
    """
    pages = [Page()]
    complete = True
    for piece in pieces:
        if not pages[-1].takes(piece, blocks=CONTENT_BLOCKS, length=CONTENT_UNITS):
            complete = complete and len(pages) < most_pages
            if complete:
                pages.append(Page())
        if complete:
            pages[-1].add(piece)
    return pages, complete


def close(pages: list[Page], endings: Iterable[Piece]) -> None:
    """Put what belongs under the content there, on a further page where it does not fit."""
    for piece in endings:
        if not pages[-1].takes(piece, blocks=WHOLE_BLOCKS, length=WHOLE_UNITS):
            pages.append(Page())
        pages[-1].add(piece)
