"""Where an exception came from: a `raise` in the checkout's own code, or something that broke."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

_MESSAGE_LIMIT_CHARS = 200


@dataclass(frozen=True)
class Raised:
    """One exception. `line` is the last line of the target file it passed, 0 if it passed none.

    `deliberate` is true where it was raised by a `raise` or `assert` of the checkout.
    """

    name: str
    bases: tuple[str, ...]
    message: str
    line: int
    deliberate: bool

    def fact(self) -> dict[str, object]:
        """As plain data."""
        return {
            "kind": "error",
            "type": self.name,
            "bases": list(self.bases),
            "message": self.message,
            "line": self.line,
            "deliberate": self.deliberate,
        }


class Sites:
    """Knows the raise statements of the checkout's files."""

    def __init__(self, root: str, target: str) -> None:
        self._root = root.rstrip("/") + "/"
        self._target = target
        self._lines: dict[str, frozenset[int]] = {}

    def raised(self, error: BaseException) -> Raised:
        """Describe an exception that was caught."""
        line, file, place = 0, "", 0
        for file, place in _frames(error.__traceback__):
            if file == self._target:
                line = place
        return Raised(
            name=_importable_name(type(error)),
            bases=tuple(f"{one.__module__}:{one.__qualname__}" for one in type(error).__mro__),
            message=_message(error),
            line=line,
            deliberate=file.startswith(self._root) and place in self._raise_lines(file),
        )

    def _raise_lines(self, file: str) -> frozenset[int]:
        if file not in self._lines:
            try:
                tree = ast.parse(Path(file).read_bytes())
            except (OSError, SyntaxError, ValueError):
                self._lines[file] = frozenset()
            else:
                self._lines[file] = frozenset(_lines_of_raises(tree))
        return self._lines[file]


def _importable_name(kind: type[BaseException]) -> str:
    """The class or the nearest one it extends that an import statement can reach."""
    for one in kind.__mro__:
        module = sys.modules.get(one.__module__)
        if getattr(module, one.__qualname__, None) is one:
            return f"{one.__module__}:{one.__qualname__}"
    return "builtins:Exception"


def _lines_of_raises(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise | ast.Assert):
            yield from range(node.lineno, (node.end_lineno or node.lineno) + 1)


def _frames(trace: TracebackType | None) -> Iterator[tuple[str, int]]:
    while trace:
        yield trace.tb_frame.f_code.co_filename, trace.tb_lineno
        trace = trace.tb_next


def _message(error: BaseException) -> str:
    try:
        return str(error)[:_MESSAGE_LIMIT_CHARS]
    except Exception:  # noqa: BLE001 - a stranger's __str__ raises what it likes
        return ""
