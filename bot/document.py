"""Markdown read as blocks, so that it can be cut between them and shown where there is no Markdown.

Read as CommonMark with tables and without HTML, which no face lets through.
https://spec.commonmark.org/0.31.2/
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from markdown_it.rules_block import table
from markdown_it.token import Token

from bot.code_blocks import MARKDOWN, as_source, cut_fence, fenced, language_of
from bot.commonmark import commonmark, is_too_deep
from bot.text import ZERO_WIDTH, units, wrapped

_untabled = commonmark().disable("inline")
_parser = commonmark().disable("inline")
_parser.block.ruler.before("lheading", "pipes", table, {"alt": ["paragraph", "reference"]})
_MARKER = re.compile(r"[^>\s]")
_QUOTE = re.compile(r">(?![ \t])")
"""Takes the next space for its own, where there is one."""
_BLOCK_START = re.compile(r"[`~#>*+=|\d:-]|\[[^\]]*\]:")
MOST_LINES = 10_000
"""That are read: 50,000 list items take two seconds."""
_GAP = re.compile(r"\n(?:[ \t]*\n)+")
_FENCES = re.compile(r"```|~~~")
_OPENED = re.compile(r"^ {0,3}(?=(?:`{3,}[^`\n]*|~{3}.*)\Z)", re.MULTILINE)
"""What a paragraph's last line is not, but may be once it is cut."""
_MAY_HOLD_MORE = re.compile(r"```|~~~| {4}|\t|\|")
"""Without it there is neither code nor a table, and nothing need be parsed."""


class Kind(StrEnum):
    """What a block is."""

    PROSE = "prose"
    """A paragraph or heading."""
    CODE = "code"
    TABLE = "table"
    LIST = "list"
    OTHER = "other"
    """A quote or a rule."""


@dataclass(frozen=True)
class Element:
    """A block that stands in no other, as the lines it was written in."""

    kind: Kind
    text: str
    """Code is fenced and its fence closed."""
    code: str = ""
    info: str = ""
    """What the fence said of the code."""
    items: tuple[str, ...] = ()
    """Of a list."""


@dataclass(frozen=True)
class Flat:
    """A stretch of a text of which all blocks are laid out one after the other."""

    kind: Kind
    """Prose (of any kind), a table, or code."""
    text: str
    """Of code only what is inside the fence."""
    info: str = ""


_KINDS = {
    "fence": Kind.CODE,
    "code_block": Kind.CODE,
    "table_open": Kind.TABLE,
    "bullet_list_open": Kind.LIST,
    "ordered_list_open": Kind.LIST,
    "paragraph_open": Kind.PROSE,
    "heading_open": Kind.PROSE,
}


@dataclass(frozen=True)
class _Read:
    lines: list[str]
    tokens: list[Token]

    @cached_property
    def item_starts(self) -> list[int]:
        """The first lines of the items of all lists that stand in nothing else."""
        items = (t for t in self.tokens if t.type == "list_item_open" and t.level == 1)
        return [_span(item, self.lines)[0] for item in items]


def _read(markdown: str, *, has_tables: bool = True) -> _Read:
    lines = markdown.split("\n")
    parser = _parser if has_tables else _untabled
    return _Read(lines, parser.parse("\n".join([*lines, ""])))


def _span(token: Token, lines: Sequence[str]) -> tuple[int, int]:
    assert token.map is not None
    return token.map[0], min(token.map[1], len(lines))


def elements(markdown: str) -> list[Element]:
    """The blocks of a text in order; joined by empty lines they read as the text does.

    What is nested too deep is code: its own source.
    """
    read = _read(markdown)
    if is_too_deep(read.tokens):
        return [Element(Kind.CODE, as_source(markdown), markdown, MARKDOWN)]
    read = _closed(read)
    found: list[Element] = []
    at = 0
    for top in [t for t in read.tokens if t.level == 0 and t.map and t.nesting >= 0]:
        start, end = _span(top, read.lines)
        found += _definitions(read.lines[at:start])
        found += (Element(Kind.PROSE, said) for said in _said_of(top))
        found.append(_element(top, read))
        at = end
    return [*found, *_definitions(read.lines[at:])]


def _said_of(code: Token) -> Iterator[str]:
    """What a fence says of its code besides the language, which no face would show."""
    said = code.info.strip()
    if code.type == "fence" and said and said != language_of(said):
        yield as_paragraph(said)


def _definitions(lines: Sequence[str]) -> Iterator[Element]:
    """Where links lead: lines that are in no block, and are paragraphs once that is shown."""
    for text in _GAP.split("\n".join(lines).strip()):
        if text:
            yield Element(Kind.OTHER, text)


def standalone(markdown: str, *, has_tables: bool = True) -> str:
    """The text as it can stand between others: it takes none of them in, nor is taken in.

    Every fence is closed, and what is indented at its beginning stands behind an empty-looking
    paragraph, since a list before it would draw it in. Of more lines than can be read, or nested
    deeper, it becomes the source of itself. Who reads the result without tables says so: a line
    that ends a fence would begin one where the fence itself goes on with a paragraph.
    """
    source = markdown.strip("\n")
    if _FENCES.search(source):
        if source.count("\n") >= MOST_LINES:
            return as_source(source)
        read = _read(source, has_tables=has_tables)
        if is_too_deep(read.tokens):
            return as_source(source)
        source = "\n".join(_closed(read).lines)
    return f"{ZERO_WIDTH}\n\n{source}" if source[:1].isspace() else source


def as_paragraph(line: str) -> str:
    """The line as the beginning of a paragraph and of nothing else."""
    return f"{ZERO_WIDTH}{line}" if _BLOCK_START.match(line) else line


def _closed(read: _Read) -> _Read:
    """The same with a line behind every fence that only the end of its container closes."""
    open_fences = [t for t in read.tokens if t.type == "fence" and _is_open(t)]
    if not open_fences:
        return read
    lines = list(read.lines)
    for token in reversed(open_fences):
        start, end = _span(token, read.lines)
        prefix = read.lines[start].partition(token.markup)[0]
        lines.insert(end, _MARKER.sub(" ", _QUOTE.sub("> ", prefix)) + token.markup)
    return _read("\n".join(lines))


def _is_open(fence: Token) -> bool:
    assert fence.map is not None
    return fence.content.count("\n") > fence.map[1] - fence.map[0] - 2


def _element(token: Token, read: _Read) -> Element:
    start, end = _span(token, read.lines)
    kind = _KINDS.get(token.type, Kind.OTHER)
    text = "\n".join(read.lines[start:end]).rstrip("\n")
    match kind:
        case Kind.CODE:
            code = token.content.removesuffix("\n")
            return Element(kind, fenced(code, token.info), code, token.info)
        case Kind.LIST:
            return Element(kind, text, items=tuple(_items(start, end, read)))
        case Kind.PROSE:
            return Element(kind, text.lstrip(" \t"))
        case _:
            return Element(kind, text)


def _items(first: int, last: int, read: _Read) -> Iterator[str]:
    known = read.item_starts
    starts = known[bisect_left(known, first) : bisect_left(known, last)]
    for start, end in zip(starts, [*starts[1:], last], strict=True):
        yield "\n".join(read.lines[start:end]).rstrip("\n")


def cut_element(element: Element, most: int) -> Iterator[str | None]:
    """The element in parts of at most `most` units; None stands for what cannot be cut."""
    if units(element.text) <= most:
        yield element.text
        return
    match element.kind:
        case Kind.CODE:
            yield from list(cut_fence(element.code, element.info, most)) or [None]
        case Kind.LIST:
            for item in element.items:
                yield item if units(item) <= most else None
        case Kind.PROSE:
            yield from _paragraphs(element.text, most)
        case Kind.TABLE:
            yield from _tables(element.text.split("\n"), most)
        case Kind.OTHER:
            yield None


def _paragraphs(text: str, most: int) -> Iterator[str]:
    for index, part in enumerate(wrapped(text, most - 2)):
        whole = _OPENED.sub(rf"\g<0>{ZERO_WIDTH}", part) if part != text else part
        yield as_paragraph(whole) if index else whole


def _tables(lines: list[str], most: int) -> Iterator[str | None]:
    """Tables with the same header, of as many rows as fit."""
    header = lines[:2]
    frame = sum(units(line) + 1 for line in header)
    rows: list[str] = []
    room = most - frame
    for row in lines[2:]:
        length = units(row) + 1
        if length > room and rows:
            yield "\n".join([*header, *rows])
            rows, room = [], most - frame
        if length > room:
            yield None
            continue
        rows.append(row)
        room -= length
    if rows:
        yield "\n".join([*header, *rows])


def flat(markdown: str) -> Iterator[Flat]:
    """The text for a face that knows neither tables nor code within lists and quotes.

    Lines beyond those that can be read, and what is nested too deep, are code, which is shown as it
    is.
    """
    lines = markdown.split("\n")
    first, unread = "\n".join(lines[:MOST_LINES]), lines[MOST_LINES:]
    read = _read(first) if _MAY_HOLD_MORE.search(first) else _Read(lines[:MOST_LINES], [])
    if is_too_deep(read.tokens):
        yield Flat(Kind.CODE, markdown)
        return
    at = 0
    for token in read.tokens:
        kind = _KINDS.get(token.type, Kind.OTHER)
        if kind not in (Kind.CODE, Kind.TABLE):
            continue
        start, end = _span(token, read.lines)
        before = read.lines[at:start]
        if kind is Kind.CODE:
            marker = _before_code(read.lines[start], token).rstrip("> \t")
            before += [*([marker] if marker else []), *_said_of(token)]
        yield from _prose(before)
        inside = token.content if kind is Kind.CODE else _unquoted(read.lines[start:end], token)
        yield Flat(kind, inside.removesuffix("\n"), token.info)
        at = end
    yield from _prose(read.lines[at:])
    if unread:
        yield Flat(Kind.CODE, "\n".join(unread))


def _before_code(line: str, code: Token) -> str:
    """What opens a list or a quote on the line on which the code in it begins."""
    if code.type == "fence":
        return line.partition(code.markup)[0]
    first = code.content.partition("\n")[0].strip()
    return line.rstrip()[: -len(first)] if first else line


def _prose(lines: list[str]) -> Iterator[Flat]:
    if lines:
        yield Flat(Kind.PROSE, "\n".join(lines))


def _unquoted(lines: list[str], token: Token) -> str:
    """A table's lines without the marks of the quotes and lists that it stands in."""
    return "\n".join(line.lstrip("> \t") if token.level else line for line in lines)
