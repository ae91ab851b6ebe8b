"""The Gantt chart of a plan, to be read on a phone.

A phone shows a picture at about 375 points' width: of 1,080 pixels that is a third, so that text of
32 pixels is seen as one of 11 points. There is no room for a column of names, therefore: each bar
has its task's name beside it, where there is room. Time runs in ticks, so that nights and weekends
take no room either.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from engines.planning.artifacts.axis import labels
from engines.planning.artifacts.bars import (
    AWAY,
    INK,
    NOW,
    QUIET,
    TEXT,
    BarPainter,
    Scale,
    color_of,
)
from engines.planning.artifacts.canvas import Box, Canvas, Fill, Font, drawable
from engines.planning.artifacts.legend import height_of, paint, signs_of
from engines.planning.artifacts.marks import Marks, critical_in, lateness
from engines.planning.artifacts.rows import Bar, Group, Rows, rows_of
from engines.planning.team import TeamPlan
from engines.planning.types import Plan

WIDTH = 1_080
"""Pixels."""
EDGE = 28
_HEADING = 62
_PAD = 16
_TOP = 176
"""Title, summary and dates."""
_MOST_LABELS = 7
_BEYOND = 1.25
"""A deadline up to so many times the makespan is still in the picture."""
_GRID = "#d4d4d4"


def gantt_png(team: TeamPlan, plan: Plan, marks: Marks | None = None) -> bytes:
    """The chart as a PNG of 1,080 pixels' width, a row a task or, of many, a row a person."""
    marks = marks or Marks()
    critical = critical_in(team.problem, plan) if marks.critical is None else marks.critical
    rows = rows_of(team, plan)
    scale = Scale(EDGE, WIDTH - EDGE, _last_tick(team, plan))
    signs = signs_of(rows, critical, scale, team.problem.now)
    height = sum(len(g.rows) * g.height + (_HEADING if g.name else 0) for g in rows.groups)
    canvas = Canvas(WIDTH, _TOP + height + 2 * _PAD + height_of(signs))
    chart = _Chart(canvas, scale, team, plan, _TOP + height)
    chart.title(rows)
    chart.shade(rows)
    chart.axis()
    chart.bars(rows, BarPainter(canvas, scale, team, critical, marks.on_time))
    paint(canvas, signs, scale, _TOP + height + _PAD)
    return canvas.png()


def _last_tick(team: TeamPlan, plan: Plan) -> int:
    """Where the axis ends: with the plan, or a deadline that is not far behind it."""
    end = max(1, plan.makespan, team.problem.now)
    deadlines = [task.deadline for task in team.problem.tasks if task.deadline is not None]
    return max([end, *(one for one in deadlines if one <= _BEYOND * end)])


@dataclass(frozen=True)
class _Chart:
    """What is drawn around the bars."""

    canvas: Canvas
    scale: Scale
    team: TeamPlan
    plan: Plan
    bottom: int
    """Below the last row."""

    def title(self, rows: Rows) -> None:
        """The plan's name, and the figures that matter most."""
        wide = WIDTH - 2 * EDGE
        font = Font(40, bold=True)
        title = drawable(self.team.problem.title) or "Plan"
        self.canvas.text(EDGE, 38, self.canvas.fitted(title, font, wide), font)
        small = Font(TEXT, QUIET)
        figures = self.canvas.fitted(" · ".join(self._figures(rows)), small, wide)
        self.canvas.text(EDGE, 90, figures, small)

    def _figures(self, rows: Rows) -> Iterator[str]:
        tasks = len(self.plan.placed)
        yield f"{tasks:,} task{'' if tasks == 1 else 's'}"
        yield f"ends {self.team.say_when(self.plan.makespan, end=True)}"
        if late := lateness(self.team.problem, self.plan):
            yield f"{len(late)} late"
        if rows.left_out:
            yield f"{rows.left_out} more people"

    def shade(self, rows: Rows) -> None:
        """The times at which people are away."""
        for _, group, y in self._placed(rows):
            for begin, until in group.absent:
                if begin < self.scale.last:
                    x = self.scale.x(begin)
                    wide = self.scale.x(until) - x
                    self.canvas.box(Box(x, y, wide, group.height), Fill(AWAY))

    def axis(self) -> None:
        """Dates, and a line at each through all rows."""
        font = Font(TEXT, QUIET)
        free = 0.0
        for tick, label in labels(self.team, self.scale.last, _MOST_LABELS):
            x = self.scale.x(tick)
            self.canvas.line((x, _TOP - 18), (x, self.bottom), _GRID, 2)
            wide = self.canvas.width_of(label, font)
            left = max(EDGE, min(x - wide / 2, WIDTH - EDGE - wide))
            if left >= free:
                self.canvas.text(left, _TOP - 38, label, font)
                free = left + wide + TEXT / 2

    def bars(self, rows: Rows, painter: BarPainter) -> None:
        """All rows, under the names of their people."""
        for row, group, y in self._placed(rows):
            painter.row(row, group, y)
        self._now()
        for row, group, y in self._placed(rows):
            painter.signs(row, group, y)
        y = _TOP
        for group in rows.groups:
            if group.name:
                self._heading(group, y)
            y += len(group.rows) * group.height + (_HEADING if group.name else 0)

    def _placed(self, rows: Rows) -> Iterator[tuple[tuple[Bar, ...], Group, int]]:
        """Each row with its group and its top."""
        y = _TOP
        for group in rows.groups:
            y += _HEADING if group.name else 0
            for row in group.rows:
                yield row, group, y
                y += group.height

    def _heading(self, group: Group, y: int) -> None:
        font = Font(TEXT, INK, bold=True)
        self.canvas.box(Box(EDGE, y + 18, 14, 32), Fill(color_of(group)))
        name = self.canvas.fitted(group.name, font, WIDTH - 2 * EDGE - 28)
        self.canvas.text(EDGE + 28, y + 34, name, font)

    def _now(self) -> None:
        """A line at the present moment, if the plan is under way."""
        if self.team.problem.now > 0:
            x = self.scale.x(self.team.problem.now)
            self.canvas.line((x, _TOP - 18), (x, self.bottom), NOW, 4)
