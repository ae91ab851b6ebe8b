from collections.abc import Callable
from pathlib import Path

import pytest

from engines.sandbox.sandbox import Sandbox, find_sandbox
from engines.sandbox.types import NoIsolation
from engines.testing.engine import write_tests
from engines.testing.types import TestingRequest, TestingResult

Write = Callable[..., TestingResult]


@pytest.fixture(scope="session")
def sandbox() -> Sandbox:
    """The strongest rung of this host; skips where there is none."""
    try:
        return find_sandbox()
    except NoIsolation as problem:
        pytest.skip(f"no isolation on this host: {problem}")


@pytest.fixture
def write(sandbox: Sandbox, tmp_path: Path) -> Write:
    """Tests for the text of a module, written to a checkout of its own."""

    def run(text: str, path: str = "mod.py", cpu_s: float = 4.0, **more: object) -> TestingResult:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
        request = TestingRequest(tmp_path, path, cpu_s=cpu_s, **more)  # pyright: ignore[reportArgumentType] -- keyword by keyword
        return write_tests(request, sandbox)

    return run
