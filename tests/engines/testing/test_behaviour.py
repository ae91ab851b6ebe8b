"""What a person reads of a change: differences of behaviour, and nothing where there are none."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engines.sandbox.sandbox import Sandbox
from engines.testing.behaviour.engine import diff_behaviour
from engines.testing.behaviour.types import BehaviourDiff, BehaviourRequest, Change
from engines.testing.layout import double_quoted

Diff = Callable[..., BehaviourDiff]

STACK = '''
"""A small shop."""

LIMIT = 10


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


def _is_large(count):
    return count > LIMIT


def price(count: int, discount: int = 5) -> int:
    if _is_large(count):
        return count - discount
    return count


def clamp(value: int, low: int, high: int) -> int:
    if low > high:
        raise ValueError("low above high")
    if value < low:
        return low
    return high if value > high else value
'''


@pytest.fixture
def diff(sandbox: Sandbox, tmp_path: Path) -> Diff:
    """The comparison of two texts of one module, each in a checkout of its own."""

    def run(base: str, head: str, path: str = "mod.py", cpu_s: float = 3.0) -> BehaviourDiff:
        for side, text in (("base", base), ("head", head)):
            file = tmp_path / side / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return diff_behaviour(
            BehaviourRequest(tmp_path / "base", tmp_path / "head", cpu_s=cpu_s), sandbox
        )

    return run


def told(result: BehaviourDiff) -> list[str]:
    return [f"{one.call}: {one.base} -> {one.head}" for one in result.differences]


def test_a_moved_boundary_is_shown_by_the_call_on_it(diff: Diff) -> None:
    result = diff(STACK, STACK.replace("low > high", "low >= high"))
    first = result.differences[0]
    assert (first.function, first.change) == ("clamp", Change.RAISES_NOW)
    assert first.head == "raises ValueError: low above high"
    assert STACK.splitlines()[first.line - 1] == "    if low > high:"
    assert all(one.function == "clamp" for one in result.differences)
    assert result.exercised == 1.0


def test_a_changed_constant_is_noticed_through_the_public_function(diff: Diff) -> None:
    result = diff(STACK, STACK.replace("LIMIT = 10", "LIMIT = 12"))
    assert "price(11): 6 -> 11" in told(result)


def test_what_a_method_leaves_behind_is_told_in_code_that_runs_on_its_own(diff: Diff) -> None:
    result = diff(STACK, STACK.replace("append(item)", "insert(0, item)"))
    (one, *_) = result.differences
    assert one.function == "Stack.push"
    assert STACK.splitlines()[one.line - 1] == "        self._items.append(item)"
    assert one.code.startswith("from mod import Stack\n")
    *setup, call = one.code.removeprefix("from mod import Stack\n").splitlines()
    for text, seen in (
        (STACK, one.base),
        (STACK.replace("append(item)", "insert(0, item)"), one.head),
    ):
        names: dict[str, object] = {}
        exec("\n".join([text, *setup]), names)  # noqa: S102 - ours
        value = eval(call, names)  # noqa: S307 - ours
        assert seen in (double_quoted(repr(value)), f"an object of type {type(value).__name__}")


def test_what_a_call_does_to_the_objects_it_is_given_is_told(diff: Diff) -> None:
    text = "def tidy(items: list[int]) -> None:\n    items.sort()\n"
    result = diff(text, text.replace("sort()", "sort(reverse=True)"), cpu_s=1.5)
    one = result.differences[0]
    assert one.change is Change.LEAVES_OTHER
    assert one.call.startswith("items = [")
    assert one.call.endswith("]\ntidy(items)\nitems")
    assert sorted(eval(one.base), reverse=True) == eval(one.head)  # noqa: S307 - a list of numbers
    names: dict[str, object] = {}
    exec("\n".join([text, *one.code.splitlines()[1:-1]]), names)  # noqa: S102 - what it shows
    assert repr(names["items"]) == one.base


def test_what_becomes_of_an_object_of_the_module_that_a_function_is_given_is_told(
    diff: Diff,
) -> None:
    text = (
        "class Log:\n    def __init__(self):\n        self.lines = []\n\n"
        "    def add(self, line):\n        self.lines.append(line)\n\n\n"
        "def noted(log: Log, word: str) -> str:\n    log.add(word)\n    return word\n"
    )
    (one, *_) = diff(
        text, text.replace("log.add(word)", "log.add(word * 2)"), cpu_s=1.5
    ).differences
    assert (one.function, one.change) == ("noted", Change.LEAVES_OTHER)
    assert one.call.startswith("log = Log()\n")
    assert one.call.endswith("log.lines")


def test_what_a_function_leaves_in_its_module_is_seen_through_another_one(diff: Diff) -> None:
    text = (
        "_STOCK = {}\n\n\ndef store(name: str, count: int) -> None:\n    _STOCK[name] = count\n\n\n"
        "def stored(name: str) -> int:\n    return _STOCK.get(name, 0)\n"
    )
    (one, *_) = diff(text, text.replace("= count", "= count + 1"), cpu_s=1.5).differences
    assert one.function == "store"
    before, call = one.call.splitlines()
    assert before.startswith("store(")
    assert call.startswith("stored(")
    assert int(one.head) == int(one.base) + 1


def test_what_a_context_manager_gives_is_shown_by_code_that_gives_it(diff: Diff) -> None:
    text = (
        "import contextlib\n\n\n@contextlib.contextmanager\ndef tagged(name: str):\n"
        '    yield "<" + name\n'
    )
    (one, *_) = diff(text, text.replace('"<"', '"["'), cpu_s=1.5).differences
    assert one.call.endswith(").__enter__()")
    assert (one.base[1], one.head[1]) == ("<", "[")


def test_a_removed_function_is_told_once_and_what_others_do_is_no_part_of_it(diff: Diff) -> None:
    text = "def half(x: int) -> int:\n    return x // 2\n\n\ndef odd(x: int) -> int:\n    return x % 2\n"
    (one,) = diff(text, text.replace("def half", "def halved"), cpu_s=1.5).differences
    assert one.head == "raises ImportError: cannot import name 'half'"


def test_looking_at_what_is_left_behind_may_not_end_without_the_call_being_blamed(
    diff: Diff,
) -> None:
    text = (
        "class Ring:\n    def __init__(self):\n        self.size = 1\n        self.limit = 3\n\n"
        "    def __iter__(self):\n        while self.size != self.limit:\n            pass\n"
        "        return iter(())\n\n    def fill(self):\n        self.size = 3\n        return 1\n"
    )
    found = diff(text, text.replace("self.size = 3", "self.size = 4"), cpu_s=1.5).differences
    assert found
    assert all(one.change is not Change.NEVER_ENDS or "list(" in one.call for one in found)


def test_names_that_a_module_only_passes_on_are_imported_by_the_shown_code(diff: Diff) -> None:
    text = (
        "from decimal import ROUND_UP as UP\n\n\ndef way(name: object) -> int:\n"
        '    """As in\n\n    >>> way(UP)\n    1\n    """\n'
        "    if name == UP:\n        return 1\n    return 0\n"
    )
    result = diff(text, text.replace("return 1", "return 2"), cpu_s=1.5)
    (one, *_) = result.differences
    assert (one.code, one.base, one.head) == ("from mod import UP, way\nway(UP)", "1", "2")


def test_a_private_function_is_called_where_nothing_public_reaches_it(diff: Diff) -> None:
    base = "def _half(x: int) -> int:\n    return x // 2\n\n\ndef one() -> int:\n    return 1\n"
    result = diff(base, base.replace("x // 2", "x // 3"))
    assert result.differences[0].function == "_half"
    assert result.exercised == 1.0


def test_another_exception_is_a_difference(diff: Diff) -> None:
    result = diff(STACK, STACK.replace("raise IndexError", "raise LookupError"))
    (one,) = result.differences
    assert one.change is Change.RAISES_OTHER
    assert one.base == "raises IndexError: empty stack"
    assert one.head == "raises LookupError: empty stack"


def test_another_default_is_seen_where_the_argument_is_left_out(diff: Diff) -> None:
    result = diff(STACK, STACK.replace("discount: int = 5", "discount: int = 4"))
    assert result.differences[0].function == "price"
    assert "discount" not in result.differences[0].call


def test_a_removed_function_and_a_removed_parameter_are_differences(diff: Diff) -> None:
    base = "def area(x: int) -> int:\n    return x\n\n\ndef size(x: int, y: int = 1) -> int:\n    return x\n"
    result = diff(base, "def size(x: int) -> int:\n    return x\n")
    heads = {one.function: one.head for one in result.differences}
    assert heads["area"].startswith("raises ImportError")
    assert heads["size"].startswith("raises TypeError")


REFACTORED = '''
"""A small shop, tidied."""

from collections.abc import Iterable

LIMIT = 10


def clamp(value: int, low: int, high: int) -> int:
    """The value within its bounds."""
    if low <= high:
        return _bounded(value, low, high)
    raise ValueError("low above high")


def _bounded(value: int, low: int, high: int) -> int:
    return low if value < low else min(value, high)


def price(count: int, discount: int = 5) -> int:
    return count - (discount if count > LIMIT else 0)


class Stack:
    def __len__(self) -> int:
        return len(self._held)

    def __init__(self, items: Iterable[object] | None = None) -> None:
        self._held = [one for one in items or []]

    def pop(self) -> object:
        if self._held:
            return self._held.pop()
        raise IndexError("empty stack")

    def push(self, item: object) -> None:
        self._held.append(item)
'''


def test_a_pure_refactoring_is_no_difference(diff: Diff) -> None:
    result = diff(STACK, REFACTORED)
    assert told(result) == []
    assert not result.changed
    assert result.exercised == 1.0
    assert result.calls > 500


def test_code_moved_to_another_module_and_passed_on_is_no_difference(
    diff: Diff, tmp_path: Path
) -> None:
    (tmp_path / "head").mkdir()
    (tmp_path / "head" / "stack.py").write_text(STACK)
    result = diff(STACK, "from stack import LIMIT, Stack, clamp, price\n")
    assert told(result) == []
    assert [(one.path, one.reason) for one in result.not_compared] == [("stack.py", "new")]


def test_where_a_class_lives_is_no_part_of_a_message(diff: Diff, tmp_path: Path) -> None:
    text = (
        "class Node:\n    pass\n\n\ndef placed(node: Node) -> int:\n"
        '    raise LookupError(f"no place for {node} of {type(node)}")\n'
    )
    (tmp_path / "head").mkdir()
    (tmp_path / "head" / "nodes.py").write_text(text)
    assert told(diff(text, "from nodes import Node, placed\n", cpu_s=1.5)) == []


def test_comments_and_docstrings_are_not_compared(diff: Diff) -> None:
    result = diff(STACK, STACK.replace("A small shop.", "Another shop.") + "# the end\n")
    assert (result.calls, result.changed, result.exercised) == (0, False, 1.0)


def test_what_is_never_the_same_is_no_difference(diff: Diff) -> None:
    base = (
        "import random\nimport time\n\n\ndef roll() -> float:\n    return random.random()\n\n\n"
        "def now() -> float:\n    return time.perf_counter()\n\n\n"
        "def names(text: str) -> list[str]:\n    return list(set(text))\n\n\n"
        "def identity(x: int) -> int:\n    return id(object()) + x\n"
    )
    head = base.replace("random.random()", "random.random() * 1").replace(
        "list(set(text))", "list({*text})"
    )
    head = head.replace("return time", "return 1 * time").replace("+ x", "+ x + 0")
    result = diff(base, head)
    assert told(result) == []
    assert any("`now` does not give the same" in one.reason for one in result.not_compared)


@pytest.mark.parametrize(
    ("body", "seen"),
    [
        ("while n == 3:\n        pass\n    return n", "does not end"),
        ("if n == 3:\n        os._exit(1)\n    return n", "ends the process"),
        ("return n if n != 3 else len([0] * 10**12)", "does not end"),
    ],
)
def test_a_call_that_no_longer_ends_is_a_difference(diff: Diff, body: str, seen: str) -> None:
    text = "import os\n\n\ndef risky(n: int) -> int:\n    "
    result = diff(f"{text}return n\n", f"{text}{body}\n")
    (one,) = result.differences
    assert (one.change, one.call, one.head) == (Change.NEVER_ENDS, "risky(3)", seen)


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("import nothing_of_this_name\n", "`nothing_of_this_name`"),
        ("def f(:\n", "line 1 is not valid Python"),
        ("import os\nos._exit(3)\n", "ended the process"),
    ],
)
def test_a_version_that_cannot_be_imported_is_named_with_the_reason(
    diff: Diff, head: str, said: str
) -> None:
    result = diff("def f() -> int:\n    return 1\n", head)
    assert not result.changed
    assert said in result.not_compared[0].reason


class Impatient:
    """A watch that cancels after a number of questions."""

    def __init__(self, patience: int) -> None:
        self.left = patience
        self.reports: list[str] = []

    def report(self, text: str, done: float | None = None) -> None:
        assert done is None or 0 <= done <= 1
        self.reports.append(text)

    def draft(self, text: str) -> None:
        raise AssertionError(text)

    def phase(self, name: str) -> None:
        """Measure nothing."""

    def stop_requested(self) -> bool:
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize("patience", [0, 1, 6])
def test_a_cancel_returns_what_is_found(sandbox: Sandbox, tmp_path: Path, patience: int) -> None:
    for side, text in (("base", STACK), ("head", STACK.replace("LIMIT = 10", "LIMIT = 12"))):
        (tmp_path / side).mkdir()
        (tmp_path / side / "mod.py").write_text(text)
    watch = Impatient(patience)
    request = BehaviourRequest(tmp_path / "base", tmp_path / "head", cpu_s=30.0)
    result = diff_behaviour(request, sandbox, watch)
    assert not result.complete
    assert result.cpu_s < 8
    assert watch.reports[0] == "reading what changed"
