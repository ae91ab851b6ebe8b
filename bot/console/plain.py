"""Text made safe and fit for a terminal: no control sequences, known widths, few styles."""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

_BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_UNSAFE = {
    **{code: 0x2400 + code for code in range(0x20) if chr(code) not in "\n\t"},
    **dict.fromkeys([0x7F, *range(0x80, 0xA0), 0x2028, 0x2029, *map(ord, _BIDI)], 0xFFFD),
}
_CODE = re.compile(r"(`[^`\n]+`)")
_BOLD = re.compile(r"\*\*([^*\n]+)\*\*")
_LINK = re.compile(r"\[([^\[\]\n]+)\]\(([^()\s]+)\)")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})[ ]*([^`\n]*)$")
_LANGUAGES = ("", "text", "console", "diff", "json", "python", "sh", "toml", "yaml")
"""A fence that says no more than this is shown by indenting alone."""
_WRAP_MIN = 20


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
    return text.replace("\r\n", "\n").translate(_UNSAFE)


def one_line(text: str) -> str:
    """Clean text whose line breaks are spaces."""
    return " ".join(clean(text).split())


def columns(text: str) -> int:
    """How many columns of a terminal the clean, unstyled text takes."""
    return sum(map(_columns, text))


def cut(text: str, width: int) -> str:
    """The text in at most `width` columns, with a sign where it was cut."""
    if columns(text) <= width:
        return text
    room = max(width - 1, 0)
    for end, character in enumerate(text):
        room -= _columns(character)
        if room < 0:
            return text[:end] + "…"
    return text


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
        pieces = _CODE.split(markdown)
        return "".join(
            self(piece, Style.CYAN) if index % 2 else self._prose(piece)
            for index, piece in enumerate(pieces)
        )

    def paragraphs(self, markdown: str) -> str:
        """Running Markdown; fenced code inside is indented and otherwise as it is."""
        fence: str | None = None
        lines: list[str] = []
        for line in markdown.split("\n"):
            mark = _FENCE.match(line)
            if fence is not None and _closes(line, fence):
                fence = None
            elif fence is not None:
                lines.append(f"    {line}" if line else "")
            elif mark is not None:
                fence = mark[1]
                lines += [] if mark[2].strip() in _LANGUAGES else [line]
            else:
                lines.append(self.inline(line))
        return "\n".join(lines)

    def _prose(self, text: str) -> str:
        linked = _LINK.sub(_address, text)
        return _ESCAPE.sub(r"\1", _BOLD.sub(lambda found: self(found[1], Style.BOLD), linked))


def _address(found: re.Match[str]) -> str:
    return found[2] if found[1] == found[2] else f"{found[1]} ({found[2]})"


def _closes(line: str, fence: str) -> bool:
    text = line.strip()
    return len(text) >= len(fence) and not text.strip(fence[0])


def table(header: tuple[str, ...], rows: tuple[tuple[str, ...], ...], width: int) -> list[str]:
    """Aligned lines, the first the header. Where they are too wide, the widest column is wrapped;
    where that is not enough, each row becomes lines of `header: cell`.

    Cells are shown without styles, whose marks would bend the columns.
    """
    unstyled = Ink(coloured=False)
    cells = [tuple(unstyled.inline(one_line(cell)) for cell in row) for row in (header, *rows)]
    widths = [max(columns(row[place]) for row in cells) for place in range(len(header))]
    widest = max(range(len(widths)), key=widths.__getitem__, default=0)
    excess = sum(widths) + 2 * (len(widths) - 1) - width
    if excess > 0:
        widths[widest] -= excess
        if widths[widest] < _WRAP_MIN:
            return _records(cells[0], cells[1:])
        cells = [line for row in cells for line in _wrapped(row, widest, widths[widest])]
    right = [all(map(_is_figure, column)) for column in zip(*cells[1:], strict=True)]
    aligned = [right[place] if right else False for place in range(len(header))]
    return [_row(row, widths, aligned) for row in cells]


def _wrapped(row: tuple[str, ...], place: int, width: int) -> list[tuple[str, ...]]:
    """The row as lines of which only the first says anything outside the wrapped column."""
    first, *more = _folded(row[place], width)
    head = (*row[:place], first, *row[place + 1 :])
    blank = [""] * len(row)
    return [head, *[(*blank[:place], part, *blank[place + 1 :]) for part in more]]


def _folded(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` columns, broken at spaces where there are any."""
    lines: list[str] = []
    while columns(text) > width:
        head = cut(text, width).removesuffix("…")
        space = head.rfind(" ")
        end = space if space > 0 else len(head)
        lines.append(text[:end])
        text = text[end:].lstrip(" ")
    return [*lines, text]


def _row(row: tuple[str, ...], widths: list[int], right: list[bool]) -> str:
    padded = [
        " " * (width - columns(cell)) + cell if at_right else cell + " " * (width - columns(cell))
        for cell, width, at_right in zip(row, widths, right, strict=True)
    ]
    return "  ".join(padded).rstrip()


def _records(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    lines = [" · ".join(header)]
    for row in rows:
        lines.append("")
        lines.extend(f"{name}: {cell}" for name, cell in zip(header, row, strict=True))
    return lines


def _is_figure(cell: str) -> bool:
    return cell[:1].isdigit() or cell in ("", "-")
