"""A plan that was written down reads as the same plan."""

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.planning.calendars import Hours
from engines.planning.reading.drafts import DraftPerson, DraftPlan, DraftTask
from engines.planning.reading.files import parse_draft
from engines.planning.reading.team_toml import drafted_toml
from engines.planning.reading.writing import plan_toml

EXAMPLE = Path(__file__).parents[4] / "examples" / "plan.toml"
FULL = DraftPlan(
    (
        DraftTask("", "DB", estimate=("2d",)),
        DraftTask(
            "",
            "API",
            'The "sessions" \\ endpoint',
            ("1d", "2d", "5d"),
            uncertainty=0.2,
            needs={"backend": 2, "c++": 0},
            after=("DB",),
            only=("ana",),
            not_before=date(2026, 12, 3),
            deadline=datetime.fromisoformat("2026-12-09T12:00"),
            weight=2.5,
        ),
        DraftTask(
            "",
            "OLD",
            estimate=("1d4h",),
            done=True,
            started=date(2026, 12, 1),
            ended=datetime(2026, 12, 2, 17, tzinfo=ZoneInfo("UTC")),
            by="ana",
        ),
        DraftTask("", "BETA", estimate=("milestone",), after=("API", "OLD")),
    ),
    (
        DraftPerson(
            "", "ana", "Ana", {"backend": 3}, off=((date(2026, 12, 7), date(2026, 12, 8)),)
        ),
        DraftPerson("", "bo", load=0.5, days=frozenset({0, 4}), windows=((540, 720), (780, 1020))),
    ),
    title="Släck it",
    start=datetime.fromisoformat("2026-12-01T09:00"),
    zone=ZoneInfo("Europe/Berlin"),
    team=Hours(frozenset(range(6)), ((480, 960),), ((date(2026, 12, 24), date(2026, 12, 24)),)),
    now=datetime.fromisoformat("2026-12-02T10:00"),
    uncertainty=0.3,
)


def without_places(draft: DraftPlan) -> DraftPlan:
    """Lines are others in another text."""
    return replace(
        draft,
        tasks=tuple(replace(one, where="") for one in draft.tasks),
        people=tuple(replace(one, where="") for one in draft.people),
    )


@pytest.mark.parametrize("draft", [FULL, drafted_toml(EXAMPLE.read_text())], ids=["full", "file"])
def test_everything_that_can_be_said_is_read_again(draft: DraftPlan) -> None:
    assert without_places(drafted_toml(plan_toml(draft))) == without_places(draft)


def test_bare_numbers_stay_numbers() -> None:
    draft = DraftPlan(
        (DraftTask("", "a", estimate=(3,), not_before=0, deadline=9),), (DraftPerson("", "ana"),)
    )
    assert without_places(drafted_toml(plan_toml(draft))) == draft


def test_a_list_becomes_a_file() -> None:
    draft = parse_draft(b"team: ana (backend:2)\n- DB (2d)\n- API (3d, backend) after DB\n", "")
    assert isinstance(draft, DraftPlan)
    assert plan_toml(draft) == (
        '[[people]]\nid = "ana"\nskills = { "backend" = 2 }\n\n'
        '[[tasks]]\nid = "DB"\ntitle = "DB"\nestimate = "2d"\n\n'
        '[[tasks]]\nid = "API"\ntitle = "API"\nestimate = "3d"\nneeds = { "backend" = 1 }\n'
        'after = ["DB"]\n'
    )


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_any_title_comes_back_on_one_line(title: str) -> None:
    draft = DraftPlan((DraftTask("", "a", title, ("1d",)),), ())
    read = drafted_toml(plan_toml(draft))
    assert read.tasks[0].title == " ".join(title.split())
