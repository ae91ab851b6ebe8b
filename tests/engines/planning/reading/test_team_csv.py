from datetime import UTC, datetime

import pytest

from engines.planning.reading.files import parse_team
from engines.planning.team import TeamPlan
from engines.planning.types import CannotPlan, Fixed, Person, Task

START = datetime(2026, 12, 1, 9, tzinfo=UTC)
HEAD = "id,estimate,after,person\n"


def plan(text: str, people: str = "") -> TeamPlan:
    return parse_team(text.encode(), "plan.csv", START, people=people.encode())


def refusal(text: str) -> str:
    with pytest.raises(CannotPlan) as caught:
        plan(text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_columns_come_in_any_order_with_either_delimiter() -> None:
    comma = plan('title,id,after,estimate,person\n"Log in, log out",A,,3d,ana\n,B,A,1.5d,bo\n')
    other = plan("Person;Estimate;ID;after;title\nana;3d;A;;Log in, log out\nbo;1,5d;B;A;\n")
    assert comma.problem == other.problem
    assert comma.problem.tasks[1].duration == 720
    assert comma.problem.tasks[0].title == "Log in, log out"


def test_every_column_is_read() -> None:
    text = (
        "id,title,estimate,needs,after,person,not_before,deadline,weight,uncertainty\n"
        "API,The endpoint,1d..2d..9d,backend:2|ops:1,DB; UI,@ana|bo,2026-12-02,"
        "2026-12-11 12:00,2.5,\n"
        "DB,,2d,,,,,,,30%\nUI,,1d,,,,,,,0\n"
        "\nid,skills,load,days,hours,off,name\n"
        "ana,backend:3 ops:1,80%,Mon-Thu,09:00-12:00;13-17,2026-12-07|2026-12-14..2026-12-16,Ana A\n"
        "bo,backend:2 ops,,,,,\n"
    )
    found = plan(text)
    assert found.warnings == ()
    assert found.problem.tasks[0] == Task(
        "API",
        3 * 480,
        (9 - 1) / 6 / 3,
        after=("DB", "UI"),
        needs={"backend": 2, "ops": 1},
        only=("ana", "bo"),
        release=480,
        deadline=8 * 480 + 180,
        weight=2.5,
        title="The endpoint",
    )
    assert [task.cv for task in found.problem.tasks[1:]] == [0.3, 0.0]
    ana, bo = found.problem.people
    assert (ana.pace, ana.skills, bo.skills) == (
        0.8,
        {"backend": 3, "ops": 1},
        {"backend": 2, "ops": 1},
    )
    assert ana.absent[:2] == ((180, 240), (660, 720))  # noon, when bo is there
    assert found.name_of("ana") == "Ana A"


def test_people_may_stand_in_a_file_of_their_own() -> None:
    people = "id,skills\nana,backend:2\nbo,\n"
    found = plan("id,estimate,needs\nA,3d,backend:1\n", people)
    assert found.problem.people == (Person("ana", {"backend": 2}), Person("bo"))


def test_people_may_be_those_named_in_the_tasks() -> None:
    found = plan(HEAD + "A,3d,,bo\nB,2d,,ana\nC,1d,,bo\n")
    assert [person.id for person in found.problem.people] == ["bo", "ana"]


def test_whole_numbers_are_ticks() -> None:
    found = plan(HEAD + "A,3,,ana\nB,2,A,\n")
    assert [task.duration for task in found.problem.tasks] == [3, 2]
    assert found.working_time is None


def test_empty_rows_apart_one_table_stays_one() -> None:
    found = plan(HEAD + "A,3d,,ana\n\n,,,\nB,2d,a,\n")
    assert [task.after for task in found.problem.tasks] == [(), ("A",)]


def test_what_is_done_lies_where_it_was_done() -> None:
    found = plan("id,estimate,person,done,started,ended\nA,,ana,x,2026-12-01,2026-12-02\n")
    assert found.problem.tasks[0].fixed == Fixed(0, 2 * 480, "ana")


def test_a_byte_order_mark_and_an_apostrophe_before_a_formula_are_read_over() -> None:
    found = plan("\ufeffid,title,estimate,person\nA,'=1+1,3d,ana\nB,'quoted,3d,\n")
    assert [task.title for task in found.problem.tasks] == ["=1+1", "'quoted"]


WRONG = {
    "name,lenght\nA,3\n": (
        "line 1: no column is called `estimate`; the columns are id, title, estimate, needs, after, "
        "person, not_before, deadline, weight, uncertainty, done, started, ended, by"
    ),
    "id,estimat\nA,3\n": "line 1: no column is called `estimate`; is `estimat` meant?",
    "ids,estimate,person\nA,3,ana\n": "line 1: no column is called `id`; is `ids` meant?",
    "id,id,estimate\n": "line 1: two columns are called `id`",
    HEAD: "the plan has no tasks",
    HEAD + "A,3d,q,ana\n": "line 2: task A: unknown predecessor `q`; known: `A`",
    HEAD + "A,3d,B,ana\nB,3d,C,\nC,3d,A,\n": (
        "line 2: task A: tasks wait for each other in a circle: A → B → C → A"
    ),
    HEAD + "A,3d,,ana,,,x\n": (
        "line 2: 7 cells under 4 columns; a cell that holds the delimiter stands in double quotes"
    ),
    HEAD + ",3d,,ana\n": "line 2: the task has no id",
    HEAD + "A,,,ana\n": "line 2: task A: it has no estimate; write 3d, or `milestone`",
    HEAD + 'A,"3d\n': "line 2: unexpected end of data",
    HEAD + "A,3d,,ana\nB,-3d,,ana\n": "line 3: task B: `-3d` is negative",
    HEAD + "A,3d,,ana\nA,3d,,ana\n": (
        "line 3: task A: there is another task of that name (line 2)"
    ),
    HEAD + "A,3d,,\n": (
        "the plan names nobody to do the work; add people, as `[[people]]` in TOML, a column "
        "`person` in CSV, or a line `team: ana, bo` in a list"
    ),
    "id,estimate,deadline,person\nA,3d,3.12.2026,ana": (
        "line 2: task A: deadline: `3.12.2026` is no date; write 2026-12-24"
    ),
    "id,estimate,weight,person\nA,3d,heavy,ana": "line 2: task A: weight: `heavy` is no number",
    "id,estimate,person,done\nA,3d,ana,perhaps": (
        "line 2: task A: done: `perhaps` is neither yes nor no"
    ),
    "id,estimate,needs,person\nA,3d,:,ana": (
        "line 2: task A: needs: `:` is no skill; write backend:2"
    ),
    HEAD + '"A\nB",3d,,ana\nC,3x,,\n': (
        "line 4: task C: `3x` is no amount of work; write 30m, 4h, 3d, 1d4h or 2w"
    ),
    "id,estimate\nA,3d\n\nid,load\nana,200%\n": (
        "line 5: person ana: load: a load is a share of the time from 0.05 to 1, not 2"
    ),
}


@pytest.mark.parametrize("wrong", WRONG, ids=range(len(WRONG)))
def test_a_wrong_table_is_refused_in_one_line_that_names_the_place(wrong: str) -> None:
    assert refusal(wrong) == WRONG[wrong]


def test_unknown_columns_are_told_and_read_over() -> None:
    assert plan("id,estimate,deadlin,person\nA,3d,x,ana\n").warnings == (
        "line 1: unknown column `deadlin`; is `deadline` meant?",
    )


def test_a_cell_without_end_is_refused() -> None:
    assert "field larger than field limit" in refusal(HEAD + 'A,"' + "x" * 200_000)
