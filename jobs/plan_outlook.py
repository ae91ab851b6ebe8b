"""How a plan is expected to go, and what that rests on."""

from collections.abc import Iterator

from engines.planning.engine import forecast_of
from engines.planning.estimates import UNCERTAINTY
from engines.planning.outlook import Outlook
from engines.planning.reading.drafts import DraftPlan, DraftTask
from engines.planning.team import TeamPlan
from engines.planning.types import Plan
from jobs.wording import count

SCENARIOS = 2_000
"""Executions that are simulated for an answer."""
_SEED_APART = 7_919
"""The search saw scenarios of its own seed; the figures that are told come from others."""


def outlook(team: TeamPlan, plan: Plan, seed: int) -> Outlook | None:
    """How the plan ends when people follow it; None where no duration is uncertain."""
    if not any(task.cv > 0 and task.duration > 0 for task in team.problem.tasks):
        return None
    return forecast_of(team.problem, plan, scenarios=SCENARIOS, seed=seed + _SEED_APART)


def assumptions(team: TeamPlan, draft: DraftPlan | None, found: Outlook | None) -> Iterator[str]:
    """What the forecast and the times rest on that nobody has said, a note each."""
    if draft is None:
        return
    open_tasks = [task for task in draft.tasks if not task.done and not _is_milestone(task)]
    single = [task for task in open_tasks if task.uncertainty is None and len(task.estimate) == 1]
    if found is not None and draft.uncertainty is None and single:
        yield (
            f"The likelihoods rest on an assumption: {_which(len(single), len(open_tasks))} one "
            f"number, taken to be off by {100 * UNCERTAINTY:.0f} % (standard deviation). Three "
            "estimates (`1d..2d..5d`) or the plan's own `uncertainty` say better."
        )
    elif found is None and open_tasks:
        yield "No duration is uncertain, so nothing is said about likelihoods."
    if team.working_time is not None and draft.zone is None:
        hours = ", ".join(f"{_clock(a)}-{_clock(b)}" for a, b in team.working_time.team.windows)
        yield (
            f"Times are {team.working_time.zone} and working hours {hours}; `timezone` and "
            "`hours` in the plan say others."
        )


def _which(some: int, of: int) -> str:
    if some == of:
        return "each estimate is"
    return f"{some} of the {of} estimates {'is' if some == 1 else 'are'}"


def begun(assumed: int, under_way: int) -> Iterator[str]:
    """What was taken for done or under way, because the held plan says so."""
    if assumed:
        yield (
            f"{count(assumed, 'task')} that the plan had end by now "
            f"{'is' if assumed == 1 else 'are'} taken for done as planned; `… late 2d` says "
            "otherwise."
        )
    if under_way:
        is_, stays = ("is", "stays") if under_way == 1 else ("are", "stay")
        yield (
            f"{count(under_way, 'task')} that the plan had start by now {is_} under way and "
            f"{stays} where {'it is' if under_way == 1 else 'they are'}."
        )


def _is_milestone(task: DraftTask) -> bool:
    return task.estimate == ("milestone",)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
