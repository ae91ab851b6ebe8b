"""A table's cells, as Markdown and as rows of equal length."""

import re
from collections.abc import Sequence

from bot.text import one_line

Row = tuple[str, ...]
_PIPE = re.compile(r"(\\*)\|")


def evened(header: Row, rows: Sequence[Row]) -> list[Row]:
    """Header and rows, each filled up to the longest; nothing where no cell says anything."""
    every = [header, *rows]
    columns = max(map(len, every))
    if not any(cell.strip() for row in every for cell in row):
        return []
    return [(*row, *[""] * (columns - len(row))) for row in every]


def unpiped(cell: str) -> str:
    """Inline Markdown whose pipes end no cell."""
    return _PIPE.sub(lambda found: found[0] if len(found[1]) % 2 else f"{found[1]}\\|", cell)


def markdown_table(header: Row, rows: Sequence[Row]) -> str:
    """A Markdown table; every cell is on one line and ends only itself."""
    named, *others = evened(header, rows) or [()]
    if not named:
        return ""
    lines = [_line(named), _line(("---",) * len(named)), *map(_line, others)]
    return "\n".join(lines)


def _line(cells: Row) -> str:
    return f"| {' | '.join(unpiped(one_line(cell)) or ' ' for cell in cells)} |"
