"""A small plan for tests of what `plan` does with one: laid by hand, so that nothing searches."""

from datetime import UTC, datetime

from engines.planning.reading.assembly import assembled
from engines.planning.reading.drafts import DraftPlan
from engines.planning.reading.files import parse_draft
from engines.planning.types import Placed, Plan
from jobs.plan_happened import Held
from jobs.plan_kept import reading

MONDAY = datetime(2026, 12, 7, 9, tzinfo=UTC)
DAY = 480
"""Working minutes."""
LIST = """\
start: 2026-12-07
team: ana (backend:3, security:2), bo (backend:2, frontend:1)
- DB (2d, backend:2)
- API (3d, backend:3) after DB
- Page (2d, frontend)
- Launch (milestone) after API, Page due 2026-12-14
"""


def draft_of(text: str = LIST) -> DraftPlan:
    parsed = parse_draft(text.encode(), "the list")
    assert isinstance(parsed, DraftPlan)
    return parsed


def plan_of(*placed: tuple[str, int, int, str | None]) -> Plan:
    """Where tasks lie, in days."""
    found = tuple(Placed(task, a * DAY, b * DAY, who) for task, a, b, who in placed)
    end = max(one.end for one in found)
    return Plan(found, end, end, 0.1)


HELD = plan_of(
    ("DB", 0, 2, "bo"), ("API", 2, 5, "ana"), ("Page", 2, 4, "bo"), ("Launch", 5, 5, None)
)


def held(text: str = LIST, plan: Plan = HELD) -> Held:
    read = reading(draft_of(text), MONDAY)
    assert read.draft is not None
    assert assembled(read.draft, None).problem == read.team.problem
    return Held(read.draft, read.team, plan)
