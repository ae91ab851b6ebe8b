"""A plan as CSV, for a spreadsheet: who does what and when.

The same columns are read again as a plan (`engines.planning.reading.team_csv`), in which everybody
keeps what they have here.
"""

import csv
import io
import re
from collections.abc import Iterator

from engines.planning.artifacts.marks import Marks, critical_in, lateness
from engines.planning.estimates import MILESTONE
from engines.planning.team import TeamPlan
from engines.planning.types import Placed, Plan, Task

COLUMNS = (
    "id",
    "title",
    "person",
    "start",
    "end",
    "estimate",
    "after",
    "needs",
    "deadline",
    "late",
    "critical",
    "on_time",
)
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def plan_csv(team: TeamPlan, plan: Plan, marks: Marks | None = None) -> str:
    """The table, a row a task in the order of their starts; times are those of the plan's zone.

    A cell that a spreadsheet would calculate, as `=1+1`, has an apostrophe in front.

    Raises:
        CannotPlan: The plan ends more than ten years off.
    """
    marks = marks or Marks()
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    tasks = {task.id: task for task in team.problem.tasks}
    critical = critical_in(team.problem, plan) if marks.critical is None else marks.critical
    late = lateness(team.problem, plan)
    for one in sorted(plan.placed, key=lambda one: (one.start, one.end)):
        task = tasks[one.task]
        cells = [
            *_cells(team, task, one),
            team.say_length(late[one.task]) if one.task in late else "",
            "yes" if one.task in critical else "",
            f"{marks.on_time[one.task]:.2f}" if one.task in marks.on_time else "",
        ]
        writer.writerow([guarded(cell) for cell in cells])
    return out.getvalue()


def _cells(team: TeamPlan, task: Task, placed: Placed) -> Iterator[str]:
    yield task.id
    yield task.title
    yield placed.person or ""
    yield _moment(team, placed.start, end=placed.start == placed.end)
    yield _moment(team, placed.end, end=True)
    yield _estimate(team, task)
    yield "; ".join(task.after)
    yield " ".join(f"{skill}:{level}" for skill, level in task.needs.items())
    yield "" if task.deadline is None else _moment(team, task.deadline, end=True)


def _estimate(team: TeamPlan, task: Task) -> str:
    if task.duration == 0:
        return MILESTONE
    return str(task.duration) if team.day is None else team.say_length(task.duration)


def _moment(team: TeamPlan, tick: int, *, end: bool) -> str:
    if team.working_time is None:
        return str(tick)
    return f"{team.working_time.at(tick, end=end):%Y-%m-%d %H:%M}"


def guarded(cell: str) -> str:
    """The cell, kept from being a formula."""
    return f"'{cell}" if _FORMULA.match(cell) else cell
