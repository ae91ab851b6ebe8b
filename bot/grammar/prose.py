"""The prose of a Markdown message, and where in it we are addressed.

Prose is what stands in paragraphs, list items and underlined headings. Code, quotes, HTML, tables,
links and struck-out text are not prose. Only paragraphs that hold an address are parsed inside,
so a long message costs little more than its blocks.
"""

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline, html_inline
from markdown_it.token import Token

from bot.commonmark import commonmark
from bot.grammar.elements import TAG, Elements

LONGEST_TEXT = 200_000
"""Characters; what comes after them is not read."""
MOST_BRACKETS = 2_000
"""Opening brackets in the paragraphs that have to be parsed inside; each one may start a link and
is looked at many times. Paragraphs after so many are not read.
"""
BLANKS = "\u200b\u2060\ufeff"
"""Characters without width, which pasting leaves behind; they part words as spaces do."""
ADDRESS = re.compile(rf"(?P<address>[/@]gryph)(?=[\s{BLANKS},:*_]|<!--|\Z)", re.IGNORECASE)
"""Us, and not a longer name; emphasis may end behind it."""
_BEFORE_A_MENTION = re.compile(rf"(?:^|[\s{BLANKS}(])[*_]*\Z")
_BEFORE_A_SLASH = re.compile(rf"[\s{BLANKS}]*[*_]*\Z")
_BLANK_THEN_ADDRESS = re.compile(rf"(?:[^\S\n]|[{BLANKS}])*+{ADDRESS.pattern}", re.IGNORECASE)
_WIDEST_INDENT = 100
_SHOWN_BY_GITHUB = ("<!-->", "<!--->")
"""Comments by today's CommonMark; GitHub reads 0.29 and escapes them, so they end no comment."""


@dataclass(frozen=True)
class Address:
    """An address in prose; `start` and `end` count in its paragraph's source."""

    start: int
    end: int
    ordinal: int
    """Its place among the addresses and HTML tags of the message."""


@dataclass(frozen=True)
class Paragraph:
    """One paragraph of prose."""

    source: str
    first_line: int
    """The line of the message its source starts on."""
    addresses: tuple[Address, ...] = ()
    comments: tuple[tuple[int, int], ...] = ()
    """Where HTML comments stand in the source."""


def paragraphs(text: str) -> tuple[Paragraph, ...]:
    """The top-level prose of `text`, with the addresses that stand in it."""
    markdown = _markdown()
    env: dict[str, object] = {}
    blocks: list[Token] = []
    normal = re.sub(r"\r\n?", "\n", text).replace("\0", "\ufffd")
    lines = normal.split("\n")
    markdown.block.parse(normal, markdown, env, blocks)
    elements = Elements()
    brackets = 0
    found: list[Paragraph] = []
    for block, is_prose in _with_prose(blocks):
        if block.type == "html_block":
            elements.read(block.content)
        elif is_prose and not _needs_parsing(block.content):
            found.append(Paragraph(block.content, _first_line(block, lines)))
        elif is_prose:
            brackets += block.content.count("[")
            if brackets <= MOST_BRACKETS:
                found.append(_paragraph(block, _first_line(block, lines), env, elements))
    in_html = elements.inside()
    return tuple(_without(paragraph, in_html) for paragraph in found)


def _with_prose(blocks: Sequence[Token]) -> Iterator[tuple[Token, bool]]:
    """Each block with whether it is the text of a paragraph outside quotes and tables."""
    quotes = 0
    holder = ""
    for block in blocks:
        if block.type in {"blockquote_open", "table_open"}:
            quotes += 1
        elif block.type in {"blockquote_close", "table_close"}:
            quotes -= 1
        elif block.type == "paragraph_open" or block.type == "heading_open":
            holder = block.markup
        yield block, block.type == "inline" and not quotes and not holder.startswith("#")


def _needs_parsing(source: str) -> bool:
    return ADDRESS.search(source) is not None or TAG.search(source) is not None


def _first_line(block: Token, lines: Sequence[str]) -> int:
    """The line the block's text starts on, which lost lines of odd blanks above it."""
    assert block.map is not None
    first, last = block.map
    start = block.content.partition("\n")[0].rstrip()
    while first + 1 < last and not lines[first].rstrip().endswith(start):
        first += 1
    return first


def _paragraph(
    block: Token, first_line: int, env: dict[str, object], elements: Elements
) -> Paragraph:
    source = block.content
    pieces: list[Token] = []
    _markdown().inline.parse(source, _markdown(), env, pieces)
    addresses: list[Address] = []
    comments: list[tuple[int, int]] = []
    struck = 0
    for piece in pieces:
        struck += (piece.type == "s_open") - (piece.type == "s_close")
        if piece.type == "address" and not struck:
            addresses.append(
                Address(piece.meta["start"], piece.meta["end"], elements.next_ordinal())
            )
        elif piece.type == "html_inline" and piece.content.startswith("<!--"):
            comments.append((piece.meta["start"], piece.meta["end"]))
        if piece.type == "html_inline" and piece.content not in _SHOWN_BY_GITHUB:
            elements.read(piece.content)
    return Paragraph(source, first_line, tuple(addresses), tuple(comments))


def _without(paragraph: Paragraph, in_html: frozenset[int]) -> Paragraph:
    if not paragraph.addresses:
        return paragraph
    kept = tuple(each for each in paragraph.addresses if each.ordinal not in in_html)
    return Paragraph(paragraph.source, paragraph.first_line, kept, paragraph.comments)


@functools.cache
def _markdown() -> MarkdownIt:
    """The one parser. It keeps no state between messages."""
    markdown = commonmark(html=True).enable(["table", "strikethrough"])
    markdown.inline.ruler.before("text", "address", _address_rule)
    markdown.inline.ruler.at("html_inline", _placed_html)
    return markdown


def _address_rule(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 (markdown-it's rule)
    """A blank that is no plain space begins a run of text, in which no rule would see a slash."""
    if state.src[state.pos].isalnum() or state.linkLevel > 0:
        return False
    found = _BLANK_THEN_ADDRESS.match(state.src, state.pos)
    if found is None or not _may_stand(state.src, found.start("address")):
        return False
    if not silent:
        token = state.push("address", "", 0)
        token.meta = {"start": found.start("address"), "end": found.end()}
    state.pos = found.end()
    return True


def _may_stand(source: str, start: int) -> bool:
    widest = max(0, start - _WIDEST_INDENT)
    line_start = source.rfind("\n", widest, start) + 1
    before = source[line_start or widest : start]
    if not line_start and widest:
        before = f"…{before}"
    if source[start] == "@":
        return _BEFORE_A_MENTION.search(before) is not None
    return _BEFORE_A_SLASH.match(before) is not None


def _placed_html(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 (markdown-it's rule)
    start = state.pos
    if not html_inline(state, silent):
        return False
    if not silent:
        state.tokens[-1].meta = {"start": start, "end": state.pos}
    return True
