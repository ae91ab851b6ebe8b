"""A plan as it is kept between jobs: what was written, and what came of it."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from pydantic import BaseModel, ConfigDict, ValidationError

from engines.planning.outlook import Outlook
from engines.planning.reading.assembly import assembled
from engines.planning.reading.drafts import DraftPlan
from engines.planning.reading.files import parse_draft
from engines.planning.team import TeamPlan
from engines.planning.types import CannotPlan, Plan, Problem
from jobs.desk import Declined
from jobs.plan_left_out import LeftOut, plannable

NAME = "plan.json"
TOML, INSTANCE = "plan.toml", "instance"
"""What the kept text is."""
LARGEST_BYTES = 8_000_000


class KeptPlan(BaseModel):
    """One plan. `text` is a plan.toml that reads as it, or a benchmark's instance."""

    model_config = ConfigDict(frozen=True)

    version: int = 1
    name: str
    text: str
    plan: Plan
    outlook: Outlook | None = None

    @property
    def content(self) -> bytes:
        """As it is kept."""
        return self.model_dump_json().encode()


@dataclass(frozen=True)
class Reading:
    """A plan that was read: as a problem and, where it is a team's, as it was written."""

    team: TeamPlan
    draft: DraftPlan | None = None
    """With what nobody is able to do; None for a benchmark's instance."""
    left_out: LeftOut = field(default_factory=LeftOut)
    """What of the draft is not in the problem."""


def kept_plan(content: bytes, job: str) -> KeptPlan:
    """What another job kept. Raises Declined where it cannot be read any more."""
    try:
        if len(content) > LARGEST_BYTES:
            raise ValueError(len(content))
        return KeptPlan.model_validate_json(content)
    except (ValidationError, ValueError) as error:
        raise Declined(f"The plan of `{job}` cannot be read any more: make it anew.") from error


def reading_of(kept: KeptPlan) -> Reading:
    """What was kept, read again. Raises CannotPlan."""
    return reading(parse_draft(kept.text.encode(), kept.name), None)


def reading(parsed: DraftPlan | Problem, start: datetime | None) -> Reading:
    """What was parsed, put together; `start` is when it begins where it does not say so.

    Raises:
        CannotPlan: It contradicts itself, and where; or nobody is able to do any of it.
    """
    if isinstance(parsed, Problem):
        return Reading(TeamPlan(parsed))
    draft, left_out = plannable(parsed)
    if left_out.unable and not draft.tasks:
        name, why = next(iter(left_out.unable.items()))
        raise CannotPlan(f"nobody is able to do any of it; {name}: {why}")
    team = assembled(draft, start)
    if team.working_time is not None:
        parsed = replace(parsed, start=team.working_time.start)
    return Reading(team, parsed, left_out)
