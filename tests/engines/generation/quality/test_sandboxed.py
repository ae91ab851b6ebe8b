"""The loop with tests that are run; each run costs a second."""

import time
from pathlib import Path

import pytest
from typing_extensions import override

from engines.generation.engine import generate
from engines.generation.ground import Ground, Tools
from engines.generation.scripted import ScriptedModel
from engines.generation.tasks import CheckOutcome, Kind, Limits, Result, Task
from engines.sandbox.sandbox import Sandbox
from engines.watch import Unwatched
from tests.engines.generation.quality.conftest import Checkout

FIXED = (
    "The mean is one too high.\n\nFILE: shop/prices.py\n"
    "<<<<<<< SEARCH\n    return total(prices) / len(prices) + 1\n=======\n"
    "    return total(prices) / len(prices)\n>>>>>>> REPLACE\n"
)
WRONG = FIXED.replace("    return total(prices) / len(prices)\n>", "    return 2 * len(prices)\n>")
FORKS = """\
    import os, time
    for _ in range(500):
        if not os.fork():
            time.sleep(60)
"""
REPORT = "FAILED tests/test_prices.py::test_mean - assert 3.0 == 2\n"


def told(result: Result) -> dict[str, str]:
    return {one.name: f"{one.outcome}: {one.detail}" for one in result.checks}


def test_a_failing_test_is_fixed_after_a_wrong_try(shop: Path, ground: Ground) -> None:
    model = ScriptedModel([WRONG, FIXED])
    task = Task(Kind.FIX, "fix it", shop, failing=REPORT)
    result = generate(task, model, ground)
    assert result.verified, result
    assert [one.failed for one in result.attempts] == ["failing test", ""]
    assert told(result)["failing test"] == "passed: tests/test_prices.py::test_mean passes now"
    shown = model.requests[0].messages[-1].text
    assert "assert 3.0 == 2" in shown
    assert "FILE TO CHANGE" not in shown
    assert "shop/prices.py lines 1-" in shown
    assert "assert 4 == 2" in model.requests[1].messages[-1].text
    assert (shop / "shop/prices.py").read_text().endswith("+ 1\n")


def test_a_fix_that_breaks_another_test_is_refused(shop: Path, ground: Ground) -> None:
    breaking = FIXED + (
        "<<<<<<< SEARCH\n    return sum(prices)\n=======\n"
        "    return 4 if len(prices) == 2 and prices[1] == 3 else 0\n>>>>>>> REPLACE\n"
    )
    result = generate(
        Task(Kind.FIX, "fix it", shop, failing=REPORT), ScriptedModel([breaking]), ground,
        Limits(repairs=0),
    )  # fmt: skip
    assert not result.verified
    assert "test_total" in told(result)["existing tests"]


def test_a_test_that_does_not_fail_here_is_told(shop: Path, ground: Ground) -> None:
    report = "FAILED tests/test_prices.py::test_total - assert 0\n"
    result = generate(
        Task(Kind.FIX, "fix it", shop, failing=report), ScriptedModel([FIXED]), ground
    )
    assert result.unverified_because == (
        "tests/test_prices.py::test_total does not fail here before the change"
    )


def test_a_traceback_is_fixed_with_a_test_that_shows_it(shop: Path, ground: Ground) -> None:
    (shop / "tests/test_prices.py").unlink()
    trace = 'Traceback:\n  File "/x/shop/prices.py", line 6, in mean\nAssertionError\n'
    idle = "FILE: tests/test_mean.py\n```python\nfrom shop.prices import total\n\n\ndef test_t():\n    assert total([1]) == 1\n```\n"
    real = "FILE: tests/test_mean.py\n```python\nfrom shop.prices import mean\n\n\ndef test_m():\n    assert mean([2]) == 2\n```\n"
    model = ScriptedModel([FIXED + "\n" + idle, real])
    result = generate(Task(Kind.FIX, "the mean is wrong", shop, failing=trace), model, ground)
    assert "tests/test_prices.py" in model.requests[0].messages[-1].text
    assert "passes without the change" in result.attempts[0].told
    assert result.verified, result
    assert [one.path for one in result.files] == ["shop/prices.py", "tests/test_mean.py"]


def test_new_code_comes_with_tests_that_would_miss_it(shop: Path, ground: Ground) -> None:
    code = "FILE: shop/tax.py\n```python\ndef tax(price):\n    return price * 2\n```\n"
    tests = (
        "FILE: tests/test_tax.py\n```python\nfrom shop.tax import tax\n\n\n"
        "def test_tax():\n    assert tax(2) == 4\n\n\ndef test_name():\n    assert tax.__name__ == 'tax'\n```\n"
    )
    task = Task(Kind.WRITE, "a tax", shop, path="shop/tax.py", with_tests=True)
    model = ScriptedModel([code + tests])
    result = generate(task, model, ground)
    assert result.verified, result
    assert "tests/test_tax.py" in model.requests[0].messages[-1].text
    assert told(result)["new tests"] == (
        "passed: 1 of 2 pass, and fail without the change; test_name passes without the change, too"
    )


def test_tests_that_show_nothing_are_not_evidence(shop: Path, ground: Ground) -> None:
    code = "FILE: shop/tax.py\n```python\ndef tax(price):\n    return price * 2\n```\n"
    tests = "FILE: tests/test_tax.py\n```python\nfrom shop import tax\n\n\ndef test_tax():\n    assert True, tax\n```\n"
    task = Task(Kind.WRITE, "a tax", shop, path="shop/tax.py", with_tests=True)
    result = generate(task, ScriptedModel([code + tests]), ground, Limits(repairs=0))
    assert not result.verified
    assert "checks nothing" in result.unverified_because


def test_tests_that_are_skipped_or_steered_are_not_evidence(shop: Path, ground: Ground) -> None:
    code = "FILE: shop/tax.py\n```python\ndef tax(price):\n    return price * 2\n```\n"
    skipped = (
        "FILE: tests/test_tax.py\n```python\nimport pytest\nfrom shop.tax import tax\n\n\n"
        "@pytest.mark.skip\ndef test_tax():\n    assert tax(2) == 5\n```\n"
    )
    task = Task(Kind.WRITE, "a tax", shop, path="shop/tax.py")
    result = generate(task, ScriptedModel([code + skipped]), ground, Limits(repairs=0))
    assert not result.verified
    steered = (
        skipped.replace("@pytest.mark.skip\n", "").replace("== 5", "== 4")
        + "FILE: conftest.py\n```python\nX = 1\n```\n"
    )
    result = generate(task, ScriptedModel([code + steered]), ground, Limits(repairs=0))
    assert result.unverified_because == "`conftest.py` decides how tests are run, and it is changed"


def test_a_test_that_cannot_be_imported_here_is_not_held_against_the_fix(
    shop: Path, ground: Ground
) -> None:
    test = shop / "tests/test_prices.py"
    test.write_text(f"import package_of_nobody\n{test.read_text()}")
    task = Task(Kind.FIX, "fix it", shop, failing=REPORT)
    result = generate(task, ScriptedModel([FIXED]), ground)
    assert result.rounds == 0
    assert "not importable here: ModuleNotFoundError" in result.unverified_because


@pytest.mark.parametrize(
    "settings", ["strict = true\nnobody_knows = 'x'", "addopts = ['--nobody']"]
)
def test_settings_that_need_what_is_not_here_are_left_out(
    shop: Path, ground: Ground, settings: str
) -> None:
    (shop / "pyproject.toml").write_text(f"[tool.pytest]\n{settings}\n")
    result = generate(Task(Kind.FIX, "", shop, failing=REPORT), ScriptedModel([FIXED]), ground)
    assert result.verified, result


def test_asynchronous_tests_run_with_the_plugin_that_the_repository_declares(
    shop: Path, ground: Ground
) -> None:
    pytest.importorskip("pytest_asyncio")
    settings = (
        "[dependency-groups]\ntest = ['pytest-asyncio']\n[tool.pytest]\nasyncio_mode = 'auto'\n"
    )
    (shop / "pyproject.toml").write_text(settings)
    answer = (
        "FILE: shop/tax.py\n```python\nasync def tax(price):\n    return price * 2\n```\n"
        "FILE: tests/test_tax.py\n```python\nfrom shop.tax import tax\n\n\n"
        "async def test_tax():\n    assert await tax(2) == 4\n```\n"
    )
    task = Task(Kind.WRITE, "a tax", shop, path="shop/tax.py")
    assert generate(task, ScriptedModel([answer]), ground).verified


def test_tests_that_never_end_without_the_change_are_not_held_against_it(
    checkout: Checkout, ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engines.generation.checks.session._CPU_S", 1.0)
    endless = (
        "import cart\n\n\ndef test_total():\n    assert cart.total([1]) == 1\n\n\n"
        "def test_endless():\n    while True:\n        pass\n"
    )
    root = checkout(
        {"cart.py": "def total(prices):\n    return sum(prices)\n", "test_cart.py": endless}
    )
    answer = "FILE: cart.py\n```python\ndef total(prices):\n    return sum(list(prices))\n```\n"
    task = Task(Kind.REFACTOR, "x", root, path="cart.py")
    result = generate(task, ScriptedModel([answer]), ground)
    assert told(result)["existing tests"].startswith("passed: 1 pass, as before")
    assert "not all tests that touch the change were run" in result.unverified_because


def test_existing_tests_do_not_speak_for_what_is_new(shop: Path, ground: Ground) -> None:
    code = (
        "FILE: shop/prices.py\n<<<<<<< SEARCH\ndef mean(prices):\n=======\n"
        "def most(prices):\n    return max(prices)\n\n\ndef mean(prices):\n>>>>>>> REPLACE\n"
    )
    task = Task(Kind.WRITE, "the most", shop, path="shop/prices.py")
    result = generate(task, ScriptedModel([code]), ground)
    assert result.unverified_because == "the tests that were run do not touch what is new"
    assert told(result)["existing tests"].startswith(
        "passed: 1 pass, as before; 1 fail before and after: tests/test_prices.py::test_mean"
    )


def test_a_refactoring_keeps_the_tests_and_is_refused_when_it_does_not(
    checkout: Checkout, ground: Ground
) -> None:
    root = checkout(
        {
            "cart.py": "def total(prices):\n    result = 0\n    for one in prices:\n        result += one\n    return result\n",
            "test_cart.py": "from cart import total\n\n\ndef test_total():\n    assert total([1, 2]) == 3\n",
        }
    )
    broken = "FILE: cart.py\n```python\ndef total(prices):\n    return max(prices)\n```\n"
    good = broken.replace("max", "sum")
    task = Task(Kind.REFACTOR, "shorter", root, path="cart.py")
    result = generate(task, ScriptedModel([broken, good]), ground)
    assert [one.failed for one in result.attempts] == ["existing tests", ""]
    assert result.verified, result
    assert told(result)["existing tests"] == "passed: 1 pass, as before"
    refused = generate(task, ScriptedModel([broken]), ground, Limits(repairs=0))
    assert not refused.verified
    assert "assert 2 == 3" in refused.unverified_because


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("    while True:\n        pass\n", "it took longer than"),
        ("    import os\n    os._exit(0)\n", "ended the test process"),
        (
            "    import socket\n    socket.create_connection(('127.0.0.1', 80), 1)\n",
            "PermissionError",
        ),
        (FORKS, "BlockingIOError"),
        ("    return open('/etc/shadow').read()\n", "Error"),
        ("    return bytearray(1 << 33)\n", "MemoryError"),
    ],
    ids=["endless", "exit", "network", "forks", "files", "memory"],
)
def test_hostile_code_is_contained_and_told(
    shop: Path, ground: Ground, body: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engines.generation.checks.session._TEST_S", 1.0)
    answer = (
        f"FILE: shop/tax.py\n```python\ndef tax():\n{body}```\n"
        "FILE: tests/test_tax.py\n```python\nfrom shop.tax import tax\n\n\ndef test_tax():\n    assert tax() == 1\n```\n"
    )
    task = Task(Kind.WRITE, "a tax", shop, path="shop/tax.py")
    began_s = time.monotonic()
    result = generate(task, ScriptedModel([answer]), ground, Limits(repairs=0))
    assert not result.verified
    assert said in told(result)["new tests"]
    assert time.monotonic() - began_s < 60


def test_a_type_error_is_repaired(shop: Path, sandbox: Sandbox, tools: Tools) -> None:
    if tools.pyright is None or tools.node is None:
        pytest.skip("pyright is not installed")
    (shop / "shop/old.py").write_text("def f() -> str:\n    return 1\n")
    bad = (
        "FILE: shop/tax.py\n```python\ndef tax(price: int) -> str:\n    return price\n```\n"
        "FILE: shop/old.py\n<<<<<<< SEARCH\n    return 1\n=======\n    return 1\n\n\ndef g() -> int:\n    return 2\n>>>>>>> REPLACE\n"
    )
    good = "FILE: shop/tax.py\n```python\ndef tax(price: int) -> str:\n    return str(price)\n```\n"
    model = ScriptedModel([bad, good])
    result = generate(Task(Kind.WRITE, "a tax", shop), model, Ground(sandbox, tools))
    assert [one.failed for one in result.attempts] == ["types", ""]
    complaint = model.requests[1].messages[-1].text
    assert 'shop/tax.py line 2: Type "int" is not assignable to return type "str"' in complaint
    assert "old.py" not in complaint


class Impatient(Unwatched):
    """Cancels a moment after the tests began."""

    def __init__(self) -> None:
        self._looks = 0
        self.cancelled_s = 0.0

    @override
    def report(self, text: str, done: float | None = None) -> None:
        if "lint" in text:
            self._looks = 12

    @override
    def stop_requested(self) -> bool:
        self._looks -= 1
        if self._looks == 0:
            self.cancelled_s = time.monotonic()
        return bool(self.cancelled_s)


def test_a_person_who_cancels_during_the_tests_keeps_the_answer(shop: Path, ground: Ground) -> None:
    code = "FILE: shop/prices.py\n<<<<<<< SEARCH\n    return sum(prices)\n=======\n    while True:\n        pass\n>>>>>>> REPLACE\n"
    watch = Impatient()
    task = Task(Kind.WRITE, "x", shop, path="shop/prices.py")
    result = generate(task, ScriptedModel([code]), ground, watch=watch)
    assert time.monotonic() - watch.cancelled_s < 1.5
    assert result.stopped
    assert len(result.files) == 1
    assert {one.name: one.outcome for one in result.checks}["lint"] is CheckOutcome.PASSED
