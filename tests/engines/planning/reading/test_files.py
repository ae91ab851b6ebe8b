import random
from datetime import UTC, datetime
from pathlib import Path
from time import process_time

import pytest

from engines.planning.reading.files import parse_problem, parse_team, read_problem, read_team
from engines.planning.types import CannotPlan

START = datetime(2026, 12, 1, tzinfo=UTC)
LIST = "- A (3d) @ana\n- B (1d) after A\n"
CSV = "id,estimate,after,person\nA,3d,,ana\nB,1d,A,\n"
TOML = """[[people]]
id = "ana"
[[tasks]]
id = "A"
estimate = "3d"
person = "ana"
[[tasks]]
id = "B"
estimate = "1d"
after = "A"
title = '''
- looks like a list
'''
"""


@pytest.mark.parametrize("text", [LIST, CSV, TOML], ids=["list", "csv", "toml"])
@pytest.mark.parametrize("name", ["a.txt", "b.md", "c"])
def test_a_plan_is_told_by_its_content(text: str, name: str) -> None:
    problem = parse_team(text.encode(), name, START).problem
    assert [(t.id, t.duration, t.after) for t in problem.tasks] == [
        ("A", 1440, ()),
        ("B", 480, ("A",)),
    ]
    assert parse_problem(text.encode(), name).tasks == problem.tasks


def test_files_of_the_fields_benchmarks_are_read_in_ticks(tmp_path: Path) -> None:
    path = tmp_path / "x.def"
    path.write_text("ResourceID Salary Skills\n1 9.0 Q1: 2\nTaskID D S P\n1 5 Q1: 1\n2 3 Q1: 2 1\n")
    found = read_team(path)
    assert found.problem == read_problem(path)
    assert (found.working_time, found.day, found.say_length(1500)) == (None, None, "1,500")


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (
            b"hello",
            "x is in no format that is known: plan.toml, CSV, a list, PSPLIB (.sm) or iMOPSE (.def)",
        ),
        (b"\xff\xfe", "x is no text file (byte 0 is not UTF-8)"),
        (b"a\0b", "x is no text file (it holds a NUL character)"),
        (b" \n", "x is empty"),
        (b"", "x is empty"),
    ],
)
def test_what_is_no_plan_is_refused(raw: bytes, told: str) -> None:
    with pytest.raises(CannotPlan) as caught:
        parse_team(raw, "x")
    assert str(caught.value) == told


def test_a_file_that_is_not_there_or_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotPlan, match="cannot be read: No such file"):
        read_team(tmp_path / "plan.toml")
    large = tmp_path / "large.csv"
    large.write_bytes(b"x" * 4_000_001)
    with pytest.raises(CannotPlan, match="has more than 4 MB"):
        read_team(large)


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"- T{i} (1d) after T{i - 1}\n" for i in range(10_000)),
        "id,estimate,after,person\n" + "".join(f"T{i},1d,T{i + 1},ana\n" for i in range(10_000)),
        "team: a\n- A (1d) after " + " and ".join("x" * 3 for _ in range(300)),
        "- " + "(" * 1900,
        '[[tasks]]\nid = "A"\n' * 50_000,
        "".join(f"- T{i} (1d) after {'x and ' * 300}\n" for i in range(1_000)),
        f"- {'a' * 1900} (1d) after {'a' * 20} and {'a' * 30}",
    ],
    ids=["list", "csv", "names", "parentheses", "tables", "unknown", "long"],
)
def test_a_hostile_size_is_refused_quickly(text: str) -> None:
    began = process_time()
    with pytest.raises(CannotPlan) as caught:
        parse_team(text.encode(), "x", START)
    assert process_time() - began < 4
    assert len(str(caught.value)) < 400


def told(text: str) -> str:
    """What a text is refused with, or that it is not."""
    try:
        return f"{len(parse_team(text.encode(), 'x', START).problem.tasks)} tasks"
    except CannotPlan as problem:
        return str(problem)


@pytest.mark.parametrize("text", [LIST, CSV, TOML], ids=["list", "csv", "toml"])
def test_damaged_plans_are_read_or_refused_in_one_line(text: str) -> None:
    chance = random.Random(6)  # noqa: S311
    alphabet = "\n\t,;:=[](){}@!#'\"-0123456789dhAB\u2028é "
    for _ in range(300):
        damaged = list(text)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(damaged))
            damaged[at : at + chance.randint(0, 3)] = chance.choice(alphabet)
        assert len(told("".join(damaged)).splitlines()) == 1
