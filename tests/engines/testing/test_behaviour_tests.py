"""Existing tests on both sides of a change: which fail now, which pass now."""

from pathlib import Path

import pytest

from engines.sandbox.sandbox import Sandbox
from engines.testing.behaviour.engine import diff_behaviour
from engines.testing.behaviour.types import BehaviourDiff, BehaviourRequest

BASE = "def half(x: int) -> int:\n    return x // 2\n"
HEAD = "def half(x: int) -> int:\n    return (x + 1) // 2\n"


@pytest.fixture
def checkouts(tmp_path: Path) -> Path:
    """Two checkouts of a src layout; the head's tests are written by each test."""
    for side, text in (("base", BASE), ("head", HEAD)):
        package = tmp_path / side / "src" / "shop"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("")
        (package / "mod.py").write_text(text)
        (tmp_path / side / "tests").mkdir()
        (tmp_path / side / "pyproject.toml").write_text('[tool.pytest]\naddopts = ["--no-such"]\n')
    return tmp_path


def compared(checkouts: Path, sandbox: Sandbox, tests: str) -> BehaviourDiff:
    (checkouts / "head" / "tests" / "test_mod.py").write_text(tests)
    request = BehaviourRequest(checkouts / "base", checkouts / "head", cpu_s=15.0)
    return diff_behaviour(request, sandbox)


def test_what_passes_now_and_what_fails_now_is_told_apart(
    checkouts: Path, sandbox: Sandbox
) -> None:
    result = compared(
        checkouts, sandbox,
        "import random\n\nfrom shop.mod import half\n\n\n"
        "def test_rounds_up():\n    assert half(3) == 2\n\n\n"
        "def test_rounds_down():\n    assert half(5) == 2\n\n\n"
        "def test_even():\n    assert half(4) == 2\n\n\n"
        "def test_broken():\n    raise OSError('no disk')\n\n\n"
        "def test_flaky():\n    assert random.random() == half(3)\n",
    )  # fmt: skip
    told = {one.test.rpartition("::")[2]: (one.passes, one.message) for one in result.tests}
    assert told == {
        "test_rounds_up": (True, "assert 1 == 2"),
        "test_rounds_down": (False, "assert 3 == 2"),
    }
    assert result.tests[0].test.startswith("tests/test_mod.py::")
    (left_out,) = result.not_compared
    assert left_out.path == "tests/test_mod.py"
    assert "2 tests fail on both sides, the first: OSError: no disk" in left_out.reason
    assert result.exercised == 1.0


def test_tests_of_other_modules_are_not_run(checkouts: Path, sandbox: Sandbox) -> None:
    result = compared(checkouts, sandbox, "import os\n\n\ndef test_os():\n    assert not os\n")
    assert result.tests == result.not_compared == ()


def test_a_test_that_never_ends_costs_its_share_only(checkouts: Path, sandbox: Sandbox) -> None:
    result = compared(
        checkouts, sandbox,
        "from shop.mod import half\n\n\ndef test_first():\n    assert half(3) == 2\n\n\n"
        "def test_endless():\n    while half(4):\n        pass\n",
    )  # fmt: skip
    assert [one.test for one in result.tests] in ([], ["tests/test_mod.py::test_first"])
    assert any("did not end within" in one.reason for one in result.not_compared)
    assert result.differences
    assert result.cpu_s < 18


def test_the_inputs_of_tests_are_tried_those_of_tables_and_loops_too(
    checkouts: Path, sandbox: Sandbox
) -> None:
    text = (
        "def level(word: str) -> int:\n    if sum(map(ord, word)) * 31 == 19778:\n"
        "        return 2\n    return 1\n"
    )
    for side, number in (("base", "2"), ("head", "3")):
        path = checkouts / side / "src" / "shop" / "mod.py"
        path.write_text(text.replace("return 2", f"return {number}"))
    result = compared(
        checkouts, sandbox,
        "import pytest\n\nfrom shop import mod\n\n\n"
        '@pytest.mark.parametrize("word", ["no", "sesame"])\n'
        "def test_level(word):\n    assert mod.level(word)\n",
    )  # fmt: skip
    (one,) = result.differences
    assert (one.call, one.base, one.head) == ('level("sesame")', "2", "3")
    assert result.exercised == 1.0
