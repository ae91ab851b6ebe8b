"""What is wrong with a plan as a whole: circles, work that nobody can do, hopeless deadlines."""

from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter

from engines.planning.arrays import SHOWN_IN_CIRCLE, network_of
from engines.planning.reading.drafts import DraftTask
from engines.planning.reading.words import nearest, shortened, shown
from engines.planning.team import TeamPlan
from engines.planning.timing import timing_of
from engines.planning.types import CannotPlan, Person, Task


def check_circles(drafts: Sequence[DraftTask]) -> None:
    """Raises CannotPlan where tasks wait for each other, with one circle."""
    where = {draft.id: draft.where for draft in drafts}
    try:
        TopologicalSorter({draft.id: draft.after for draft in drafts}).prepare()
    except CycleError as problem:
        # Each is before the next one; told the other way round, each waits for the next.
        circle: list[str] = problem.args[1][::-1]
        first = min(range(len(circle) - 1), key=lambda i: list(where).index(circle[i]))
        circle = [*circle[first:-1], *circle[:first], circle[first]]
        told = [shortened(name) for name in circle]
        if len(told) > SHOWN_IN_CIRCLE:
            told = [*told[: SHOWN_IN_CIRCLE - 2], "…", told[-1]]
        raise CannotPlan(
            f"{where[circle[0]]}: tasks wait for each other in a circle: {' → '.join(told)}"
        ) from None


def check_skills_are_known(drafts: Sequence[DraftTask], skills: set[str]) -> None:
    """Raises CannotPlan where a task needs what nobody has at any level."""
    for draft in drafts:
        for skill in draft.needs:
            if skill not in skills:
                raise CannotPlan(
                    f"{draft.where}: nobody has the skill {shown(skill)}"
                    f"{nearest(skill, sorted(skills))}"
                )


def check_able(drafts: Sequence[DraftTask], tasks: Sequence[Task], staff: Sequence[Person]) -> None:
    """Raises CannotPlan where nobody is able to do a task, with what is missing."""
    for draft, task in zip(drafts, tasks, strict=True):
        if task.fixed is None and task.duration and not any(one.able(task) for one in staff):
            raise CannotPlan(f"{draft.where}: nobody is able: {missing(task, staff)}")


def missing(task: Task, staff: Sequence[Person]) -> str:
    """What the people who may do the task lack, of whom none is able."""
    may = [one for one in staff if not task.only or one.id in task.only]
    for skill, level in task.needs.items():
        best = max(may, key=lambda one: one.skills.get(skill, -1))
        has = best.skills.get(skill, -1)
        if has >= level:
            continue
        wanted = f"it needs {skill} {level}"
        if len(may) == 1:
            lacks = f"has {has}" if has >= 0 else f"has no {skill}"
            return f"{wanted}; {best.id}, who is to do it, {lacks}"
        return f"{wanted}; " + (f"the best is {best.id} with {has}" if has >= 0 else "none has it")
    together = " and ".join(f"{skill} {level}" for skill, level in task.needs.items())
    nearly = max(may, key=lambda one: sum(_has(one, *need) for need in task.needs.items()))
    lacks = next(f"{s} {level}" for s, level in task.needs.items() if not _has(nearly, s, level))
    return f"it needs {together} in one person; {nearly.id} lacks {lacks}"


def _has(person: Person, skill: str, level: int) -> bool:
    return person.skills.get(skill, -1) >= level


def late_from_the_start(plan: TeamPlan, drafts: Sequence[DraftTask]) -> list[str]:
    """Warnings for deadlines before the end of the critical path that leads to them."""
    timing = timing_of(network_of(plan.problem), with_absences=True)
    found: list[str] = []
    for draft, task, end in zip(drafts, plan.problem.tasks, timing.ends, strict=True):
        earliest = int(end)
        if task.deadline is None or draft.done or earliest <= task.deadline:
            continue
        found.append(
            f"{draft.where}: the deadline {_told(draft.deadline)} cannot be met even with everyone "
            f"free: {plan.say_when(earliest, end=True)} at the earliest"
        )
    return found


def _told(deadline: object) -> str:
    return f"{deadline}".removesuffix(":00")
