"""What can be said of a suite from its text."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_CHECKING_CALLS = ("raises", "warns", "deprecated_call", "fail")


@dataclass(frozen=True)
class Text:
    """Lengths, and the tests in which nothing is checked (by name, class included)."""

    lines: int
    longest_file: int
    unchecked: frozenset[str]

    def checks_nothing(self, case: str) -> bool:
        """Whether the case with this pytest id belongs to such a test."""
        return "::".join(case.partition("[")[0].split("::")[1:]) in self.unchecked


def read(files: Sequence[Path]) -> Text:
    """Read a suite's files."""
    texts = [one.read_text(encoding="utf-8", errors="surrogateescape") for one in files]
    lengths = [text.count("\n") for text in texts]
    unchecked = frozenset[str]().union(*(_unchecked(text) for text in texts))
    return Text(sum(lengths), max(lengths, default=0), unchecked)


def _unchecked(text: str) -> frozenset[str]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return frozenset()
    found: set[str] = set()
    for node in tree.body:
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        for one in inner:
            is_test = isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
            if is_test and one.name.startswith("test") and not _checks(one):
                found.add(prefix + one.name)
    return frozenset(found)


def _checks(test: ast.AST) -> bool:
    return any(
        isinstance(node, ast.Assert) or (isinstance(node, ast.Call) and _is_check(node.func))
        for node in ast.walk(test)
    )


def _is_check(called: ast.expr) -> bool:
    name = ast.unparse(called).rpartition(".")[2]
    return name in _CHECKING_CALLS or name.startswith("assert")
