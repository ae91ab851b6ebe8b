import functools
from pathlib import Path

import pytest

from engines.sandbox.canary import canary, quick_canary
from engines.sandbox.report import CanaryReport
from engines.sandbox.sandbox import Sandbox
from engines.sandbox.types import Rung

quick_report = functools.cache(quick_canary)
full_report = functools.cache(canary)


@pytest.fixture(params=list(Rung))
def report(request: pytest.FixtureRequest) -> CanaryReport:
    """A rung's quick canary; skips where the rung cannot be had on this host."""
    found = quick_report(request.param)
    if found.missing:
        pytest.skip(f"{found.rung} is not available here: {found.missing}")
    return found


@pytest.fixture(params=[False, True], ids=["cold", "warm"])
def attacked(report: CanaryReport, request: pytest.FixtureRequest) -> CanaryReport:
    """All attacks on a rung that can be had, by cold and by warm starts."""
    return full_report(report.rung, forks=request.param)


@pytest.fixture
def sandbox(report: CanaryReport) -> Sandbox:
    return Sandbox(report.rung)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder
