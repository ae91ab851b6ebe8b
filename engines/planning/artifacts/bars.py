"""The bars of a chart and their names, and the legend of their signs."""

from collections.abc import Mapping
from dataclasses import dataclass

from engines.planning.artifacts.canvas import Box, Canvas, Fill, Font
from engines.planning.artifacts.marks import stretches
from engines.planning.artifacts.rows import Bar, Group
from engines.planning.team import TeamPlan

TEXT = 32
INK = "#1a1a1a"
QUIET = "#5f5f5f"
AWAY = "#e4e4e4"
NOW = "#C2185B"
LATE, LATE_HATCH = "#D55E00", "#F2A56B"
# Okabe and Ito's colours, which the colour-blind tell apart, without the one that says "late".
_COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#8A7A00")
_PALE = ("#b5d3e6", "#f7deb0", "#b3dfd2", "#efd6e3", "#cde8f7", "#dad5a8")
_LIGHT = ("#E69F00", "#CC79A7", "#56B4E9")
NOBODYS, NOBODYS_PALE = "#6b6b6b", "#d0d0d0"
_MARGIN = 7
"""Pixels between a bar and the edges of its row."""
_GAP = 12
"""Pixels between a bar and its name."""
_LEAST_NAME = 80
"""Pixels; less room than that holds no name that is cut off."""
_LEAST_OF_MANY = 200
"""The same in a row of many bars."""
_OUTLINE = 4
_DIAMOND = 15
"""Half of its height."""
_SMALLEST = 3
"""Pixels of the shortest task."""


@dataclass(frozen=True)
class Scale:
    """Where ticks lie from left to right, in pixels."""

    left: float
    right: float
    last: int
    """The tick at the right."""

    def x(self, tick: float) -> float:
        """Where a tick lies; later ones than the last lie at the right."""
        return self.left + (self.right - self.left) * min(tick, self.last) / self.last


def color_of(group: Group) -> str:
    """What a group's bars are painted with."""
    return NOBODYS if group.color < 0 else _COLORS[group.color % len(_COLORS)]


def _pale_of(group: Group) -> str:
    return NOBODYS_PALE if group.color < 0 else _PALE[group.color % len(_PALE)]


@dataclass(frozen=True)
class _Room:
    """A stretch of a row that a name may take."""

    left: float
    right: float
    align_right: bool = False
    inside: bool = False

    @property
    def width(self) -> float:
        return self.right - self.left


@dataclass(frozen=True)
class BarPainter:
    """Paints rows of bars."""

    canvas: Canvas
    scale: Scale
    team: TeamPlan
    critical: frozenset[str]
    on_time: Mapping[str, float]

    def row(self, bars: tuple[Bar, ...], group: Group, y: float) -> None:
        """The bars of a row, its top at `y`."""
        for bar in bars:
            if bar.placed.end > bar.placed.start:
                self._bar(bar, group, y)

    def signs(self, bars: tuple[Bar, ...], group: Group, y: float) -> None:
        """What lies above the bars: milestones, deadlines and, where there is room, names."""
        if group.is_thin:
            return
        for bar in bars:
            if bar.placed.end == bar.placed.start:
                diamond(self.canvas, self.scale.x(bar.placed.end), y + group.height / 2, INK)
            self._deadline(bar, group, y)
        for bar in bars:
            self._name(bar, group, y, alone=len(bars) == 1)

    def _bar(self, bar: Bar, group: Group, y: float) -> None:
        margin = min(_MARGIN, group.height // 4)
        top, height = y + margin, group.height - 2 * margin
        left = self.scale.x(bar.placed.start)
        right = max(self.scale.x(bar.placed.end), left + _SMALLEST)
        whole = Box(left, top, right - left, height)
        is_done = self._is_done(bar)
        self.canvas.box(whole, Fill(_pale_of(group)))
        if not is_done:
            for begin, until in stretches(bar.placed.start, bar.placed.end, group.absent):
                x = self.scale.x(begin)
                width = max(self.scale.x(until) - x, _SMALLEST)
                self.canvas.box(Box(x, top, width, height), Fill(color_of(group)))
        deadline = bar.task.deadline
        if deadline is not None and bar.placed.end > deadline and not is_done:
            x = max(left, self.scale.x(deadline))
            self.canvas.box(Box(x, top, right - x, height), Fill(LATE, LATE_HATCH, 0, "//"))
        if group.is_thin:
            return
        if bar.task.id in self.critical:
            inner = Box(left + 2, top, right - left - 4, height)
            self.canvas.box(inner, Fill("none", INK, _OUTLINE))
        else:
            self.canvas.box(whole, Fill("none", "white", 1))

    def _is_done(self, bar: Bar) -> bool:
        return bar.task.fixed is not None and bar.placed.end <= self.team.problem.now

    def _deadline(self, bar: Bar, group: Group, y: float) -> None:
        deadline = bar.task.deadline
        if deadline is None or deadline > self.scale.last:
            return
        color = LATE if bar.placed.end > deadline else "white"
        diamond(self.canvas, self.scale.x(deadline), y + group.height / 2, color)

    def _name(self, bar: Bar, group: Group, y: float, *, alone: bool) -> None:
        rooms = [one for one in self._rooms(bar, alone=alone) if one.width > TEXT]
        if not rooms:
            return
        suffix = self._suffix(bar)
        is_critical = bar.task.id in self.critical
        font = Font(TEXT, INK, bold=is_critical)
        wanted = self.canvas.width_of(bar.name + suffix, font)
        room = next((one for one in rooms if one.width >= wanted), None)
        room = room or max(rooms, key=lambda one: one.width)
        if room.width < min(wanted, _LEAST_NAME if alone else _LEAST_OF_MANY):
            return
        suffix_width = self.canvas.width_of(suffix, font) if suffix else 0
        text = self.canvas.fitted(bar.name, font, room.width - suffix_width) + suffix
        color = INK
        if room.inside and not self._is_done(bar) and color_of(group) not in _LIGHT:
            color = "white"
        x = room.right if room.align_right else room.left
        align = "right" if room.align_right else "left"
        halo = "" if room.inside else "white"
        font = Font(TEXT, color, is_critical, align, halo)
        self.canvas.text(x, y + group.height / 2, text, font)

    def _suffix(self, bar: Bar) -> str:
        """What is told behind the name: how late, or how likely in time."""
        deadline = bar.task.deadline
        if deadline is not None and bar.placed.end > deadline:
            return f" · {self.team.say_length(bar.placed.end - deadline)} late"
        if bar.task.id in self.on_time:
            return f" · {100 * self.on_time[bar.task.id]:.0f} % on time"
        return ""

    def _rooms(self, bar: Bar, *, alone: bool) -> list[_Room]:
        """Where the name may stand, the best place first."""
        left, right = self.scale.x(bar.placed.start), self.scale.x(bar.placed.end)
        if bar.placed.end == bar.placed.start:
            left, right = left - _DIAMOND, right + _DIAMOND
        if not alone:
            return [_Room(left + _GAP, right - _GAP, inside=True)]
        marks = [(left, right)]
        deadline = bar.task.deadline
        if deadline is not None and deadline <= self.scale.last:
            x = self.scale.x(deadline)
            marks.append((x - _DIAMOND, x + _DIAMOND))
        rooms = [_Room(max(b for _, b in marks) + _GAP, self.scale.right)]
        for _, mark in marks[1:]:
            mark_left = mark - 2 * _DIAMOND
            if mark_left > right:
                rooms.insert(0, _Room(right + _GAP, mark_left - _GAP))
            rooms.append(_Room(left + _GAP, min(right, mark_left) - _GAP, inside=True))
            rooms.append(_Room(max(left, mark) + _GAP, right - _GAP, inside=True))
        if len(marks) == 1:
            rooms.append(_Room(left + _GAP, right - _GAP, inside=True))
        first = min(a for a, _ in marks)
        return [*rooms, _Room(self.scale.left, first - _GAP, align_right=True)]


def diamond(canvas: Canvas, x: float, y: float, color: str) -> None:
    """The sign of a moment, its centre at `x` and `y`."""
    half = _DIAMOND
    points = [(x - half, y), (x, y - half), (x + half, y), (x, y + half)]
    canvas.shape(points, Fill(color, INK, 3))
