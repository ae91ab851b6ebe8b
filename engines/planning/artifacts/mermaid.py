"""A plan as a Mermaid Gantt diagram, which GitHub draws in a comment."""

from collections.abc import Iterator
from datetime import datetime

from engines.planning.artifacts.marks import Marks, critical_in
from engines.planning.team import TeamPlan
from engines.planning.types import Placed, Plan, Task

# Signs of the grammar (https://mermaid.js.org/syntax/gantt.html), by others that look alike.
_ALIKE = str.maketrans(
    {":": "\u2236", ";": ",", "#": "\uff03", "%": "\uff05", "<": "\u2039", ">": "\u203a"}
)
_KEYWORDS = (
    "gantt",
    "title",
    "section",
    "click",
    "call",
    "href",
    "dateformat",
    "axisformat",
    "tickinterval",
    "excludes",
    "includes",
    "inclusiveenddates",
    "topaxis",
    "weekday",
    "weekend",
    "todaymarker",
    "acctitle",
    "accdescr",
)
"""At the head of a line they are no task's name."""


def plan_mermaid(team: TeamPlan, plan: Plan, marks: Marks | None = None) -> str:
    """The diagram, a section a person; bare ticks are told as milliseconds.

    Raises:
        CannotPlan: The plan ends more than ten years off.
    """
    marks = marks or Marks()
    critical = critical_in(team.problem, plan) if marks.critical is None else marks.critical
    lines = ["gantt", f"    title {_plain(team.problem.title) or 'Plan'}"]
    if team.working_time is None:
        lines += ["    dateFormat x", "    axisFormat %Q"]
    else:
        lines += ["    dateFormat YYYY-MM-DDTHH:mm", "    axisFormat %d %b"]
    for section, several in _sections(team, plan):
        lines.append(f"    section {section}")
        lines += [
            f"    {_line(team, task, one, number, critical)}" for number, task, one in several
        ]
    return "\n".join(lines) + "\n"


def _sections(team: TeamPlan, plan: Plan) -> Iterator[tuple[str, list[tuple[int, Task, Placed]]]]:
    """People with their tasks, numbered from 1, by their starts; at last what is nobody's."""
    placed = {one.task: one for one in plan.placed}
    tasks = [(n, task, placed[task.id]) for n, task in enumerate(team.problem.tasks, 1)]
    tasks.sort(key=lambda one: (one[2].start, one[2].end))
    for person in team.problem.people:
        theirs = [one for one in tasks if one[2].person == person.id]
        if theirs:
            yield _plain(team.name_of(person.id)) or "?", theirs
    nobodys = [one for one in tasks if one[2].person is None]
    if nobodys:
        yield ("Milestones" if team.problem.is_staffed else "Tasks"), nobodys


def _line(team: TeamPlan, task: Task, placed: Placed, number: int, critical: frozenset[str]) -> str:
    tags = ["crit"] if task.id in critical else []
    if task.fixed is not None:
        tags.append("done" if placed.end <= team.problem.now else "active")
    if placed.end == placed.start:
        tags.append("milestone")
    is_moment = placed.end == placed.start
    begin = _moment(team, placed.start, end=is_moment)
    until = _moment(team, placed.end, end=True)
    name = _plain(task.name) or f"task {number}"
    if name.lower().startswith(_KEYWORDS):
        name = f"\u00b7 {name}"
    return f"{name} :{', '.join([*tags, f't{number}', begin, until])}"


def _moment(team: TeamPlan, tick: int, *, end: bool) -> str:
    if team.working_time is None:
        return str(tick)
    moment: datetime = team.working_time.at(tick, end=end)
    return f"{moment:%Y-%m-%dT%H:%M}"


def _plain(text: str) -> str:
    """The text on one line, without signs that mean something in the grammar."""
    flat = "".join(one for one in " ".join(text.split()) if one.isprintable())
    return flat.translate(_ALIKE)
