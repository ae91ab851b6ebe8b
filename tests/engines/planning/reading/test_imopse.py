"""iMOPSE files: people with levels of skills, and what is refused with its line."""

from pathlib import Path

import pytest

from engines.planning.arrays import network_of
from engines.planning.reading.files import read_problem
from engines.planning.types import CannotPlan, Person, Task

GOOD = """\
===========================================
File name: example.def
===========================================
General characteristics:
Tasks: 3
Resources: 2
===========================================
ResourceID \t Salary \t Skills
1\t\t56.2\t\tQ4: 1\tQ0: 0
2\t\t33.8\t\tQ4: 0\tQ2: 2
===========================================
TaskID \t Duration \t Skill \t Predecessor IDs
1\t\t10\tQ4: 1
2\t\t15\tQ2: 0\t
3\t\t9\tQ4: 0\t1\t2
===========================================
"""


def _written(folder: Path, text: str) -> Path:
    path = folder / "instance.def"
    path.write_text(text)
    return path


def test_people_tasks_skills_and_predecessors_are_read(tmp_path: Path) -> None:
    problem = read_problem(_written(tmp_path, GOOD))
    assert problem.people == (Person("1", {"Q4": 1, "Q0": 0}), Person("2", {"Q4": 0, "Q2": 2}))
    assert problem.tasks == (
        Task("1", 10, needs={"Q4": 1}),
        Task("2", 15, needs={"Q2": 0}),
        Task("3", 9, needs={"Q4": 0}, after=("1", "2")),
    )


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("9\tQ4: 0\t1\t2", "9\tQ4: 0\t1\t7", "line 15: task 3 waits for task 7"),
        ("9\tQ4: 0\t1\t2", "9\tQ4: 0\t1\t1", "line 15: task 3 names a predecessor twice"),
        ("10\tQ4: 1", "10\tQ4: 2", "line 13: nobody is able to do task 1: it needs Q4 2"),
        ("10\tQ4: 1", "10\tQ9: 0", "line 13: nobody is able to do task 1: it needs Q9 0"),
        ("10\tQ4: 1", "-3\tQ4: 1", "line 13: `-3` is no whole number"),
        ("10\tQ4: 1", "10", "line 13: task 1: a skill as `Q1: 2` is expected"),
        ("10\tQ4: 1", "10\tQ4: 1\t3", "circle"),
        ("2\t\t15\t", "1\t\t15\t", "line 14: task 1 is there twice"),
        ("2\t\t33.8", "1\t\t33.8", "line 10: resource 1 is there twice"),
        ("2\t\t33.8\t\tQ4: 0\tQ2: 2", "2", "line 10: a resource's id, salary and skills"),
        ("TaskID", "Task", "no tasks"),
        ("ResourceID", "Resource", "no resources"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_its_place(
    tmp_path: Path, right: str, wrong: str, said: str
) -> None:
    assert right in GOOD
    with pytest.raises(CannotPlan) as caught:
        network_of(read_problem(_written(tmp_path, GOOD.replace(right, wrong, 1))))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_headings_are_told_in_any_case(tmp_path: Path) -> None:
    lower = GOOD.replace("TaskID", "taskid").replace("ResourceID", "RESOURCEID")
    assert read_problem(_written(tmp_path, lower)) == read_problem(_written(tmp_path, GOOD))


@pytest.mark.parametrize(
    ("end", "message"),
    [
        ("3\t\t9", "line 15: the file ends here; it says it has 3 tasks, and has 2"),
        (
            "\t2\n====",
            "line 16: the file ends here; it says it has 2 precedence relations, and has 1",
        ),
    ],
)
def test_a_file_without_its_end_is_refused(tmp_path: Path, end: str, message: str) -> None:
    told = GOOD.replace("Resources: 2", "Resources: 2\nPrecedence relations: 2")
    with pytest.raises(CannotPlan, match=message):
        read_problem(_written(tmp_path, told[: told.index(end)]))
    assert read_problem(_written(tmp_path, told.rstrip("=\n")))
