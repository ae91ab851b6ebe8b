"""Text made safe and fit for a terminal: no control sequences, known widths, few styles."""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from bot.document import Flat, Kind, flat
from bot.passages import split
from bot.table import Row, evened
from storage.unseen import seen

_UNSAFE = {
    **{code: 0x2400 + code for code in range(0x20) if chr(code) not in "\n\t"},
    **dict.fromkeys(map(ord, "\u061c\u200e\u200f\u2028\u2029"), 0xFFFD),
}
"""Where a terminal is more easily misled than a page."""
_BOLD = re.compile(r"\*\*([^*\n]+)\*\*")
_LINK = re.compile(r"\[([^\[\]\n]+)\]\(([^()\s]+)\)")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_MAY_HOLD_CODE = re.compile(r"```|~~~| {4}|\t")
_LANGUAGES = ("", "text", "console", "diff", "json", "python", "sh", "toml", "yaml")
"""A fence that says no more than this is shown by indenting alone."""
_WRAP_MIN = 20
_MOST_MARKS = 8
"""On one character, for each column of a line that is folded."""


class Style(StrEnum):
    """Looks, as their ECMA-48 parameters."""

    BOLD = "1"
    DIM = "2"
    RED = "31"
    GREEN = "32"
    YELLOW = "33"
    BLUE = "34"
    CYAN = "36"


def clean(text: str) -> str:
    """The text without what could steer a terminal; each such character leaves a visible sign."""
    return seen(text.replace("\r\n", "\n").replace("\r", "\n").translate(_UNSAFE))


def one_line(text: str) -> str:
    """Clean text whose line breaks are spaces."""
    return " ".join(clean(text).split())


def columns(text: str) -> int:
    """How many columns of a terminal the clean, unstyled text takes."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def cut(text: str, width: int) -> str:
    """The text in at most `width` columns, with a sign where it was cut."""
    return text if columns(text) <= width else text[: _fitting(text, max(width - 1, 0))] + "…"


def _fitting(text: str, width: int) -> int:
    """How many characters of the text take at most so many columns."""
    for end, character in enumerate(text):
        width -= _columns(character)
        if width < 0:
            return end
    return len(text)


@cache
def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


@dataclass(frozen=True)
class Ink:
    """Puts styles on text, or leaves it plain where nobody sees them."""

    coloured: bool

    def __call__(self, text: str, *styles: Style) -> str:
        """The text in these styles; each line on its own, so that a pager keeps them."""
        if not self.coloured or not styles:
            return text
        start = f"\x1b[{';'.join(styles)}m"
        return "\n".join(f"{start}{line}\x1b[0m" if line else "" for line in text.split("\n"))

    def inline(self, markdown: str) -> str:
        """One line of Markdown: strong text, code and links as a terminal shows them."""
        parts = split(markdown)
        return "".join(self._prose(said) + self(code, Style.CYAN) for said, code in parts)

    def paragraphs(self, markdown: str) -> str:
        """Running Markdown; code inside is indented and otherwise as it is."""
        may_hold_code = _MAY_HOLD_CODE.search(markdown)
        parts = flat(markdown) if may_hold_code else (Flat(Kind.PROSE, markdown),)
        return "\n".join(map(self._part, parts))

    def _part(self, part: Flat) -> str:
        lines = part.text.split("\n")
        if part.kind is not Kind.CODE:
            return "\n".join(map(self.inline, lines))
        named = [] if part.info.strip() in _LANGUAGES else [f"{part.info.strip()}:"]
        return "\n".join([*named, *(f"    {line}" if line else "" for line in lines)])

    def _prose(self, text: str) -> str:
        linked = _LINK.sub(_address, text)
        return _ESCAPE.sub(r"\1", _BOLD.sub(lambda found: self(found[1], Style.BOLD), linked))


def _address(found: re.Match[str]) -> str:
    return found[2] if found[1] == found[2] else f"{found[1]} ({found[2]})"


def table(header: Row, rows: tuple[Row, ...], width: int) -> list[str]:
    """Aligned lines, the first the header. Where they are too wide, the widest column is wrapped;
    where that is not enough, each row becomes lines of `header: cell`.

    Cells are shown without styles, whose marks would bend the columns.
    """
    unstyled = Ink(coloured=False)
    every = evened(header, rows)
    cells = [tuple(unstyled.inline(one_line(cell)) for cell in row) for row in every]
    if not cells:
        return []
    widths = [max(map(columns, column)) for column in zip(*cells, strict=True)]
    widest = max(range(len(widths)), key=widths.__getitem__, default=0)
    excess = sum(widths) + 2 * (len(widths) - 1) - width
    if excess > 0:
        widths[widest] -= excess
        if widths[widest] < _WRAP_MIN:
            return _records(cells[0], cells[1:])
        cells = [line for row in cells for line in _wrapped(row, widest, widths[widest])]
    right = [all(map(_is_figure, column)) for column in zip(*cells[1:], strict=True)]
    aligned = right or [False] * len(widths)
    return [_row(row, widths, aligned) for row in cells]


def _wrapped(row: Row, place: int, width: int) -> list[Row]:
    """The row as lines of which only the first says anything outside the wrapped column."""
    first, *more = folded(row[place], width)
    head = (*row[:place], first, *row[place + 1 :])
    blank = [""] * len(row)
    return [head, *[(*blank[:place], part, *blank[place + 1 :]) for part in more]]


def folded(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` columns, broken at spaces where there are any."""
    lines: list[str] = []
    at = 0
    while at < len(text):
        end = at + (_fitting(text[at : at + _MOST_MARKS * width], width) or 1)
        if end < len(text):
            space = text.rfind(" ", at + 1, end + 1)
            end = space if space > 0 else end
        lines.append(text[at:end])
        at = end + text.startswith(" ", end)
    return lines or [""]


def _row(row: Row, widths: list[int], right: list[bool]) -> str:
    padded = [
        " " * (width - columns(cell)) + cell if at_right else cell + " " * (width - columns(cell))
        for cell, width, at_right in zip(row, widths, right, strict=True)
    ]
    return "  ".join(padded).rstrip()


def _records(header: Row, rows: list[Row]) -> list[str]:
    lines = [" · ".join(header)]
    for row in rows:
        lines.append("")
        lines.extend(f"{name}: {cell}" for name, cell in zip(header, row, strict=True))
    return lines


def _is_figure(cell: str) -> bool:
    return cell[:1].isdigit() or cell in ("", "-")
