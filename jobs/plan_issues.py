"""Issues as tasks: estimates, skills and order from their labels and lines."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date

from engines.planning.calendars import Hours
from engines.planning.estimates import MILESTONE
from engines.planning.reading.drafts import DraftPerson, DraftPlan, DraftTask
from engines.planning.reading.team_list import drafted_list
from engines.planning.reading.words import skill
from engines.planning.types import CannotPlan
from jobs.plan_estimates import estimate_in
from jobs.plan_history import Learned, learned_from
from jobs.plan_usual import usual_of, with_usual
from jobs.requests import Issues, PlanIssue

GUESS = "2d"
"""The estimate of an issue that has none: a convention, told in the answer."""
_SHOWN = 20
_SKILL = re.compile(r"skill\s*[:/=]\s*(\S.*)", re.IGNORECASE)
_WAITS = re.compile(
    r"\b(?:blocked by|depends on|after|waits for)\s*:?\s*((?:#\d{1,9}(?:\s*(?:,|and|&)\s*)?)+)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"#(\d{1,9})")
_PRIORITIES: Mapping[str, float] = {"p0": 8.0, "p1": 4.0, "p2": 2.0, "p3": 1.0}
_PRIORITY = re.compile(r"(?:priority\s*[:/=]\s*)?(p[0-3])", re.IGNORECASE)


_PEOPLE = (
    "The people are those who are assigned, with the skills (`skill:…` labels) of their issues. A "
    "line `team: ana (backend:2), bo (50%)` below the command names others, as does `plan.team` in "
    "the repository's `.gryph.toml`."
)


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
    learned = learned_from(issues.closed, told.team or Hours(), told.zone or UTC)
    tasks = tuple(_task(one, numbers, learned) for one in issues.issues)
    if issues.due is not None:
        tasks += (_milestone(issues, issues.due),)
    people = tuple(_staff(issues, told.people))
    if not people:
        raise CannotPlan(
            "nobody is assigned to any of these issues: assign them, or name the people below the "
            "command, `team: ana (backend:2), bo (50%)`"
        )
    draft = replace(told, tasks=(*tasks, *told.tasks), people=people, title=issues.named)
    notes = (*_estimates_told(issues, learned), *_left_aside(issues, numbers))
    return OfIssues(draft, notes if told.people else (*notes, _PEOPLE))


def _task(issue: PlanIssue, numbers: set[int], learned: Learned) -> DraftTask:
    name = f"#{issue.number}"
    said = estimate_in(issue.body, issue.labels)
    found = learned.estimate(issue.number, said, issue.labels)
    return DraftTask(
        f"issue {name}",
        name,
        f"{name} {issue.title}",
        (found[0] if found else said or GUESS,),
        uncertainty=found[1] if found else None,
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


def _estimates_told(issues: Issues, learned: Learned) -> Iterator[str]:
    """Where estimates come from that nobody has made."""
    with_estimate, in_all = learned.history.counted
    factor = learned.history.factor
    if learned.corrected and factor is not None:
        yield (
            f"Estimates are taken times {factor:.1f}, as {with_estimate} closed issues of the "
            "repository took, from being assigned to being closed."
        )
    if learned.typical:
        yield (
            f"Without an estimate, and taken for as long as such issues took ({in_all} closed "
            f"ones): {_listed(learned.typical)}."
        )
    guessed = [
        one.number
        for one in issues.issues
        if not estimate_in(one.body, one.labels) and one.number not in learned.typical
    ]
    if guessed:
        yield (
            f"Without an estimate, and taken for {GUESS} each: {_listed(guessed)}. A line "
            "`Estimate: 3d` or a label `estimate: 3d` says otherwise."
        )


def _left_aside(issues: Issues, numbers: set[int]) -> Iterator[str]:
    outside = sorted({n for one in issues.issues for n in _waits_for(one) if n not in numbers})
    if outside:
        told = _listed(outside)
        yield f"Not waited for, since they are closed or not among these issues: {told}."


def _listed(numbers: Sequence[int]) -> str:
    told = ", ".join(f"#{n}" for n in numbers[:_SHOWN])
    return f"{told} …" if len(numbers) > _SHOWN else told
