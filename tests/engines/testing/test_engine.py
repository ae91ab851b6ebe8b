import ast
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engines.sandbox.sandbox import Sandbox
from engines.testing.engine import write_tests
from engines.testing.types import CannotTest, Style, TestingRequest, TestingResult

Write = Callable[..., TestingResult]

SHOP = '''
"""A small shop."""
import re


class Stack:
    def __init__(self, items=None):
        self._items = list(items or [])

    def push(self, item):
        self._items.append(item)

    def pop(self):
        if not self._items:
            raise IndexError("empty stack")
        return self._items.pop()

    def __len__(self):
        return len(self._items)


def clamp(value: int, low: int, high: int) -> int:
    if low > high:
        raise ValueError("low above high")
    if value < low:
        return low
    return high if value > high else value


def parse_duration(text: str) -> int:
    """Seconds in a text such as "5m"."""
    match = re.fullmatch(r"(\\d+)([smh])", text)
    if match is None:
        raise ValueError(f"not a duration: {text}")
    return int(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]]


def mean(numbers: list[float]) -> float:
    """The average; 0 for an empty list."""
    return sum(numbers) / len(numbers)


async def later(x: int) -> int:
    return x + 1


def count_up(n: int):
    for i in range(n):
        yield i
'''


@pytest.fixture(scope="session")
def shop(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> TestingResult:
    """One result for all tests that only look at it."""
    root = tmp_path_factory.mktemp("checkout")
    (root / "shop.py").write_text(SHOP)
    return write_tests(TestingRequest(root, "shop.py", cpu_s=9.0), sandbox)


def names_of(result: TestingResult) -> list[str]:
    tree = ast.parse(result.source)
    return [one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)]


def plain_run(folder: Path, result: TestingResult) -> subprocess.CompletedProcess[str]:
    target = folder / result.test_path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(result.source)
    return subprocess.run(
        [str(Path(sys.executable).with_name("pytest")), "-q", result.test_path],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_everyday_code_is_covered_and_every_test_passes(shop: TestingResult) -> None:
    assert shop.passed == shop.tests > 8
    assert shop.after.line_percent >= 95
    assert shop.after.branch_percent >= 90
    assert shop.before.line_percent < 50
    assert shop.complete


def test_the_file_passes_with_plain_pytest_from_the_root(
    shop: TestingResult, tmp_path: Path
) -> None:
    (tmp_path / "shop.py").write_text(SHOP)
    run = plain_run(tmp_path, shop)
    assert run.returncode == 0, run.stdout
    assert f"{shop.tests} passed" in run.stdout


def test_the_file_is_laid_out_as_the_formatter_would(shop: TestingResult, tmp_path: Path) -> None:
    file = tmp_path / "generated.py"
    file.write_text(shop.source)
    ruff = Path(sys.executable).with_name("ruff")
    run = subprocess.run(
        [str(ruff), "format", "--isolated", "--check", "--diff", str(file)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout


def test_a_crash_is_a_finding_with_its_smallest_input_and_no_test(shop: TestingResult) -> None:
    (finding,) = shop.findings
    assert finding.call == "mean([])"
    assert finding.error == "ZeroDivisionError: division by zero"
    assert SHOP.splitlines()[finding.line - 1] == "    return sum(numbers) / len(numbers)"
    assert finding.documented == "The average; 0 for an empty list."
    assert "ZeroDivisionError" not in shop.source


def test_exceptions_the_source_raises_are_expected_by_tests(shop: TestingResult) -> None:
    assert "pytest.raises(ValueError, match=" in shop.source
    assert 'pytest.raises(IndexError, match="empty stack")' in shop.source
    assert "xfail" not in shop.source


def test_names_say_the_behaviour(shop: TestingResult) -> None:
    names = names_of(shop)
    assert "test_clamp_rejects_when_low_above_high" in names
    assert all(name.startswith("test_") for name in names)
    assert len(set(names)) == len(names)


def test_the_same_seed_writes_the_same_file(write: Write) -> None:
    text = "def twice(x: int) -> int:\n    return x * 2 if x > 3 else -x\n"
    assert write(text).source == write(text).source


def test_a_wrong_program_is_noticed_by_the_tests(shop: TestingResult, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SHOP.replace("value < low", "value <= high"))
    assert plain_run(tmp_path, shop).returncode == 1


def test_unittest_style_runs_with_unittest_alone(write: Write, tmp_path: Path) -> None:
    result = write(SHOP, "shop.py", cpu_s=6.0, style=Style.UNITTEST)
    assert "pytest" not in result.source
    assert result.passed == result.tests > 5
    (tmp_path / "tests").mkdir()
    (tmp_path / result.test_path).write_text(result.source)
    run = subprocess.run(
        [sys.executable, "-m", "unittest", "discover", "-s", "tests", "-p", "test_*.py"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr


def test_only_the_named_symbol_is_tested(write: Write) -> None:
    result = write(SHOP, "shop.py", symbol="clamp")
    assert all(name.startswith("test_clamp") for name in names_of(result))
    result = write(SHOP, "shop.py", symbol="Stack")
    assert all(name.startswith("test_stack") for name in names_of(result))


def test_only_the_named_lines_are_tested(write: Write) -> None:
    line = SHOP.splitlines().index("def clamp(value: int, low: int, high: int) -> int:") + 1
    result = write(SHOP, "shop.py", lines=(line, line + 1))
    assert all(name.startswith("test_clamp") for name in names_of(result))


def test_what_is_random_is_asserted_only_by_type(write: Write) -> None:
    result = write("import random\n\ndef roll() -> float:\n    return random.random()\n")
    assert "isinstance(roll(), float)" in result.source


def test_module_state_of_one_test_does_not_reach_another(write: Write) -> None:
    text = (
        "SEEN = []\n\ndef visit(name: str) -> int:\n    SEEN.append(name)\n    return len(SEEN)\n"
    )
    result = write(text)
    assert result.passed == result.tests


def test_a_call_that_hangs_or_kills_costs_only_itself(write: Write) -> None:
    text = (
        "import os\n\ndef risky(n: int) -> int:\n    if n == 3:\n        os._exit(1)\n"
        "    while n == 2:\n        pass\n    return n + 1\n"
    )
    result = write(text)
    assert result.passed == result.tests
    assert "risky(3)" not in result.source
    assert result.after.lines_covered >= 4


def test_an_existing_test_file_is_never_overwritten(write: Write, tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_mod.py").write_text("def test_old(): pass\n")
    result = write("def one() -> int:\n    return 1\n")
    assert result.test_path == "tests/test_mod_generated.py"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def f(:\n", "line 1 is not valid Python"),
        ("import nothing_of_this_name\n\ndef f(): return 1\n", "`nothing_of_this_name`"),
        ("X = 1\n", "nothing to test"),
        ("import sys\nsys.exit(3)\n\ndef f(): return 1\n", "exits the process (code 3)"),
        ("import os\nos._exit(3)\n\ndef f(): return 1\n", "ended the process"),
        ("1 / 0\n\ndef f(): return 1\n", "line 1 fails with `ZeroDivisionError"),
        (
            "import socket\nsocket.create_connection(('127.0.0.1', 9))\n\ndef f(): return 1\n",
            "network",
        ),
    ],
)
def test_each_reason_not_to_test_has_its_own_reply(write: Write, text: str, said: str) -> None:
    with pytest.raises(CannotTest) as caught:
        write(text)
    assert said in str(caught.value)


@pytest.mark.parametrize("path", ["../outside.py", "missing.py", "folder"])
def test_a_file_that_cannot_be_read_is_refused(sandbox: Sandbox, tmp_path: Path, path: str) -> None:
    (tmp_path / "root" / "folder").mkdir(parents=True)
    (tmp_path / "outside.py").write_text("def f(): return 1\n")
    with pytest.raises(CannotTest, match=path.rpartition("/")[2]):
        write_tests(TestingRequest(tmp_path / "root", path), sandbox)


def test_an_unknown_symbol_is_answered_with_the_known_ones(write: Write) -> None:
    with pytest.raises(CannotTest, match="It has `area`"):
        write("def area(x: int) -> int:\n    return x\n", symbol="volume")


def test_context_managers_returned_functions_and_stand_ins_are_used(write: Write) -> None:
    text = """
from contextlib import contextmanager


@contextmanager
def tag(name: str):
    if not name:
        raise ValueError("no name")
    yield f"<{name}>"


def adder(left: int):
    def add(right):
        return left + right

    return add


def area(shape):
    if shape.kind == "circle":
        return 3 * shape.radius
    return shape.width * shape.height
"""
    result = write(text, cpu_s=8.0)
    assert result.passed == result.tests
    assert result.after.line_percent == 100
    assert "with tag(" in result.source
    assert ")(" in result.source
    assert "SimpleNamespace(" in result.source


def test_operators_stand_where_dunders_would(write: Write) -> None:
    text = """
class Money:
    def __init__(self, cents: int):
        self.cents = cents

    def __add__(self, other: "Money") -> "Money":
        return Money(self.cents + other.cents)

    def __lt__(self, other: "Money") -> bool:
        return self.cents < other.cents

    def __len__(self) -> int:
        return 3

    def __bool__(self) -> bool:
        return self.cents != 0

    @property
    def euros(self) -> float:
        return self.cents / 100

    @classmethod
    def of(cls, euros: int) -> "Money":
        return cls(euros * 100)
"""
    result = write(text, cpu_s=6.0)
    assert "__" not in result.source.replace("__file__", "")
    assert ") + Money" in result.source
    assert result.passed == result.tests
    assert result.after.line_percent == 100


def test_files_are_made_in_a_folder_of_the_test(write: Write) -> None:
    text = "def count(path):\n    with open(path) as file:\n        return len(file.read())\n"
    result = write(text)
    assert 'tmp_path / "sample.txt"' in result.source
    assert result.after.line_percent == 100
    assert not result.findings


def test_several_files_each_get_a_test_with_the_folder_fixture(write: Write) -> None:
    text = (
        "from pathlib import Path\n\n\ndef size(path: Path, extra: int) -> int:\n"
        "    if extra > 3:\n        return extra\n    return len(path.name) + extra\n"
    )
    result = write(text)
    assert result.passed == result.tests > 1
    assert "(tmp_path)" in result.source


def test_an_optional_argument_is_never_taken_for_another_type(write: Write) -> None:
    text = "def first(text: str | None) -> str:\n    return text[:1] if text else ''\n"
    assert write(text).findings == ()


class Impatient:
    """A watch that cancels after a number of questions."""

    def __init__(self, patience: int) -> None:
        self.left = patience
        self.reports: list[str] = []
        self.phases: list[str] = []

    def report(self, text: str, done: float | None = None) -> None:
        assert done is None or 0 <= done <= 1
        self.reports.append(text)

    def draft(self, text: str) -> None:
        raise AssertionError(text)

    def phase(self, name: str) -> None:
        self.phases.append(name)

    def stop_requested(self) -> bool:
        self.left -= "search" in self.phases
        return self.left < 0


def test_progress_is_reported_in_words(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "mod.py").write_text("def one() -> int:\n    return 1\n")
    watch = Impatient(10**6)
    write_tests(TestingRequest(tmp_path, "mod.py", cpu_s=2.0), sandbox, watch)
    assert any("searched" in one and "calls" in one for one in watch.reports)
    assert watch.phases == ["read", "search", "choose", "check", "measure"]


def test_cancelling_returns_what_was_found_or_stops(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "mod.py").write_text("def one(x: int) -> int:\n    return x + 1\n")
    watch = Impatient(1)
    result = write_tests(TestingRequest(tmp_path, "mod.py", cpu_s=30.0), sandbox, watch)
    assert not result.complete
    assert result.passed == result.tests > 0
    assert result.search_cpu_s < 5


def test_attributes_that_no_code_can_name_are_not_asserted(write: Write) -> None:
    text = (
        "class Record(dict):\n    def __init__(self, key: str, value: int) -> None:\n"
        "        self.known = value\n        setattr(self, '12:30', value)\n"
        "        setattr(self, 'class', value)\n"
    )
    result = write(text)
    assert ".known" in result.source
    assert "12:30 ==" not in result.source
    assert result.passed == result.tests


def test_objects_are_told_apart_by_what_they_hold_and_say(write: Write) -> None:
    text = """
class Coin:
    def __init__(self, cents: int):
        self.cents = cents

    def __repr__(self) -> str:
        return f"Coin({self.cents})"


class Purse(dict):
    def count(self, *names: str) -> int:
        for name in names:
            self[name] = self.get(name, 0) + 1
        return len(self)


class Form:
    def __init__(self):
        self.a = self.b = self.c = self.d = self.e = self.f = self.g = None

    def fill(self, number: int):
        self.g = number


def coins(*cents: int):
    return (Coin(one) for one in cents)


def coins_listed(first: int) -> list[Coin]:
    return [Coin(first), Coin(first + 1)]


def failure(words: str) -> Exception:
    return KeyError(words)


def reader():
    return str.upper
"""
    source = write(text, cpu_s=8.0).source
    assert "[repr(one) for one in coins(" in source
    assert "[repr(one) for one in coins_listed(" in source
    assert "dict(purse) == {" in source
    assert ".g ==" in source
    assert "repr(failure(" in source
    assert "repr(reader(" not in source
    assert "isinstance(" not in source


def test_python_refusing_a_value_is_no_finding(write: Write) -> None:
    text = (
        "def number(text: str) -> int:\n    return int(text)\n\n\n"
        "def code(sign: str) -> int:\n    return ord(sign)\n\n\n"
        "PRICES = {'a': 1}\n\n\ndef price(name: str) -> int:\n    return PRICES[name]\n"
    )
    assert write(text).findings == ()
