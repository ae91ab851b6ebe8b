"""The process inside the sandbox that runs tests and tells how each went, as it goes.

Everything it says is data to the other side: the code under test shares its memory.
"""

import os
import resource
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, cast

import pytest

from engines.sandbox.channel import Channel, open_channel

_OWN_FOLDER = str(Path(__file__).resolve().parents[3])
_REPORT_LIMIT_CHARS = 6_000


class TooLong(BaseException):
    """No ordinary handler of the code under test catches it."""


class Teller:
    """A pytest plugin: sends every test's outcome at once, so that a kill loses little."""

    def __init__(self, channel: Channel, test_s: float) -> None:
        self._channel = channel
        self._test_s = test_s

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Generator[None, object, object]:
        """Bound each test with its fixtures."""
        with _bounded(self._test_s):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self) -> Generator[None, object, object]:
        """Bound the import of each file."""
        with _bounded(self._test_s):
            return (yield)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Say which tests there are, before any of them can end the process."""
        self._channel.send({"found": [one.nodeid for one in items]})

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One phase of a test; a failure in any of them is the test's."""
        if report.when == "call" or report.outcome != "passed":
            self._tell(report.nodeid, report.outcome, report.longreprtext)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that does not even collect."""
        if report.failed:
            self._tell(report.nodeid, "failed", report.longreprtext)

    def _tell(self, test: str, outcome: str, text: str) -> None:
        self._channel.send(
            {"test": test, "outcome": outcome, "report": text[-_REPORT_LIMIT_CHARS:]}
        )


def main() -> None:
    """Answer one request: run its tests; last comes that it is the end."""
    channel = open_channel()
    request = cast(dict[str, Any], channel.receive())
    _forget_ourselves()
    _silence()
    os.chdir(str(request["folder"]))
    sys.path[:0] = request["paths"]
    code = pytest.main(list(request["arguments"]), plugins=[Teller(channel, request["test_s"])])
    spent = [resource.getrusage(one) for one in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    channel.send({"code": int(code), "cpu_s": sum(one.ru_utime + one.ru_stime for one in spent)})


@contextmanager
def _bounded(test_s: float) -> Generator[None]:
    def stop(_number: int, _frame: FrameType | None) -> None:
        raise TooLong(f"it took longer than {test_s:.0f} s")

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, test_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _forget_ourselves() -> None:
    """Take our packages out of the way of a checkout with modules of the same names."""
    for name in [one for one in sys.modules if one.split(".")[0] == "engines"]:
        del sys.modules[name]
    sys.path[:] = [one for one in sys.path if one != _OWN_FOLDER]


def _silence() -> None:
    """What tests print must not fill pipes, and none of the three can be read."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
