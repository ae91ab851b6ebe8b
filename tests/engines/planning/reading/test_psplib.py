"""PSPLIB files: read as the field's own reader does, and refused with the line."""

from pathlib import Path

import psplib  # pyright: ignore[reportMissingTypeStubs]
import pytest

from engines.planning.arrays import network_of
from engines.planning.reading.files import read_problem
from engines.planning.types import CannotPlan

GOOD = """\
************************************************************************
file with basedata            : example
************************************************************************
PRECEDENCE RELATIONS:
jobnr.    #modes  #successors   successors
   1        1          2           2   3
   2        1          1           4
   3        1          1           4
   4        1          0
************************************************************************
REQUESTS/DURATIONS:
jobnr. mode duration  R 1  R 2
------------------------------------------------------------------------
  1      1     0       0    0
  2      1     8       4    0
  3      1     4       1    3
  4      1     0       0    0
************************************************************************
RESOURCEAVAILABILITIES:
  R 1  R 2
   12   13
************************************************************************
"""


def _written(folder: Path, text: str) -> Path:
    path = folder / "instance.sm"
    path.write_text(text)
    return path


def test_a_file_is_read_as_the_fields_own_reader_does(tmp_path: Path) -> None:
    path = _written(tmp_path, GOOD)
    ours, theirs = read_problem(path), psplib.parse(path, "psplib")
    assert ours.capacities == tuple(one.capacity for one in theirs.resources) == (12, 13)
    for number, (task, activity) in enumerate(zip(ours.tasks, theirs.activities, strict=True)):
        (mode,) = activity.modes
        assert (task.duration, list(task.demand)) == (mode.duration, mode.demands)
        followed_by = {i for i, other in enumerate(ours.tasks) if task.id in other.after}
        assert followed_by == set(activity.successors)
        assert task.id == str(number + 1)


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        (
            "2        1          1           4",
            "2   1   1   9",
            "line 7: job 2 is followed by job 9",
        ),
        ("2        1          1           4", "2   1   2   4", "line 7: job 2 says 2 successors"),
        ("2        1          1           4", "1   1   1   4", "line 7: job 1 is there twice"),
        ("3        1          1           4", "3   2   1   4", "line 8: job 3 has 2 modes"),
        ("3        1          1           4", "3   1   1   1", "circle"),
        ("2      1     8       4    0", "2      1     -8      4    0", "line 15: `-8` is no whole"),
        ("2      1     8       4    0", "2      1     x       4    0", "line 15: `x` is no whole"),
        (
            "2      1     8       4    0",
            "2      1     99999999999  4  0",
            "line 15: 99999999999 is",
        ),
        (
            "2      1     8       4    0",
            "2      1     8       44   0",
            "line 15: job 2 needs 44 of R1",
        ),
        ("2      1     8       4    0", "2      1     8       4", "line 15: job 2 names 1 of 2"),
        (
            "2      1     8       4    0",
            "7      1     8       4    0",
            "line 15: job 7 has no prec",
        ),
        ("2      1     8       4    0\n", "", "job 2 has no duration"),
        ("   12   13\n", "", "no rows under `RESOURCEAVAILABILITIES:`"),
        ("REQUESTS/DURATIONS:", "REQUESTS:", "no rows under `REQUESTS/DURATIONS:`"),
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
    lower = GOOD.lower().replace("  r 1", "  R 1")
    assert read_problem(_written(tmp_path, lower)) == read_problem(_written(tmp_path, GOOD))


def test_another_number_of_jobs_than_is_told_is_refused(tmp_path: Path) -> None:
    told = "jobs (incl. supersource/sink ):  4\nPRECEDENCE"
    good = GOOD.replace("PRECEDENCE", told, 1)
    assert read_problem(_written(tmp_path, good)) == read_problem(_written(tmp_path, GOOD))
    with pytest.raises(CannotPlan, match="line 4: 5 jobs are told of, and 4 are there"):
        read_problem(_written(tmp_path, good.replace(":  4", ":  5")))


def test_a_long_circle_is_shortened(tmp_path: Path) -> None:
    jobs = "".join(f"{i} 1 1 {i % 30 + 1}\n" for i in range(1, 31))
    rows = "".join(f"{i} 1 2 0 0\n" for i in range(1, 31))
    head, middle = "PRECEDENCE RELATIONS:\n", "***\nREQUESTS/DURATIONS:\n"
    tail = "***\nRESOURCEAVAILABILITIES:\n 1 1\n"
    path = _written(tmp_path, head + jobs + middle + rows + tail)
    with pytest.raises(CannotPlan, match=r"1 → 30 → 29 → 28 → 27 → 26 → … → 1$"):
        read_problem(path)
