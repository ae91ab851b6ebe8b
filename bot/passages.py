"""Markdown taken apart into what is code and what is not, as CommonMark and GitHub see it.

Blocks are found by a CommonMark parser with HTML and link definitions switched off, which is how
the text reads once both have been disarmed; code spans by the backtick rule.
https://github.github.com/gfm/#code-spans
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from markdown_it.token import Token

from bot.code_blocks import as_source, fence_for
from bot.commonmark import commonmark, is_too_deep
from bot.text import ZERO_WIDTH, code_spans

_MARKDOWN = commonmark()  # its tables come before fences, GitHub's not
_MARKDOWN.core.ruler.enableOnly(["normalize", "block"])  # what is inline is decided here
_MARKDOWN.disable("reference")
_REFERRING = commonmark()
_REFERRING.core.ruler.enableOnly(["normalize", "block"])
_BEGINNINGS = frozenset({"code_block", "bullet_list_open", "ordered_list_open"})
"""Blocks that a paragraph would draw in and a definition does not."""
_RULER = re.compile(r"[ \t>]*[|:\-][|:\- \t]*")


class Kind(StrEnum):
    """How a passage is read."""

    PROSE = "prose"
    ROWS = "rows"
    """Of a table, or of what may be one."""
    FENCE = "fence"
    INDENTED = "indented"
    """Code without a fence."""
    REST = "rest"


_CODE = (Kind.FENCE, Kind.INDENTED)
_Block = tuple[int, int, Kind, tuple[str, str]]
_Place = tuple[int, bool]
"""How many quotes a block stands in, and whether in a list."""


@dataclass(frozen=True)
class Passage:
    """Lines of one block, or between two."""

    kind: Kind
    lines: list[str]
    markup: str = ""
    """What opened a fence."""
    closing: str = ""
    """What has to be added so that the fence ends."""

    @property
    def is_code(self) -> bool:
        """Whether it stands as it is."""
        return self.kind in _CODE


def passages(markdown: str) -> Iterator[Passage]:
    """The blocks that hold text, in order, with whatever stands between them.

    Code or a list behind a link's definition, which becomes a paragraph, is kept apart from it.
    What is nested too deep is code: its own source.
    """
    lines = markdown.split("\n")
    tokens = _MARKDOWN.parse(markdown)
    if is_too_deep(tokens):
        yield Passage(Kind.FENCE, as_source(markdown).split("\n"), fence_for(markdown))
        return
    blocks = list(_blocks(lines, tokens))
    if "]:" in markdown and (apart := _apart(lines, blocks)) != lines:
        lines, blocks = apart, list(_blocks(apart, _MARKDOWN.parse("\n".join(apart))))
    at = 0
    for start, end, kind, marks in blocks:
        if start < at:
            continue
        if start > at:
            yield Passage(Kind.REST, lines[at:start])
        yield Passage(kind, lines[start:end], *marks)
        at = end
    if at < len(lines):
        yield Passage(Kind.REST, lines[at:])


def _apart(lines: list[str], blocks: list[_Block]) -> list[str]:
    """The lines, with something between a definition and the block that it would draw in."""
    prose = [range(start + 1, end) for start, end, kind, _ in blocks if kind not in _CODE]
    inside = {number for each in prose for number in each}
    begun = _begun("\n".join(lines))
    made: list[str] = []
    for number, line in enumerate(lines):
        if number in inside and number in begun:
            made += _between(line, begun[number])
        made.append(line)
    return made


def _begun(markdown: str) -> dict[int, _Place]:
    """Where the outermost of the blocks stand that begin on a line."""
    found: dict[int, _Place] = {}
    quotes = lists = 0
    for token in _REFERRING.parse(markdown):
        if token.map is not None and token.type in _BEGINNINGS:
            found.setdefault(token.map[0], (quotes, lists > 0))
        quotes += token.nesting * token.type.startswith("blockquote")
        lists += token.nesting * token.type.startswith("list_item")
    return found


def _between(line: str, place: _Place) -> tuple[str, ...]:
    """What parts a block there from those before it."""
    quotes, is_listed = place
    found = re.match(rf"(?:[ \t]*>){{{quotes}}}", line)
    prefix = found[0] if found else ""
    if is_listed:
        return (prefix,)
    return (prefix, prefix + ZERO_WIDTH, prefix)  # what is indented would belong to a list


def _blocks(lines: list[str], tokens: Sequence[Token]) -> Iterator[_Block]:
    underlined = 0
    for token in tokens:
        if token.map is None:
            continue
        start, end = token.map[0], min(token.map[1], len(lines))
        inside = lines[start:end]
        if token.type == "fence":
            runs_out = token.level == 0 and not any(line.strip() for line in lines[end:])
            is_open = runs_out and not _is_closed(inside, token.markup)
            yield start, end, Kind.FENCE, (token.markup, token.markup if is_open else "")
        elif token.type == "code_block":
            yield start, end, Kind.INDENTED, ("", "")
        elif token.type == "heading_open":
            underlined = end
        elif token.type == "inline" and _looks_ruled(inside):
            yield start, max(end, underlined), Kind.ROWS, ("", "")
        elif token.type == "inline":
            yield start, end, Kind.PROSE, ("", "")


def _is_closed(lines: list[str], markup: str) -> bool:
    end = rf" {{0,3}}{re.escape(markup[0])}{{{len(markup)},}}[ \t]*"
    return len(lines) > 1 and re.fullmatch(end, lines[-1]) is not None


def _looks_ruled(lines: list[str]) -> bool:
    """Whether the line that rules a table's header off is among them."""
    return any("-" in line and _RULER.fullmatch(line) for line in lines)


def split(text: str) -> Iterator[tuple[str, str]]:
    """Pairs of plain text and the code span behind it, "" at the end."""
    at = 0
    for start, end in code_spans(text):
        yield text[at:start], text[start:end]
        at = end
    yield text[at:], ""


def reads_alike(rows: list[str]) -> bool:
    """Whether the code spans of a table's rows are the same with and without the table."""
    cells = [cell for row in rows for cell in row.split("|")]
    balanced = all("`" not in plain for cell in cells for plain, _ in split(cell))
    return balanced and not any("\\|" in row for row in rows)


def outside_code(markdown: str, change: Callable[[str], str]) -> str:
    """The Markdown with everything changed that is no code."""
    return "\n".join(_changed(each, change) for each in passages(markdown))


def _changed(passage: Passage, change: Callable[[str], str]) -> str:
    text = "\n".join(passage.lines)
    if passage.is_code:
        return text
    if passage.kind is Kind.ROWS and not reads_alike(passage.lines):
        return change(text)
    return outside_spans(text, change)


def outside_spans(text: str, change: Callable[[str], str]) -> str:
    """One block's text with everything changed that is no code span."""
    return "".join(change(plain) + code for plain, code in split(text))
