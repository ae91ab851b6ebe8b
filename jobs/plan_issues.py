"""Issues as tasks: estimates, skills and order from their labels and lines."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from engines.planning.estimates import MILESTONE, parse_work
from engines.planning.reading.drafts import DraftPerson, DraftPlan, DraftTask
from engines.planning.reading.team_list import drafted_list
from engines.planning.reading.words import skill
from engines.planning.types import CannotPlan
from jobs.plan_usual import usual_of, with_usual
from jobs.requests import Issues, PlanIssue

GUESS = "2d"
"""The estimate of an issue that has none: a convention, told in the answer."""
_SHOWN = 20
_ESTIMATE = re.compile(
    r"^[ \t>*_-]*(?:estimate|effort|size)[*_]*\s*[:=][*_\s]*(\d[\w. ,]*?)[*_]*\s*$",
    re.IGNORECASE | re.MULTILINE,
)
_LABEL = re.compile(r"(?:estimate|effort|size)\s*[:/=]\s*(\d.*)", re.IGNORECASE)
_SKILL = re.compile(r"skill\s*[:/=]\s*(\S.*)", re.IGNORECASE)
_WAITS = re.compile(
    r"\b(?:blocked by|depends on|after|waits for)\s*:?\s*((?:#\d{1,9}(?:\s*(?:,|and|&)\s*)?)+)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"#(\d{1,9})")
_STEP = re.compile(r"^\s*[-*+]\s+\[( |x|X)\]\s+(.*)$", re.MULTILINE)
_STEP_ESTIMATE = re.compile(r"\((\d[\w. ]*)\)")
_PRIORITIES: Mapping[str, float] = {"p0": 8.0, "p1": 4.0, "p2": 2.0, "p3": 1.0}
_PRIORITY = re.compile(r"(?:priority\s*[:/=]\s*)?(p[0-3])", re.IGNORECASE)


@dataclass(frozen=True)
class OfIssues:
    """Issues as a team's plan."""

    draft: DraftPlan
    notes: tuple[str, ...]
    """What was assumed, for the person."""


def issues_to_plan(issues: Issues, said: str, usual: str = "") -> OfIssues:
    """The issues as tasks, for the people of whom the message says `team: …`, or else the
    repository (`usual`), and for those who are assigned to any of them.

    Raises:
        CannotPlan: There is nobody, or the message cannot be read.
    """
    told = drafted_list(said)
    if not told.people:
        told = with_usual(told, usual_of(usual))
    numbers = {one.number for one in issues.issues}
    guessed = [one.number for one in issues.issues if not _estimate(one)]
    outside = sorted({n for one in issues.issues for n in _waits_for(one) if n not in numbers})
    tasks = tuple(_task(one, numbers) for one in issues.issues)
    if issues.due is not None:
        tasks += (_milestone(issues, issues.due),)
    people = tuple(_staff(issues, told.people))
    if not people:
        raise CannotPlan(
            "nobody is assigned to any of these issues: assign them, or name the people below the "
            "command, `team: ana (backend:2), bo (50%)`"
        )
    draft = replace(told, tasks=(*tasks, *told.tasks), people=people, title=issues.named)
    return OfIssues(draft, tuple(_notes(guessed, outside, are_people_named=bool(told.people))))


def _task(issue: PlanIssue, numbers: set[int]) -> DraftTask:
    name = f"#{issue.number}"
    return DraftTask(
        f"issue {name}",
        name,
        f"{name} {issue.title}",
        (_estimate(issue) or GUESS,),
        needs=dict(_needs(issue)),
        after=tuple(f"#{n}" for n in _waits_for(issue) if n in numbers and n != issue.number),
        only=issue.assignees,
        weight=max((_PRIORITIES[found] for found in _priorities(issue)), default=1.0),
    )


def _milestone(issues: Issues, due: date) -> DraftTask:
    """The end of all of them, which is what is due."""
    after = tuple(f"#{one.number}" for one in issues.issues)
    return DraftTask(
        f"the {issues.named}", issues.named, "", (MILESTONE,), after=after, deadline=due
    )


def _estimate(issue: PlanIssue) -> str:
    """From a label, a line, or the steps that are still open; empty where nothing tells."""
    labels = (found[1] for one in issue.labels if (found := _LABEL.fullmatch(one.strip())))
    lines = (found[1] for found in _ESTIMATE.finditer(issue.body))
    for text in (*labels, *lines):
        if _is_work(text):
            return text.strip()
    return _of_steps(issue.body)


def _of_steps(body: str) -> str:
    """The sum of a task list whose open steps all have estimates."""
    open_steps = [found[2] for found in _STEP.finditer(body) if found[1] == " "]
    amounts = [found[1] for step in open_steps if (found := _STEP_ESTIMATE.search(step))]
    if not amounts or len(amounts) < len(open_steps) or not all(map(_is_work, amounts)):
        return ""
    return f"{sum(parse_work(one) for one in amounts)}m"


def _is_work(text: str) -> bool:
    try:
        parse_work(text)
    except CannotPlan:
        return False
    return True


def _needs(issue: PlanIssue) -> Iterator[tuple[str, int]]:
    for label in issue.labels:
        if found := _SKILL.fullmatch(label.strip()):
            yield skill(found[1].replace(" ", "-"))


def _waits_for(issue: PlanIssue) -> list[int]:
    found = (
        number for group in _WAITS.finditer(issue.body) for number in _NUMBER.findall(group[1])
    )
    return list(dict.fromkeys(map(int, found)))


def _priorities(issue: PlanIssue) -> Iterator[str]:
    for label in issue.labels:
        if found := _PRIORITY.fullmatch(label.strip()):
            yield found[1].lower()


def _staff(issues: Issues, people: Sequence[DraftPerson]) -> Iterator[DraftPerson]:
    """Those who are named, and those who are assigned without being named.

    Of somebody who is only assigned no skills are known but those that their issues ask for.
    """
    named = {one.id.casefold() for one in people}
    yield from people
    assigned = dict.fromkeys(who for one in issues.issues for who in one.assignees)
    for who in assigned:
        if who.casefold() in named:
            continue
        skills: dict[str, int] = {}
        for issue in issues.issues:
            if who in issue.assignees:
                skills |= {s: max(level, skills.get(s, 0)) for s, level in _needs(issue)}
        yield DraftPerson(f"person {who}", who, skills=skills)


def _notes(guessed: list[int], outside: list[int], *, are_people_named: bool) -> Iterator[str]:
    if guessed:
        told = ", ".join(f"#{n}" for n in guessed[:_SHOWN])
        told += " …" if len(guessed) > _SHOWN else ""
        yield (
            f"Without an estimate, and taken for {GUESS} each: {told}. A line `Estimate: 3d` or a "
            "label `estimate: 3d` says otherwise."
        )
    if outside:
        told = ", ".join(f"#{n}" for n in outside[:_SHOWN])
        yield f"Not waited for, since they are closed or not among these issues: {told}."
    if not are_people_named:
        yield (
            "The people are those who are assigned, with the skills (`skill:…` labels) of their "
            "issues. A line `team: ana (backend:2), bo (50%)` below the command names others, as "
            "does `plan.team` in the repository's `.gryph.toml`."
        )
