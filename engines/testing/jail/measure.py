"""The process inside the sandbox that runs test files and measures the target's coverage."""

import contextlib
import importlib
import json
import os
import random
import sys
import tempfile
from pathlib import Path
from typing import Any, cast

import coverage
import pytest

from engines.sandbox.channel import open_channel
from engines.testing.jail.driver import forget_ourselves, silence

Request = dict[str, Any]

_MESSAGE_LIMIT_CHARS = 400


class Recorder:
    """A pytest plugin: the outcome of every test, and the order they run in."""

    def __init__(self, seed: int) -> None:
        self.cases: dict[str, list[str]] = {}
        self._seed = seed

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Shuffle, unless the seed is 0."""
        if self._seed:
            random.Random(self._seed).shuffle(items)  # noqa: S311 - an order, no secret

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the worst outcome of a test's phases."""
        if report.when == "call" or report.failed:
            message = str(report.longrepr)[-_MESSAGE_LIMIT_CHARS:] if report.failed else ""
            self.cases[report.nodeid] = [report.outcome, message]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that does not even collect."""
        if report.failed:
            text = str(report.longrepr)[-_MESSAGE_LIMIT_CHARS:]
            self.cases[report.nodeid or "collection"] = ["failed", text]


def main() -> None:
    """Answer one request: run what it names, under coverage, and report."""
    channel = open_channel()
    request: Request = cast(Request, channel.receive())
    forget_ourselves()
    silence()
    os.chdir(str(request["folder"]))
    sys.path[:0] = request["paths"]
    recorder = Recorder(request["seed"])
    measured = coverage.Coverage(
        branch=True, include=[str(request["target"])], data_file=None, config_file=False
    )
    measured.start()
    code = _run(request, recorder)
    measured.stop()
    channel.send({"code": code, "cases": recorder.cases, "coverage": _counts(measured)})


def _run(request: Request, recorder: Recorder) -> int:
    arguments: list[str] = request["arguments"]
    if not arguments:
        with contextlib.suppress(Exception, SystemExit):
            importlib.import_module(str(request["module"]))
        return 0
    return int(pytest.main(arguments, plugins=[recorder]))


def _counts(measured: coverage.Coverage) -> Request:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "coverage.json"
        try:
            measured.json_report(outfile=str(report), ignore_errors=True)
        except coverage.CoverageException:
            return Request()
        files: dict[str, Request] = json.loads(report.read_text())["files"]
    return next(iter(files.values()), Request())
