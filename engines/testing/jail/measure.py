"""The process inside the sandbox that runs test files and measures the target's coverage."""

import contextlib
import importlib
import json
import os
import random
import resource
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import coverage
import pytest

from engines.sandbox.channel import open_channel
from engines.testing.jail.children import output_of, write
from engines.testing.jail.driver import forget_ourselves, silence

Request = dict[str, Any]

_MESSAGE_LIMIT_CHARS = 400
_RUN_LIMIT_S = 60.0


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
    """Answer one request: run the tests in each of the wanted orders, a process each, and report.

    `before` is what a bare import covers.
    """
    channel = open_channel()
    request: Request = cast(Request, channel.receive())
    forget_ourselves()
    silence()
    os.chdir(str(request["folder"]))
    sys.path[:0] = request["paths"]
    reply: Request = {"runs": []}
    if request["before"]:
        reply["before"] = _in_a_child(lambda: _measured(request, lambda: _import(request)))
    for seed in request["seeds"]:
        reply["runs"].append(_in_a_child(lambda seed=seed: _run(request, seed)))
    channel.send({**reply, "cpu_s": _cpu_s()})


def _run(request: Request, seed: int) -> Request:
    recorder = Recorder(seed)
    code: list[int] = []

    def work() -> None:
        code.append(int(pytest.main(list(request["arguments"]), plugins=[recorder])))

    if request["covered"]:
        counts = _measured(request, work)
    else:
        counts = Request()
        work()
    return {"code": code[0], "cases": recorder.cases, "coverage": counts}


def _import(request: Request) -> None:
    sys.path[:0] = request["import_paths"]
    with contextlib.suppress(Exception, SystemExit):
        importlib.import_module(str(request["module"]))


def _measured(request: Request, work: Callable[[], object]) -> Request:
    measured = coverage.Coverage(
        branch=True, include=[str(request["target"])], data_file=None, config_file=False
    )
    measured.start()
    work()
    measured.stop()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "coverage.json"
        try:
            measured.json_report(outfile=str(report), ignore_errors=True)
        except coverage.CoverageException:
            return Request()
        files: dict[str, Request] = json.loads(report.read_text())["files"]
    found = next(iter(files.values()), Request())
    wanted = ("summary", "missing_lines", "missing_branches")
    return {name: found[name] for name in wanted if name in found}


def _in_a_child(work: Callable[[], Request]) -> Request:
    """What the work gives in a process of its own; nothing where that dies or meddles."""

    def written(writing: int) -> None:
        own = os.getpid()
        data = json.dumps(work()).encode()
        if os.getpid() == own:
            write(writing, data)

    try:
        found: object = json.loads(output_of(written, _RUN_LIMIT_S))
    except ValueError:
        return Request()
    return cast(Request, found) if isinstance(found, dict) else Request()


def _cpu_s() -> float:
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
