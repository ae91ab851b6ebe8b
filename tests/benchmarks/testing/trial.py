"""The process that runs test files: `python -P trial.py REQUEST.json ANSWER.json`.

It imports nothing of this project, so that nothing of it is in the way of the code under test.
The modes are `run` (outcomes and coverage) and `mutants` (which changes are noticed).
"""

import contextlib
import importlib
import json
import os
import random
import resource
import signal
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any, cast

import coverage
import pytest
from _pytest.config import default_plugins
from typing_extensions import override

Request = dict[str, Any]

_TEST_WALL_S = 30
_MUTANT_WALL_S = 60
_ARGUMENTS = ["-q", "--noconftest", "-p", "no:randomly", "-p", "no:cacheprovider", "-c", os.devnull]


class TestTookTooLong(BaseException):
    """Raised by the alarm inside a test that does not end."""

    __test__ = False


class Watcher:
    """A pytest plugin: chooses and orders the tests, and keeps the outcome of each."""

    def __init__(self, request: Request) -> None:
        self.cases: dict[str, str] = {}
        self._order: int = request.get("order", 0)
        self._left_out = frozenset[str](request.get("left_out", ()))

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out what is to be left out; order 0 is that of the file, -1 the reverse."""
        items[:] = [one for one in items if one.nodeid not in self._left_out]
        if self._order < 0:
            items.reverse()
        elif self._order:
            random.Random(self._order).shuffle(items)  # noqa: S311 - an order, no secret

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Iterator[None]:
        """Give no test more than its time."""
        signal.signal(signal.SIGALRM, _raise)
        signal.alarm(_TEST_WALL_S)
        try:
            yield
        finally:
            signal.alarm(0)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the worst of a test's phases; expected failures count as `xfailed`."""
        if report.when != "call" and not report.failed and not report.skipped:
            return
        outcome = "xfailed" if hasattr(report, "wasxfail") else report.outcome
        if self.cases.get(report.nodeid) != "failed":
            self.cases[report.nodeid] = outcome

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that does not even collect."""
        if report.failed:
            self.cases[f"{report.nodeid} does not collect"] = "failed"


def _raise(_number: int, _frame: object) -> None:
    raise TestTookTooLong


class MutantLoader(SourceFileLoader):
    """Runs another text in place of a module's own."""

    def __init__(self, name: str, path: str, text: str) -> None:
        super().__init__(name, path)
        self._text = text

    @override
    def get_code(self, fullname: str) -> CodeType:
        """The changed module, as if it stood in the file."""
        return compile(self._text, self.path, "exec", dont_inherit=True)


class MutantFinder:
    """Finds one module as its mutant and leaves all others to the usual finders."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._text = text

    def find_spec(self, name: str, path: Any = None, _target: Any = None) -> ModuleSpec | None:
        """Part of the protocol of `sys.meta_path`."""
        if name != self._name:
            return None
        spec = PathFinder.find_spec(name, path)
        if spec is not None:
            spec.loader = MutantLoader(name, str(spec.origin), self._text)
        return spec


def main() -> None:
    """Answer one request."""
    request: Request = json.loads(Path(sys.argv[1]).read_text())
    answer = _mutants(request) if request["mode"] == "mutants" else _run(request)
    Path(sys.argv[2]).write_text(json.dumps(answer))


def _run(request: Request) -> Request:
    watcher = Watcher(request)
    measured = None
    if request["covered"]:
        measured = coverage.Coverage(
            branch=True, include=[request["covered"]], data_file=None, config_file=False
        )
        measured.start()
    if request["files"]:
        pytest.main([*_ARGUMENTS, *request["files"]], plugins=[watcher])
    else:
        with contextlib.suppress(Exception, SystemExit):
            importlib.import_module(request["module"])
    if measured is None:
        return {"cases": watcher.cases}
    measured.stop()
    return {"cases": watcher.cases, "coverage": _counts(measured)}


def _counts(measured: coverage.Coverage) -> Request:
    report = Path("coverage.json")
    try:
        measured.json_report(outfile=str(report), ignore_errors=True)
    except coverage.CoverageException:
        return {}
    files = cast(dict[str, Request], json.loads(report.read_text())["files"])
    return next(iter(files.values()), Request())


def _mutants(request: Request) -> Request:
    """Whether the suite fails on each mutant; a mutant that never ends is noticed, too."""
    for name in default_plugins:
        importlib.import_module(f"_pytest.{name}")
    if any("hypothesis" in Path(one).read_text() for one in request["files"]):
        importlib.import_module("hypothesis.strategies")
    noticed: list[bool] = []
    for text in request["mutants"]:
        child = os.fork()
        if child == 0:
            _run_on_mutant(request, text)
        noticed.append(os.waitpid(child, 0)[1] != 0)
    return {"noticed": noticed}


def _run_on_mutant(request: Request, text: str) -> None:
    limit_s = request["cpu_s"]
    resource.setrlimit(resource.RLIMIT_CPU, (limit_s, limit_s + 1))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(_MUTANT_WALL_S)
    sys.meta_path.insert(0, cast(Any, MutantFinder(request["module"], text)))
    chosen = Chosen(request["left_out"])
    code = pytest.main([*_ARGUMENTS, "-x", *request["files"]], plugins=[chosen])
    os._exit(0 if code in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED} else 1)


class Chosen:
    """A pytest plugin that leaves out the tests which do not count."""

    def __init__(self, left_out: list[str]) -> None:
        self._left_out = frozenset(left_out)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Part of pytest's protocol."""
        items[:] = [one for one in items if one.nodeid not in self._left_out]


if __name__ == "__main__":
    main()
