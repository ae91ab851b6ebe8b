"""The process inside the sandbox that runs a repository's own tests and tells how each went."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import coverage
import pytest

from engines.sandbox.channel import Channel, open_channel
from engines.testing.jail.process import cpu_s, forget_ourselves, silence

Fact = dict[str, Any]

_MESSAGE_LIMIT_CHARS = 300


class Teller:
    """A pytest plugin: sends every test's outcome as it comes, so that a kill loses little."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One phase of a test; a failure in any of them is the test's."""
        if report.when == "call" or report.failed:
            self._tell(report.nodeid, report.outcome, _reason(report) if report.failed else "")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that does not even collect."""
        if report.failed:
            self._tell(report.nodeid, "failed", _reason(report))

    def _tell(self, test: str, outcome: str, message: str) -> None:
        self._channel.send({"test": test, "outcome": outcome, "message": message, "cpu_s": cpu_s()})


def main() -> None:
    """Answer one request: run its tests; last comes what they ran of the files of interest."""
    channel = open_channel()
    request: Fact = cast(Fact, channel.receive())
    forget_ourselves()
    silence()
    os.chdir(str(request["folder"]))
    sys.path[:0] = request["paths"]
    files: list[str] = request["covered"]
    with _measured(files) as lines:
        pytest.main(list(request["arguments"]), plugins=[Teller(channel)])
    channel.send({"lines": lines, "cpu_s": cpu_s()})


@contextmanager
def _measured(files: list[str]) -> Generator[dict[str, list[int]]]:
    """The lines run of each file, known at the end; nothing is measured where there are none."""
    lines: dict[str, list[int]] = {}
    if not files:
        yield lines
        return
    measured = coverage.Coverage(include=files, data_file=None, config_file=False)
    measured.start()
    yield lines
    measured.stop()
    data = measured.get_data()
    lines.update((file, sorted(data.lines(str(Path(file).resolve())) or ())) for file in files)


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """What a person reads last of a failure."""
    crash: object = getattr(report.longrepr, "reprcrash", None)
    text = str(getattr(crash, "message", "") or report.longrepr).strip()
    lines = [one.strip() for one in text.splitlines() if one.strip()]
    is_crash = crash is not None
    return (lines[0 if is_crash else -1] if lines else "")[:_MESSAGE_LIMIT_CHARS]
