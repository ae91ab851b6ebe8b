"""What can be said of a suite from its text."""

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

_CHECKING_CALLS = ("raises", "warns", "deprecated_call", "fail")


class Check(Enum):
    """The strongest thing a test checks."""

    NOTHING = 0
    TYPE = 1
    """That there is something, or of what type it is."""
    VALUE = 2


@dataclass(frozen=True)
class Text:
    """Lengths, and what each test checks (by name, class included)."""

    lines: int
    longest_file: int
    checks: Mapping[str, Check]

    def count(self, cases: Iterable[str], check: Check) -> int:
        """How many of the cases, by pytest's ids, check just that."""
        names = ("::".join(one.partition("[")[0].split("::")[1:]) for one in cases)
        return sum(self.checks.get(name, Check.VALUE) is check for name in names)


def read(files: Sequence[Path]) -> Text:
    """Read a suite's files."""
    texts = [one.read_text(encoding="utf-8", errors="surrogateescape") for one in files]
    lengths = [text.count("\n") for text in texts]
    checks = {name: check for text in texts for name, check in _checks(text)}
    return Text(sum(lengths), max(lengths, default=0), checks)


def _checks(text: str) -> Iterator[tuple[str, Check]]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    for node in tree.body:
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        for one in inner:
            is_test = isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
            if is_test and one.name.startswith("test"):
                yield prefix + one.name, _check(one)


def _check(test: ast.AST) -> Check:
    """By the strongest assertion; an expected exception is one of value."""
    found = [Check.NOTHING]
    for node in ast.walk(test):
        if isinstance(node, ast.Assert):
            found.append(Check.TYPE if _is_of_type(node.test) else Check.VALUE)
        elif isinstance(node, ast.Call) and _is_check(node.func):
            found.append(Check.VALUE)
    return max(found, key=lambda one: one.value)


def _is_of_type(test: ast.expr) -> bool:
    """`isinstance(a, B)`, `callable(a)`, `a is not None`, `f"{type(a)...}" == ...`."""
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        right = test.comparators[0]
        is_none = isinstance(right, ast.Constant) and right.value is None
        is_name = isinstance(test.left, ast.JoinedStr) and "type(" in ast.unparse(test.left)
        return is_name or (isinstance(test.ops[0], ast.IsNot) and is_none)
    return isinstance(test, ast.Call) and ast.unparse(test.func) in {"isinstance", "callable"}


def _is_check(called: ast.expr) -> bool:
    name = ast.unparse(called).rpartition(".")[2]
    return name in _CHECKING_CALLS or name.startswith("assert")
