"""What a run may spend, measured by the kernel over all of its processes."""

import math
import resource
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from engines.sandbox.sandbox import Sandbox
from engines.testing.budget import Budget
from engines.testing.calls import Call
from engines.testing.engine import write_tests
from engines.testing.jailed import Jail
from engines.testing.measurement import Measurement
from engines.testing.observations import Observation, Result
from engines.testing.offers import Kind, Offer
from engines.testing.places import place_of
from engines.testing.plan import Plan
from engines.testing.search import Kept
from engines.testing.stability import stable
from engines.testing.types import CannotTest, TestingRequest

BUSY = (
    "import time\n\n\ndef _spin(seconds):\n    until = time.thread_time() + seconds\n"
    "    while time.thread_time() < until:\n        pass\n\n\n"
)
DEAR = (
    BUSY + "_spin(0.25)\n\n\ndef grade(points: int, bonus: int = 0) -> str:\n    _spin(0.03)\n"
    "    total = points + bonus\n    if total > 90:\n        return 'A'\n    if total > 50:\n"
    "        return 'B'\n    if total == 42:\n        _spin(9)\n"
    "    return 'C' if bonus else 'D'\n"
)


def spent_s() -> float:
    spent = [resource.getrusage(one) for one in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in spent)


def test_dear_imports_and_slow_calls_do_not_overdraw_the_budget(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "grades.py").write_text(DEAR)
    started_s = spent_s()
    result = write_tests(TestingRequest(tmp_path, "grades.py", cpu_s=10.0), sandbox)
    assert result.passed == result.tests > 0
    assert spent_s() - started_s <= 10.0


def test_a_budget_that_does_not_hold_the_imports_is_refused_with_what_would(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "slow.py").write_text(BUSY + "_spin(0.6)\n\n\ndef one() -> int:\n    return 1\n")
    with pytest.raises(CannotTest, match=r"0\.[67] of it for each import .* Allow \d"):
        write_tests(TestingRequest(tmp_path, "slow.py", cpu_s=2.5), sandbox)


def test_a_budget_of_a_moment_is_raised_to_what_checking_takes_and_that_is_said(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "mod.py").write_text("def half(n: int) -> float:\n    return n / 2\n")
    result = write_tests(TestingRequest(tmp_path, "mod.py", cpu_s=0.5), sandbox)
    assert result.passed == result.tests > 0
    assert any("0.5 CPU s do not hold checking" in note for note in result.notes)


def test_a_search_that_used_up_the_budget_still_ends_in_a_file(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Plan, "free_s", -0.1)
    (tmp_path / "mod.py").write_text("def half(n: int) -> float:\n    return n / 2\n")
    result = write_tests(TestingRequest(tmp_path, "mod.py", cpu_s=1.0), sandbox)
    assert result.passed == result.tests > 0


def test_what_is_asked_of_the_jail_ends_with_its_allowance(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "mod.py").write_text(BUSY + "def wait() -> int:\n    _spin(0.02)\n    return 1\n")
    place, budget = place_of(tmp_path, "mod.py"), Budget(math.inf)
    with Jail(sandbox, place, lambda: False, {}, budget) as jail:
        offer = next(one for one in jail.offers.callables if one.name == "wait")
        before_s = budget.spent_s
        jail.until_s = before_s + 0.2
        results = jail.run([Call(offer)] * 100, everything=True)
    kinds = [one.observation.kind for one in results]
    assert 3 <= kinds.count("value") <= 12
    assert set(kinds) == {"value", "skipped"}
    assert budget.spent_s - before_s < 1.0


def test_failed_tests_are_left_out_and_the_import_alone_is_counted_apart(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "mod.py").write_text(
        "def sign(n):\n    if n < 0:\n        return -1\n    return 1\n"
    )
    tests = (
        "from mod import sign\n\n\ndef test_wrong():\n    assert sign(-1) == 1\n\n\n"
        "def test_right():\n    assert sign(1) == 1\n"
    )
    measurement = Measurement(sandbox, place_of(tmp_path, "mod.py"), Budget(30.0))
    found = measurement.first("test_mod.py", tests, {}, again=True)
    assert found.left_out == {"test_mod.py::test_wrong"}
    assert list(found.run.cases) == ["test_mod.py::test_right"]
    assert (found.before.lines_covered, found.before.branches_covered) == (1, 0)
    assert (found.coverage.lines_covered, found.coverage.branches_covered) == (3, 1)
    assert found.missing_lines == {3}


def test_tests_still_run_where_the_budget_is_used_up(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "mod.py").write_text("def half(n):\n    return n / 2\n")
    tests = "from mod import half\n\n\ndef test_half():\n    assert half(4) == 2\n"
    measurement = Measurement(sandbox, place_of(tmp_path, "mod.py"), Budget(0.0))
    (run,) = measurement.shuffled("test_mod.py", tests, {}, (1,), again=True, keeping_s=1.0)
    assert [*run.cases] == ["test_mod.py::test_half"]
    assert not run.failed


def test_calls_that_no_check_had_time_for_are_left_to_the_tests(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "mod.py").write_text("def one() -> int:\n    return 1\n")
    place, budget = place_of(tmp_path, "mod.py"), Budget(math.inf)
    with Jail(sandbox, place, lambda: False, {}, budget) as jail:
        call = Call(jail.offers.callables[0])
        kept = [Kept(call, one) for one in jail.run([call], everything=True)]

    def opened(env: Mapping[str, str]) -> Jail:
        late = Jail(sandbox, place, lambda: False, env, budget)
        late.until_s = budget.spent_s
        return late

    assert stable(kept, opened, seed=1) == kept


def test_calls_that_the_rest_of_the_budget_does_not_hold_are_dropped_slowest_first() -> None:
    offer = Offer("f", "", Kind.FUNCTION, 1, is_async=False, inputs=(), is_inherited=False)
    quick, slow = (
        Kept(Call(offer), Result(0, frozenset(), Observation("value"), cpu_s=cpu_s))
        for cpu_s in (0.01, 0.9)
    )
    plan = Plan(Budget(4.0), lines=100, start_cpu_s=0.07, import_cpu_s=0.0)
    assert plan.affordable([slow, quick]) == [quick]
    assert replace(plan, budget=Budget(20.0)).affordable([slow, quick]) == [slow, quick]
