"""The legend of a chart: of the signs that are in it, and of no others."""

from collections.abc import Iterator

from engines.planning.artifacts.bars import (
    AWAY,
    INK,
    LATE,
    LATE_HATCH,
    NOBODYS,
    NOBODYS_PALE,
    NOW,
    QUIET,
    TEXT,
    Scale,
    diamond,
)
from engines.planning.artifacts.canvas import Box, Canvas, Fill, Font
from engines.planning.artifacts.rows import Bar, Rows

LINE = 50
"""Pixels of a line's height."""
_IN_A_LINE = 4
_SIGN = 46


def signs_of(rows: Rows, critical: frozenset[str], scale: Scale, now: int) -> list[str]:
    """The signs that the chart has."""
    bars = [bar for group in rows.groups for row in group.rows for bar in row]
    return list(_signs(rows, bars, critical, scale, now))


def _signs(
    rows: Rows, bars: list[Bar], critical: frozenset[str], scale: Scale, now: int
) -> Iterator[str]:
    with_signs = not any(group.is_thin for group in rows.groups)
    if with_signs and any(bar.task.id in critical for bar in bars):
        yield "critical"
    deadlines = [bar for bar in bars if bar.task.deadline is not None]
    if with_signs and any((bar.task.deadline or 0) <= scale.last for bar in deadlines):
        yield "deadline"
    if any(bar.placed.end > (bar.task.deadline or 0) for bar in deadlines):
        yield "late"
    if with_signs and any(bar.placed.end == bar.placed.start for bar in bars):
        yield "milestone"
    if any(a < scale.last for group in rows.groups for a, _ in group.absent):
        yield "away"
    if now > 0:
        yield "now"
        if any(bar.task.fixed and bar.placed.end <= now for bar in bars):
            yield "done"


def height_of(signs: list[str]) -> int:
    """Pixels that the legend takes."""
    return -(-len(signs) // _IN_A_LINE) * LINE


def paint(canvas: Canvas, signs: list[str], scale: Scale, top: float) -> None:
    """Draw the signs with their meaning, four in a line."""
    wide = (scale.right - scale.left) / _IN_A_LINE
    for number, sign in enumerate(signs):
        x = scale.left + wide * (number % _IN_A_LINE)
        middle = top + LINE * (number // _IN_A_LINE + 0.5)
        _sign(canvas, sign, x, middle)
        canvas.text(x + _SIGN + 12, middle, sign, Font(TEXT, QUIET))


def _sign(canvas: Canvas, sign: str, x: float, middle: float) -> None:
    box = Box(x, middle - 14, _SIGN, 28)
    match sign:
        case "critical":
            canvas.box(Box(x + 2, middle - 12, _SIGN - 4, 24), Fill("none", INK, 4))
        case "deadline":
            diamond(canvas, x + _SIGN / 2, middle, "white")
        case "late":
            canvas.box(box, Fill(LATE, LATE_HATCH, 0, "//"))
        case "milestone":
            diamond(canvas, x + _SIGN / 2, middle, INK)
        case "away":
            canvas.box(box, Fill(AWAY))
        case "now":
            canvas.line((x + _SIGN / 2, middle - 18), (x + _SIGN / 2, middle + 18), NOW, 4)
        case _:
            canvas.box(box, Fill(NOBODYS_PALE, NOBODYS, 1))
