import csv
import io

import pytest

from engines.planning.artifacts.marks import Marks
from engines.planning.artifacts.table import COLUMNS, guarded, plan_csv
from engines.planning.reading.files import parse_team
from tests.engines.planning.artifacts.plans import START, planned, team_of

TEXT = """team: ana (backend:2), bo
- #1 =SUM(A1), "so to say" (1d..2d..3d, backend:1) due 2026-12-01
- B; or not (1.5d) after #1 @bo
- End (milestone) after #1
"""


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_each_task_has_its_row_in_the_order_of_starts() -> None:
    team = team_of(TEXT)
    first, end, second = rows(plan_csv(team, planned(team.problem), Marks(on_time={"#1": 0.125})))
    assert first == {
        "id": "#1",
        "title": '\'=SUM(A1), "so to say"',
        "person": "ana",
        "start": "2026-12-01 09:00",
        "end": "2026-12-02 17:00",
        "estimate": "2d",
        "after": "",
        "needs": "backend:1",
        "deadline": "2026-12-01 17:00",
        "late": "1d",
        "critical": "yes",
        "on_time": "0.12",
    }
    assert (second["start"], second["end"]) == ("2026-12-03 09:00", "2026-12-04 13:00")
    assert (end["start"], end["end"], end["estimate"]) == (
        "2026-12-02 17:00",
        "2026-12-02 17:00",
        "milestone",
    )


def test_bare_ticks_stay_bare() -> None:
    team = team_of("- A (1500) @ana\n- B (2) after A\n", None)
    found = rows(plan_csv(team, planned(team.problem)))
    assert [(row["start"], row["end"], row["estimate"]) for row in found] == [
        ("0", "1500", "1500"),
        ("1500", "1502", "2"),
    ]


def test_the_table_is_read_again_as_the_same_tasks() -> None:
    team = team_of(
        "team: ana (backend:2), bo\n- -1 ='x (2d, backend:1) due 2026-12-09\n"
        "- ''@B (1d) after -1 ='x @bo\n"
    )
    text = plan_csv(team, planned(team.problem))
    again = parse_team(text.encode(), "plan.csv", START, people=b"id,skills\nana,backend:2\nbo,\n")
    for before, after in zip(team.problem.tasks, again.problem.tasks, strict=True):
        assert after.id == before.id
        assert (after.title, after.duration, after.after) == (
            before.title,
            before.duration,
            before.after,
        )
        assert (after.needs, after.deadline) == (before.needs, before.deadline)


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\tx", "'=1"])
def test_no_cell_is_a_formula(cell: str) -> None:
    assert guarded(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "a=1", "'quoted'", "1-1"])
def test_other_cells_are_left_alone(cell: str) -> None:
    assert guarded(cell) == cell


def test_the_columns_are_as_documented() -> None:
    team = team_of("- A (1d) @ana")
    assert plan_csv(team, planned(team.problem)).splitlines()[0] == ",".join(COLUMNS)
