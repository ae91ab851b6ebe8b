"""Which language's engine writes tests for a file."""

from collections.abc import Callable
from pathlib import PurePosixPath

from engines.sandbox.sandbox import Sandbox
from engines.testing.javascript.project import SUFFIXES
from engines.testing.types import CannotTest, TestingRequest, TestingResult
from engines.watch import Watch

Writer = Callable[[TestingRequest, Sandbox, Watch], TestingResult]


def writer_for(path: str) -> Writer:
    """The engine for a file, by its suffix.

    Raises:
        CannotTest: no engine knows the language.
    """
    suffix = PurePosixPath(path).suffix
    if suffix == ".py":
        from engines.testing import engine  # noqa: PLC0415 - each costs a tenth of a second

        return engine.write_tests
    if suffix in SUFFIXES:
        from engines.testing.javascript import engine as javascript  # noqa: PLC0415 - as above

        return javascript.write_tests
    if suffix == ".java":
        from engines.testing.java import engine as java  # noqa: PLC0415 - as above

        return java.write_tests
    raise CannotTest(
        f"`{path}` is in no language that `test` knows: Python (`.py`), JavaScript (`.js`, "
        "`.mjs`, `.cjs`), TypeScript (`.ts`) and Java (`.java`)."
    )
