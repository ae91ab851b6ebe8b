"""Which bars stand in which row of a chart."""

from dataclasses import dataclass

from engines.planning.artifacts.canvas import drawable, is_drawable
from engines.planning.artifacts.marks import days_off
from engines.planning.team import TeamPlan
from engines.planning.types import Placed, Plan, Task

MOST_ROWS = 40
"""Tasks of which each gets a row of its own."""
MOST_PEOPLE = 24
"""People that get a row each where there are more tasks than that."""
ROW = 50
"""Pixels."""
_FEW_DAYS = 4
"""In a longer plan only whole days off are shaded."""
_THIN_ROWS = 1_600
"""Pixels for all rows of a plan without people that has too many tasks for names."""


@dataclass(frozen=True)
class Bar:
    """A task where it lies."""

    task: Task
    placed: Placed
    name: str
    """Its title or its id, or its place in the plan where no font here has either."""


@dataclass(frozen=True)
class Group:
    """The rows of one person, or of what is nobody's."""

    name: str
    absent: tuple[tuple[int, int], ...]
    rows: tuple[tuple[Bar, ...], ...]
    """From the top; each from the left."""
    color: int
    """The number of the person; -1 for nobody."""
    height: int = ROW
    """Of a row, in pixels."""

    @property
    def is_thin(self) -> bool:
        """Whether the rows are too low for names and signs."""
        return self.height < ROW


@dataclass(frozen=True)
class Rows:
    """All groups, from the top."""

    groups: tuple[Group, ...]
    left_out: int = 0
    """People who have no row."""


def rows_of(team: TeamPlan, plan: Plan) -> Rows:
    """A row a task; where that is too many, a row a person; without people, thin rows."""
    bars = _bars(team, plan)
    if not team.problem.is_staffed:
        height = ROW if len(bars) <= MOST_ROWS else max(1, _THIN_ROWS // len(bars))
        rows = tuple((bar,) for bar in sorted(bars, key=_start))
        return Rows((Group("", (), rows, 0, height),))
    each = len(bars) <= MOST_ROWS
    by_person: dict[str | None, list[Bar]] = {}
    for bar in sorted(bars, key=_start):
        by_person.setdefault(bar.placed.person, []).append(bar)
    there = [
        (number, person)
        for number, person in enumerate(team.problem.people)
        if person.id in by_person
    ]
    busiest = sorted(there, key=lambda one: -len(by_person[one[1].id]))
    shown = there if each else sorted(busiest[:MOST_PEOPLE], key=lambda one: one[0])
    is_long = plan.makespan > _FEW_DAYS * (team.day or 0)
    groups = [
        Group(
            _first_drawable((team.name_of(person.id), person.id), f"person {number + 1}"),
            days_off(team, person.id) if is_long else person.absent,
            _rows(by_person[person.id], each=each),
            number,
        )
        for number, person in shown
    ]
    if None in by_person:
        nobodys = by_person[None]
        name = "Milestones" if not any(bar.task.duration for bar in nobodys) else "Nobody"
        groups.append(Group(name, (), _rows(nobodys, each=each), -1))
    return Rows(tuple(groups), len(there) - len(shown))


def _rows(bars: list[Bar], *, each: bool) -> tuple[tuple[Bar, ...], ...]:
    return tuple((bar,) for bar in bars) if each else (tuple(bars),)


def _bars(team: TeamPlan, plan: Plan) -> list[Bar]:
    """All tasks but those of which nothing is known but that they are done."""
    placed = {one.task: one for one in plan.placed}
    return [
        Bar(task, placed[task.id], _first_drawable((task.title, task.id), f"task {number}"))
        for number, task in enumerate(team.problem.tasks, 1)
        if task.fixed is None or task.fixed.end > task.fixed.start or task.duration > 0
    ]


def _first_drawable(names: tuple[str, ...], otherwise: str) -> str:
    return next((drawable(name) for name in names if is_drawable(name)), otherwise)


def _start(bar: Bar) -> tuple[int, int]:
    return bar.placed.start, bar.placed.end
