"""The benchmark's judge is itself judged: a wrong one would make every figure wrong."""

import shutil
import sys
from pathlib import Path

import pytest

from tests.benchmarks.testing.confined import Limits, run
from tests.benchmarks.testing.judge import Judge, Judgement
from tests.benchmarks.testing.mutants import Mutant, sample
from tests.benchmarks.testing.subjects import NotInstalled, listed, subject

MODULE = '''"""Prices."""


def price(count: int, each: int = 3) -> int:
    """What many of them cost."""
    if count < 0:
        raise ValueError("negative")
    if count >= 10:
        return count * each - 1
    return count * each


def unused(text):
    return text + text


if __name__ == "__main__":
    print(price(1 + 1))
'''

SUITE = """
import pytest
from shop import price

seen = []

@pytest.mark.parametrize("count", [1, 2])
def test_price_is_by_the_piece(count):
    assert price(count) == 3 * count

def test_price_has_a_discount_from_ten_on():
    seen.append("discount")
    assert price(10) == 29

def test_looks_at_nothing():
    price(1)

def test_looks_at_a_type():
    assert isinstance(price(1), int)

def test_depends_on_the_one_before():
    assert seen

def test_depends_on_the_hash_seed():
    assert hash("a") == HASH

@pytest.mark.xfail(strict=True)
def test_is_expected_to_fail():
    assert price(-1) == 0
"""


def kinds(body: str) -> set[tuple[str, str, str]]:
    text = f"def f(a, b, c):\n    {body}\n"
    return {(one.kind, one.before, one.after) for one in sample(text, 100, 1)}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("a += b", ("arithmetic operator", "a += b", "a -= b")),
        ("return a * b", ("arithmetic operator", "a * b", "(a // b)")),
        ("return a < b", ("comparison operator", "a < b", "(a >= b)")),
        ("return a < b", ("boundary", "a < b", "(a <= b)")),
        ("return a and b", ("boolean operator", "a and b", "(a or b)")),
        ("return not a", ("boolean operator", "not a", "(a)")),
        ("return 'x'", ("constant", "'x'", "'x#'")),
        ("return True", ("constant", "True", "False")),
        ("if a: return b", ("negated condition", "a", "(not (a))")),
        ("a.append(b)", ("removed statement", "a.append(b)", "pass")),
        ("if a: return b", ("removed statement", "if a: return b", "pass")),
        ("return a", ("return value", "a", "None")),
        ("raise KeyError(a)", ("exception type", "KeyError", "RuntimeError")),
    ],
)
def test_a_kind_of_mutant(body: str, expected: tuple[str, str, str]) -> None:
    assert expected in kinds(body)


def test_numbers_and_bounds_move_by_one() -> None:
    assert {one[2] for one in kinds("return a[b:]") if one[0] == "off by one"} <= {
        "(b + 1)",
        "(b - 1)",
    }
    assert {one[2] for one in kinds("return 7") if one[0] == "off by one"} <= {"8", "(6)"}


def test_a_variable_is_replaced_by_another_one_of_the_function() -> None:
    replaced = {one[2] for one in kinds("return a") if one[0] == "wrong variable"}
    assert replaced <= {"b", "c"}
    assert replaced


def test_only_what_runs_inside_functions_is_changed() -> None:
    mutants = sample(MODULE, 100, 1)
    assert all("cost" in one.source and "price(1 + 1)" in one.source for one in mutants)
    assert all("count: int, each: int =" in one.source for one in mutants)
    assert ("default argument", 4, 0) in {
        (one.kind, one.line, one.statement_line) for one in mutants
    }


def test_a_seed_draws_the_same_mutants_evenly_over_the_kinds() -> None:
    drawn = sample(MODULE, 11, 7)
    assert drawn == sample(MODULE, 11, 7)
    assert drawn != sample(MODULE, 11, 8)
    assert len({one.kind for one in drawn}) >= 9


def test_offsets_are_right_behind_wide_characters() -> None:
    assert ("comparison operator", "a == b", "(a != b)") in kinds("return ('é漢', a == b)")


@pytest.fixture
def judgement(tmp_path: Path) -> Judgement:
    """Of the suite on the module, with one mutant it notices, one it does not, one it never runs."""
    site, scratch = tmp_path / "site", tmp_path / "scratch"
    site.mkdir()
    scratch.mkdir()
    (site / "shop.py").write_text(MODULE)
    mutants = [
        mutant(8, 8, "count > 10"),
        mutant(6, 6, "count <= 0"),
        mutant(15, 15, "text"),
    ]
    judge = Judge(subject("shop", site, scratch), mutants, scratch / "trials")
    suite = tmp_path / "test_shop.py"
    suite.write_text(SUITE.replace("HASH", str(hash_of_a_under_seed_0(tmp_path))))
    return judge.judgement([suite])


def mutant(line: int, statement_line: int, after: str) -> Mutant:
    before = {8: "count >= 10", 6: "count < 0", 15: "text + text"}[line]
    return Mutant("planted", line, statement_line, before, after, MODULE.replace(before, after))


def hash_of_a_under_seed_0(folder: Path) -> int:
    command = [sys.executable, "-c", "print(hash('a'))"]
    limits = Limits(cpu_s=10, wall_s=60)
    return int(run(command, folder, limits, {"PYTHONHASHSEED": "0"}, jailed=False).output)


def test_a_suite_is_judged_by_what_it_does(judgement: Judgement) -> None:
    assert (judgement.tests, judgement.xfailed) == (8, 1)
    assert judgement.passed == 6  # not under the other hash seed, not the one expected to fail
    assert set(judgement.unsteady_tests) == {
        "test_shop.py::test_depends_on_the_hash_seed",
        "test_shop.py::test_depends_on_the_one_before",
        "test_shop.py::test_is_expected_to_fail",
    }
    assert judgement.steady == 5
    assert (judgement.unchecked, judgement.of_type) == (1, 1)
    assert (judgement.killed, judgement.mutants, judgement.uncovered_mutants) == (1, 3, 1)
    assert judgement.survivors == (
        "6: planted: count < 0 -> count <= 0",
        "15: planted: text + text -> text",
    )
    assert judgement.line_percent == 70  # of 10 statements not: raise, text + text, print
    assert round(judgement.branch_percent) == 67  # of 6 not: into raise, into the main guard


def test_what_is_killed_is_counted_and_what_it_left_running_is_ended(tmp_path: Path) -> None:
    code = (
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    while time.process_time() < 60: pass\n"
        "while time.process_time() < 0.5: pass\n"
        "os._exit(3)\n"
    )
    ended = run([sys.executable, "-c", code], tmp_path, Limits(30, 60), {}, jailed=False)
    assert ended.code == 3
    assert 0.6 < ended.cpu_s < 20


def test_a_command_ends_at_its_limit_of_cpu_time(tmp_path: Path) -> None:
    ended = run(
        [sys.executable, "-c", "while True: pass"], tmp_path, Limits(0.3, 60), {}, jailed=False
    )
    assert ended.stopped == "0 s of CPU"


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
def test_foreign_code_writes_in_its_own_folder_only(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    code = f"open('here', 'w'); open({str(outside / 'there')!r}, 'w')"
    ended = run([sys.executable, "-c", code], inside, Limits(10, 60), {}, jailed=True)
    assert "Read-only file system" in ended.output
    assert (inside / "here").exists()
    assert not (outside / "there").exists()


def test_lists_are_names_files_and_plain_modules(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("one.two  # why\n\nthree\n")
    assert listed([str(tmp_path / "mine.txt"), "four"]) == ["one.two", "three", "four"]
    assert len(listed(["open"])) == 16
    assert len(listed(["fresh"])) >= 14
    assert not set(listed(["open"])) & set(listed(["fresh"]))


def test_a_module_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotInstalled, match=r"no\.such is not installed"):
        subject("no.such", tmp_path, tmp_path)
