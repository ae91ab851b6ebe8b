import ast
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engines.sandbox.sandbox import Sandbox
from engines.source.module import parse_module
from engines.testing.engine import write_tests
from engines.testing.mutation.mutants import Mutant, mutants_of, sampled
from engines.testing.types import TestingRequest, TestingResult

Write = Callable[..., TestingResult]

TARIFF = '''
"""Postage."""
import functools

RATES = {"letter": 85, "parcel": 549}
_LIMIT_GRAMS = 500


class Scale:
    """A scale with a tare weight."""

    def __init__(self, tare: int = 3) -> None:
        self.tare = tare

    @property
    def is_empty(self) -> bool:
        return self.tare == 0

    def net(self, gross: int) -> int:
        if gross < self.tare:
            raise ValueError("lighter than the tare")
        return gross - self.tare


@functools.lru_cache
def postage(kind: str, grams: int) -> int:
    """Cents for a piece of mail."""
    if kind not in RATES:
        raise KeyError(kind)
    if grams > _LIMIT_GRAMS:
        return RATES[kind] * 2
    return RATES[kind]
'''


def mutants(text: str) -> list[Mutant]:
    return mutants_of(parse_module(text, "mod.py"))


@pytest.fixture(scope="module")
def tariff(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> TestingResult:
    """One result for all tests that only look at it."""
    root = tmp_path_factory.mktemp("checkout")
    (root / "tariff.py").write_text(TARIFF)
    return write_tests(TestingRequest(root, "tariff.py", cpu_s=8.0), sandbox)


def test_each_kind_of_change_is_made_once_where_it_can_be() -> None:
    text = (
        "def f(a, b=2):\n    while a < b:\n        a += 1\n        break\n    return a and not b\n"
    )
    said = {one.what for one in mutants(text)}
    assert {
        "a < b → a <= b", "a < b → a >= b", "a < b → not (a < b)", "a += 1 → a -= 1",
        "a += 1 → pass", "1 → 2", "1 → 0", "break → continue", "return a and not b → return None",
        "a and not b → a or not b", "not b → b", "2 → 3", "2 → 1", "a → b", "b → a",
    } == said  # fmt: skip


def test_what_no_test_could_notice_is_not_changed() -> None:
    text = (
        '"""Text 1."""\nfrom typing import TYPE_CHECKING\n__version__ = "1"\n'
        'def f(a: "int | 3") -> "int":\n    """Doc."""\n    raise ValueError("no")\n'
        'if __name__ == "__main__":\n    f(1)\n'
    )
    assert [one.what for one in mutants(text)] == ["ValueError → KeyError"]


def test_a_statement_that_only_calls_is_changed_inside_and_taken_away() -> None:
    said = {one.what for one in mutants("ITEMS = []\nITEMS.insert(0, 'x')\n")}
    assert said == {"ITEMS.insert(0, 'x') → pass", "0 → 1", "0 → -1", "'x' → 'xXX'"}


def test_a_function_that_runs_on_import_is_changed_there() -> None:
    text = "TABLE = {}\ndef fill(n):\n    TABLE[n] = n + 1\nfill(2)\n"
    (one,) = [
        one
        for one in sampled(parse_module(text, "mod.py"), 99, 1, frozenset({3}))
        if one.what == "n + 1 → n - 1"
    ]
    assert (one.unit, one.start) == ("", 2)
    assert {"fill", "TABLE"} <= one.names


def test_every_mutant_is_valid_python_in_the_place_of_its_unit() -> None:
    for one in mutants(TARIFF):
        ast.parse(one.text)
    units = {one.unit for one in mutants(TARIFF)}
    assert units == {"", "Scale.__init__", "Scale.is_empty", "Scale.net", "postage"}


def test_a_sample_is_the_same_for_the_same_seed() -> None:
    module = parse_module(TARIFF, "tariff.py")
    assert sampled(module, 5, 3) == sampled(module, 5, 3) != sampled(module, 5, 4)
    assert len(sampled(module, 10_000, 1)) == len(mutants_of(module))


def test_the_score_is_told_with_what_is_not_noticed(tariff: TestingResult) -> None:
    assert tariff.mutants >= 5
    assert tariff.killed + len(tariff.survivors) <= tariff.mutants
    assert tariff.killed >= 0.8 * tariff.mutants


WRONG = [
    ("gross < self.tare", "gross <= self.tare"),
    ("gross - self.tare", "gross + self.tare"),
    ("tare: int = 3", "tare: int = 4"),
    ("self.tare == 0", "self.tare != 0"),
    ("grams > _LIMIT_GRAMS", "grams >= _LIMIT_GRAMS"),
    ("_LIMIT_GRAMS = 500", "_LIMIT_GRAMS = 501"),
    ("RATES[kind] * 2", "RATES[kind] * 3"),
    ('"parcel": 549', '"parcel": 550'),
    ("raise ValueError", "raise KeyError"),
    ("raise KeyError", "raise ValueError"),
    ("lighter than the tare", "too light"),
]


def test_small_wrong_changes_fail_a_test(tariff: TestingResult, tmp_path: Path) -> None:
    """All but one: a fifth of the mutants has no part in choosing, so that the score is honest."""
    for number, (old, new) in enumerate([("0", "0"), *WRONG]):
        assert old == "0" or TARIFF.count(old) == 1
        wrong = TARIFF if old == "0" else TARIFF.replace(old, new)
        (tmp_path / f"tariff{number}.py").write_text(wrong)
        tests = tariff.source.replace("from tariff import", f"from tariff{number} import")
        (tmp_path / f"test_{number}.py").write_text(tests)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--tb=no", "-c", "/dev/null", "--rootdir=."],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    failed = set(re.findall(r"^FAILED test_(\d+)\.py", run.stdout, re.MULTILINE))
    unnoticed = [one for number, one in enumerate(WRONG, 1) if str(number) not in failed]
    assert "0" not in failed
    assert len(unnoticed) <= 1, run.stdout


def test_no_call_is_written_twice(tariff: TestingResult) -> None:
    checks = [
        ast.unparse(one)
        for one in ast.walk(ast.parse(tariff.source))
        if isinstance(one, ast.Assert | ast.With)
    ]
    rows = re.findall(r"^        \((.*)\),$", tariff.source, re.MULTILINE)
    assert len(set(checks)) == len(checks) > 3
    assert len(set(rows)) == len(rows)
