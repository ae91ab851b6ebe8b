from pathlib import Path

import pytest

from engines.generation.checks.emptiness import empty_tests, gutted
from engines.generation.checks.excerpts import excerpt, reason
from engines.generation.checks.failing import failing_tests, named_files
from engines.generation.checks.related import place_for_tests, related_tests
from engines.generation.checks.session import Case
from tests.engines.generation.quality.conftest import Checkout

PYTEST = """\
=================================== FAILURES ===================================
________________________________ Cart.test_mean[1] _____________________________
tests/test_prices.py:9: in test_mean
    assert mean([1, 3]) == 2
shop/prices.py:6: in mean
    return total(prices) / len(prices) + 1
E   assert 3.0 == 2
=========================== short test summary info ============================
FAILED tests/test_prices.py::Cart::test_mean[1] - assert 3.0 == 2
"""
TRACEBACK = """\
Traceback (most recent call last):
  File "/home/ann/work/proj/tests/test_prices.py", line 9, in test_mean
    assert mean([1, 3]) == 2
  File "/home/ann/work/proj/shop/prices.py", line 6, in mean
    return total(prices) / len(prices) + 1
  File "/usr/lib/python3.11/json/decoder.py", line 6, in decode
ZeroDivisionError: division by zero
"""


def test_failing_tests_are_found_in_reports_of_pytest_and_unittest(shop: Path) -> None:
    assert failing_tests(PYTEST, shop) == ["tests/test_prices.py::test_mean"]
    assert failing_tests(TRACEBACK, shop) == ["tests/test_prices.py::test_mean"]
    tests = "class Cart:\n    def test_mean(self):\n        assert 0\n"
    (shop / "tests/test_prices.py").write_text(tests)
    assert failing_tests(TRACEBACK, shop) == ["tests/test_prices.py::Cart::test_mean"]
    report = "FAIL: test_mean (tests.test_prices.Cart.test_mean)\n---\n"
    assert failing_tests(report, shop) == ["tests/test_prices.py::Cart::test_mean"]
    long = PYTEST.partition("=== short")[0]
    assert failing_tests(long, shop) == ["tests/test_prices.py::Cart::test_mean"]


def test_only_files_of_the_repository_are_named(shop: Path) -> None:
    assert failing_tests("FAILED ../x/test_a.py::test_b\nFAILED test_no.py::test_b", shop) == []
    assert named_files(TRACEBACK, shop) == ["shop/prices.py", "tests/test_prices.py"]


def test_an_excerpt_keeps_the_assertion_and_the_frames_of_own_files() -> None:
    report = (
        "tests/test_a.py:9: in test_a\n    assert f() == 2\n"
        "/usr/lib/python3/x.py:6: in deep\n    deeper()\n"
        "pkg/a.py:6: in f\n    return g()\n/usr/lib/python3/y.py:1: in last\n    boom()\n"
        "E   AssertionError: assert 1 == 2\nE    +  where 1 = f()\n"
    )
    shown = excerpt(
        {"tests/test_a.py::test_a": Case("failed", report)}, {"pkg/a.py", "tests/test_a.py"}
    )
    assert shown.split("\n") == [
        "tests/test_a.py::test_a",
        "tests/test_a.py:9: in test_a",
        "    assert f() == 2",
        "pkg/a.py:6: in f",
        "    return g()",
        "/usr/lib/python3/y.py:1: in last",
        "    boom()",
        "E   AssertionError: assert 1 == 2",
        "E    +  where 1 = f()",
    ]
    assert reason(Case("failed", report)) == "AssertionError: assert 1 == 2"


def test_many_failures_are_counted_and_the_first_shown() -> None:
    cases = {f"t.py::test_{n}": Case("failed", f"E   no {n}" + "x" * 9_000) for n in range(9)}
    shown = excerpt(cases, set())
    assert shown.endswith("and 6 more fail")
    assert len(shown) < 1_000


def test_tests_that_import_what_is_changed_are_found_nearest_first(checkout: Checkout) -> None:
    root = checkout(
        {
            "src/pkg/__init__.py": "",
            "src/pkg/a.py": "x = 1\n",
            "src/pkg/b.py": "from .a import (\n    x,\n)\n",
            "src/pkg/c.py": "import os\n",
            "tests/test_far.py": "from pkg.b import x\n",
            "tests/test_near.py": "from pkg import a, c\n",
            "tests/test_other.py": "import pkg.c as c\n",
            "node_modules/test_x.py": "import pkg.a\n",
        }
    )
    assert related_tests(root, ["src/pkg/a.py"], {}) == ["tests/test_near.py", "tests/test_far.py"]
    assert related_tests(root, ["src/pkg/c.py"], {}) == [
        "tests/test_near.py",
        "tests/test_other.py",
    ]
    new = {"tests/test_new.py": "from pkg.d import y\n", "src/pkg/d.py": "y = 1\n"}
    assert related_tests(root, new, new) == ["tests/test_new.py"]


def test_new_tests_go_where_the_repository_has_its_own(checkout: Checkout) -> None:
    root = checkout({"tests/unit/test_a.py": "", "pkg/a.py": "", "pkg/b.py": ""})
    assert place_for_tests(root, "pkg/a.py") == "tests/unit/test_a.py"
    assert place_for_tests(root, "pkg/b.py") == "tests/test_b.py"
    beside = checkout({})
    (beside / "lib").mkdir()
    (beside / "lib/test_x.py").touch()
    assert place_for_tests(beside / "lib", "y.py") == "test_y.py"


@pytest.mark.parametrize(
    ("body", "is_empty"),
    [
        ("assert True", True),
        ("assert 1 == 1", True),
        ("x = f()", True),
        ("x = f()\n    assert x == x", True),
        ("f()\n    self.assertTrue(True)", True),
        ("assert f() == 1", False),
        ("with pytest.raises(ValueError):\n        f()", False),
        ("self.assertEqual(f(), 1)", False),
        ("mock.assert_called_once()", False),
        ("check_all(f)", False),
    ],
)
def test_tests_that_check_nothing_are_seen(body: str, is_empty: bool) -> None:  # noqa: FBT001 - a table
    text = f"def test_f(self):\n    {body}\n"
    assert (empty_tests(text) == {"test_f"}) is is_empty


def test_gutted_code_keeps_its_names_and_does_nothing() -> None:
    text = "import os\nX = 1\n\nclass A:\n    def f(self):\n        return 1\n\nasync def g():\n    pass\n"
    names: dict[str, object] = {}
    exec(gutted(text), names)  # noqa: S102 - written above
    assert names["X"] == 1
    with pytest.raises(NotImplementedError):
        names["A"]().f()  # pyright: ignore[reportCallIssue, reportUnknownMemberType] -- a class
    assert gutted("def f(:") == "def f(:"
