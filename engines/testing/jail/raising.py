"""Where an exception came from: a `raise` in the checkout's own code, or something that broke."""

import opcode
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType

_MESSAGE_LIMIT_CHARS = 200
_RAISE = opcode.opmap["RAISE_VARARGS"]


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
    """Tells the exceptions that the checkout's own `raise` and `assert` statements make."""

    def __init__(self, root: str, target: str) -> None:
        self._root = root.rstrip("/") + "/"
        self._target = target

    def raised(self, error: BaseException) -> Raised:
        """Describe an exception that was caught."""
        line, last = 0, None
        for last in _steps(error.__traceback__):
            if last.tb_frame.f_code.co_filename == self._target:
                line = last.tb_lineno
        return Raised(
            name=_importable_name(type(error)),
            bases=tuple(f"{one.__module__}:{one.__qualname__}" for one in type(error).__mro__),
            message=_message(error),
            line=line,
            deliberate=last is not None and self._is_raise(last),
        )

    def _is_raise(self, step: TracebackType) -> bool:
        """Whether the instruction that failed is a `raise` (or `assert`) of the checkout's code."""
        code = step.tb_frame.f_code
        if not code.co_filename.startswith(self._root) or step.tb_lasti < 0:
            return False
        return code.co_code[step.tb_lasti] == _RAISE


def _importable_name(kind: type[BaseException]) -> str:
    """The class or the nearest one it extends that an import statement can reach."""
    for one in kind.__mro__:
        module = sys.modules.get(one.__module__)
        if getattr(module, one.__qualname__, None) is one:
            return f"{one.__module__}:{one.__qualname__}"
    return "builtins:Exception"


def _steps(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace:
        yield trace
        trace = trace.tb_next


def _message(error: BaseException) -> str:
    try:
        return str(error)[:_MESSAGE_LIMIT_CHARS]
    except Exception:  # noqa: BLE001 - a stranger's __str__ raises what it likes
        return ""
