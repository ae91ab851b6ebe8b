"""iMOPSE's `.def` files: tasks that each need one person with a skill of some level.

Format: Myszkowski et al., Soft Computing 2015, doi 10.1007/s00500-014-1455-x. Salaries are read
over: cost is no goal here.
"""

import re
from dataclasses import dataclass

from engines.planning.reading.lines import Line, lines_of
from engines.planning.types import CannotPlan, Person, Problem, Task

PEOPLE, TASKS = "RESOURCEID", "TASKID"
HEADINGS = re.compile(rf"^\s*(?:{PEOPLE}|{TASKS})\b(?!\s*[,;])", re.MULTILINE | re.IGNORECASE)
_SKILL = re.compile(r"([A-Za-z_]\w*):\s*(\d{1,6})\s*")
_PERSON = re.compile(r"(\S+)\s+\d+(?:\.\d+)?\s*")
_TASK = re.compile(r"(\S+)\s+(\S+)\s*")


@dataclass(frozen=True)
class _Row:
    line: Line
    task: Task


def read_imopse(text: str) -> Problem:
    """The problem in a `.def` file.

    Raises:
        CannotPlan: The text is not of the format; the message names the line.
    """
    people: dict[str, Person] = {}
    rows: dict[str, _Row] = {}
    section = ""
    for line in lines_of(text):
        if HEADINGS.match(line.text):
            section = line.text.split()[0].upper()
        elif line.text.startswith("="):
            section = ""
        elif section == PEOPLE:
            person = _person(line)
            if person.id in people:
                raise line.wrong(f"resource {person.id} is there twice")
            people[person.id] = person
        elif section == TASKS:
            task = _task(line)
            if task.id in rows:
                raise line.wrong(f"task {task.id} is there twice")
            rows[task.id] = _Row(line, task)
    _check(people, rows)
    _check_is_whole(text, rows)
    return Problem(tuple(row.task for row in rows.values()), tuple(people.values()))


def _person(line: Line) -> Person:
    matched = _PERSON.match(line.text)
    if matched is None:
        raise line.wrong("a resource's id, salary and skills are expected")
    skills, rest = _skills(line.text[matched.end() :])
    if rest or not skills:
        raise line.wrong(f"resource {matched[1]}: skills as `Q1: 2` are expected")
    return Person(matched[1], skills)


def _task(line: Line) -> Task:
    matched = _TASK.match(line.text)
    if matched is None:
        raise line.wrong("a task's id, duration, skill and predecessors are expected")
    duration = Line(line.number, matched[2]).integers()[0]
    needs, rest = _skills(line.text[matched.end() :])
    if not needs:
        raise line.wrong(f"task {matched[1]}: a skill as `Q1: 2` is expected")
    after = rest.split()
    if len(set(after)) != len(after):
        raise line.wrong(f"task {matched[1]} names a predecessor twice")
    return Task(matched[1], duration, needs=needs, after=tuple(after))


def _skills(text: str) -> tuple[dict[str, int], str]:
    """The skills at the head of `text`, and what follows them."""
    skills: dict[str, int] = {}
    while matched := _SKILL.match(text):
        skills[matched[1]] = int(matched[2])
        text = text[matched.end() :]
    return skills, text.strip()


def _check_is_whole(text: str, rows: dict[str, _Row]) -> None:
    """Raises CannotPlan where the end is missing, told by the counts at the head of the file.

    A file that has its closing line is believed: some name fewer relations than they have.
    """
    if text.rstrip().endswith("="):
        return
    links = sum(len(row.task.after) for row in rows.values())
    for what, count in (("Tasks", len(rows)), ("Precedence relations", links)):
        told = re.search(rf"^{what}:\s*(\d{{1,6}})\s*$", text, re.MULTILINE | re.IGNORECASE)
        if told is not None and int(told[1]) > count:
            last = next(reversed(rows.values())).line
            raise last.wrong(
                f"the file ends here; it says it has {told[1]} {what.lower()}, and has {count}"
            )


def _check(people: dict[str, Person], rows: dict[str, _Row]) -> None:
    if not people:
        raise CannotPlan("no resources: this is no whole iMOPSE file")
    if not rows:
        raise CannotPlan("no tasks: this is no whole iMOPSE file")
    for name, row in rows.items():
        for earlier in row.task.after:
            if earlier not in rows:
                raise row.line.wrong(f"task {name} waits for task {earlier}, which is not there")
        if row.task.duration > 0 and not any(p.able(row.task) for p in people.values()):
            skills = ", ".join(f"{skill} {level}" for skill, level in row.task.needs.items())
            raise row.line.wrong(f"nobody is able to do task {name}: it needs {skills}")
