from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from engines.planning.artifacts.ics import plan_ics
from engines.planning.team import TeamPlan
from engines.planning.types import CannotPlan, Plan
from tests.engines.planning.artifacts.plans import planned, team_of


def events(team: TeamPlan, plan: Plan | None = None) -> list[Any]:
    text = plan_ics(team, plan or planned(team.problem))
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    return cast("Any", Calendar.from_ical(text)).walk("VEVENT")


def told(event: Any, key: str) -> str:
    return str(event[key])


def span(event: Any) -> tuple[datetime, datetime]:
    return event["DTSTART"].dt, event["DTEND"].dt


def test_a_task_is_an_event_in_utc() -> None:
    start = datetime(2026, 10, 23, 9, tzinfo=ZoneInfo("Europe/Berlin"))
    first, second = events(team_of("- A (1d) @ana\n- B (1d) after A @bo\n", start))
    assert span(first) == (
        datetime(2026, 10, 23, 7, tzinfo=UTC),
        datetime(2026, 10, 23, 15, tzinfo=UTC),
    )
    # The clocks have changed over the weekend.
    assert span(second) == (
        datetime(2026, 10, 26, 8, tzinfo=UTC),
        datetime(2026, 10, 26, 16, tzinfo=UTC),
    )
    assert told(first, "SUMMARY") == "A - ana"
    assert told(second, "DESCRIPTION") == "Task B\nEstimate: 1d\nAfter: A"
    assert told(first, "TRANSP") == "TRANSPARENT"
    assert "ATTENDEE" not in first


def test_a_task_is_in_parts_where_its_person_is_away_meanwhile() -> None:
    first, second = events(team_of("team: ana (off 2026-12-02)\n- A (2d)\n"))
    assert [told(one, "SUMMARY") for one in (first, second)] == ["A (1/2) - ana", "A (2/2) - ana"]
    assert span(first)[1] == datetime(2026, 12, 1, 17, tzinfo=UTC)
    assert span(second)[0] == datetime(2026, 12, 3, 9, tzinfo=UTC)


def test_a_milestone_is_a_moment() -> None:
    *_, milestone = events(team_of("- A (5d) @ana\n- Done (milestone) after A due 2026-12-24\n"))
    assert milestone["DTSTART"].dt == datetime(2026, 12, 7, 17, tzinfo=UTC)
    assert "DTEND" not in milestone
    assert told(milestone, "DESCRIPTION") == ("Task Done\nAfter: A\nDeadline: Thu 24 Dec 17:00")


def test_a_plan_made_anew_moves_its_events() -> None:
    text = "# Sprint\n- A (1d) @ana\n- B (1d) @bo\n"
    before, after = events(team_of(text)), events(team_of(text.replace("(1d) @bo", "(3d) @bo")))
    uids = [told(one, "UID") for one in before]
    assert len(set(uids)) == 2
    assert [told(one, "UID") for one in after] == uids
    other = events(team_of(text.replace("Sprint", "Other")))
    assert not {told(one, "UID") for one in other} & set(uids)


def test_titles_are_text_whatever_they_hold() -> None:
    team = team_of("- A (1d) @ana")
    title = "x,y;z\\n\r\nBEGIN:VEVENT\x07" + "é" * 100
    named = replace(team.problem.tasks[0], title=title)
    odd = replace(team, problem=replace(team.problem, tasks=(named,), title="a;\nb"))
    (event,) = events(odd)
    assert told(event, "SUMMARY") == "x,y;z\\n BEGIN:VEVENT" + "é" * 100 + " - ana"


def test_events_are_as_long_as_their_tasks() -> None:
    found = events(team_of("".join(f"- T{i} ({i}h) @ana\n" for i in range(1, 8))))
    lengths = [until - begin for begin, until in map(span, found)]
    assert lengths[:3] == [timedelta(hours=hours) for hours in (1, 2, 3)]


def test_bare_ticks_are_no_dates() -> None:
    team = team_of("- A (3) @ana", None)
    with pytest.raises(CannotPlan, match="a calendar needs dates"):
        plan_ics(team, planned(team.problem))
