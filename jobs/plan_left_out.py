"""Work that nobody is able to do: left out of the plan, with what waits for it, and told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from engines.planning.estimates import MILESTONE
from engines.planning.reading.checks import missing
from engines.planning.reading.drafts import DraftPlan, DraftTask
from engines.planning.types import Person, Task


@dataclass(frozen=True)
class LeftOut:
    """What is not planned, by the names of the tasks."""

    unable: Mapping[str, str] = field(default_factory=dict[str, str])
    """Why nobody can do it."""
    waiting: Mapping[str, str] = field(default_factory=dict[str, str])
    """Which of the others it waits for."""


def plannable(draft: DraftPlan) -> tuple[DraftPlan, LeftOut]:
    """The plan without what nobody is able to do, and without what waits for that."""
    staff = [Person(one.id, one.skills) for one in draft.people]
    unable = _unable(draft, staff) if staff else {}
    waiting = _waiting(draft, unable)
    out = unable.keys() | waiting.keys()
    kept = tuple(task for task in draft.tasks if task.id not in out)
    names = {task.id: task.title or task.id for task in draft.tasks}
    return replace(draft, tasks=kept), LeftOut(
        {names[one]: why for one, why in unable.items()},
        {names[one]: names[other] for one, other in waiting.items()},
    )


def _unable(draft: DraftPlan, staff: Sequence[Person]) -> dict[str, str]:
    """By id; who is named and not there is another matter."""
    ids = {one.id.casefold(): one.id for one in staff}
    found: dict[str, str] = {}
    for task in filter(_is_open, draft.tasks):
        needed = _needed(task, ids)
        is_known = all(name in ids.values() for name in needed.only)
        if is_known and not any(one.able(needed) for one in staff):
            found[task.id] = missing(needed, staff)
    return found


def _is_open(task: DraftTask) -> bool:
    """Whether somebody is still to be found for it."""
    return not task.done and task.started is None and task.estimate != (MILESTONE,)


def _needed(task: DraftTask, ids: Mapping[str, str]) -> Task:
    only = tuple(ids.get(name.casefold(), name) for name in task.only)
    return Task(task.id, 1, needs=task.needs, only=only)


def _waiting(draft: DraftPlan, unable: Mapping[str, str]) -> dict[str, str]:
    """What waits, however long the chain, and for which of those that nobody can do."""
    blocked = {one.casefold(): one for one in unable}
    waiting: dict[str, str] = {}
    grows = True
    while grows:
        grows = False
        for task in draft.tasks:
            cause = next((blocked[n.casefold()] for n in task.after if n.casefold() in blocked), "")
            if cause and task.id.casefold() not in blocked and not task.done:
                blocked[task.id.casefold()] = cause
                waiting[task.id] = cause
                grows = True
    return waiting
