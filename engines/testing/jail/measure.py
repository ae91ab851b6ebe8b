"""The process inside the sandbox that runs test files and measures the target's coverage."""

import importlib
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from itertools import zip_longest
from types import FrameType
from typing import TYPE_CHECKING, Any, cast

import pytest

from engines.sandbox.channel import open_channel
from engines.testing.jail.children import output_of, write
from engines.testing.jail.process import (
    BACKWARDS,
    NO_TIME,
    Allowance,
    cpu_s,
    forget_ourselves,
    silence,
)

if TYPE_CHECKING:
    from engines.testing.jail.counting import Counting

Request = dict[str, Any]

_MESSAGE_LIMIT_CHARS = 400
_RUN_LIMIT_S = 60.0
_LEAST_TIMER_S = 0.001


class _OutOfTime(BaseException):
    """No ordinary handler of the code under test catches it."""


class Recorder:
    """A pytest plugin: collects once, runs the tests in every wanted order, each in a fork of its
    own, and keeps how they did.
    """

    def __init__(self, request: Request, counting: "Counting | None", allowance: Allowance) -> None:
        self._request = request
        self._allowance = allowance
        self._counting = counting
        self.cases: dict[str, list[str]] = {}
        self.runs: list[Request] = []

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

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Run them, unless something did not collect: then pytest says what that means."""
        if session.testsfailed:
            return None
        items = _last(list(session.items), self._request["apart"])
        for seed in self._request["seeds"]:
            self.runs.append(self._run(session, _ordered(items, seed)))
        told = [one for run in self.runs for one in run.get("cases", {}).items()]
        failed = {_name(key) for key, (how, _) in told if how != "passed"}
        others = [one for one in items if _name(one.nodeid) not in failed]
        is_useful = self._allowance.left_s > 0 and 0 < len(others) < len(items)
        if self._request["again"] and is_useful:
            self.runs.append(self._run(session, others))
        return True

    def _run(self, session: pytest.Session, items: list[pytest.Item]) -> Request:
        left_s = self._allowance.left_s

        def work() -> Request:
            _limit(left_s)
            for item, after in zip_longest(items, items[1:]):
                if session.shouldfail or session.shouldstop:
                    break
                if time.process_time() < left_s:
                    with self._apart(item):
                        item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
                else:
                    self.cases[item.nodeid] = ["skipped", NO_TIME]
            signal.setitimer(signal.ITIMER_PROF, 0)
            return {"cases": self.cases, **self._counted()}

        return _in_a_child(work, _RUN_LIMIT_S, is_bare=False)

    @contextmanager
    def _apart(self, item: pytest.Item) -> Generator[None]:
        """What this test reaches beyond those before it is told where that is wanted."""
        name = _name(item.nodeid)
        if self._counting is None or name not in self._request["apart"]:
            yield
            return
        self._counting.mark("")
        yield
        self._counting.mark(name)

    def _counted(self) -> Request:
        if self._counting is None:
            return Request()
        self._counting.stop()
        before, counts = self._counting.counts()
        gains = self._counting.gains() if self._request["apart"] else {}
        return {"before": before, "coverage": counts, "gains": gains}


def _limit(cpu_s: float) -> None:
    """Have the test that runs then fail."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise _OutOfTime

    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, max(cpu_s, _LEAST_TIMER_S))


def _ordered(items: list[pytest.Item], seed: int) -> list[pytest.Item]:
    """In another order for every seed; for 0 in that of the file, for `BACKWARDS` reversed."""
    ordered = list(reversed(items)) if seed == BACKWARDS else list(items)
    if seed not in {0, BACKWARDS}:
        random.Random(seed).shuffle(ordered)  # noqa: S311 - an order, no secret
    return ordered


def _last(items: list[pytest.Item], apart: list[str]) -> list[pytest.Item]:
    """Those that are told apart after all others, so that what they add is theirs alone."""
    places = {name: place for place, name in enumerate(apart, 1)}
    return sorted(items, key=lambda one: places.get(_name(one.nodeid), 0))


def _name(case: str) -> str:
    """The name of the function that a test is a case of."""
    return case.rpartition("::")[2].partition("[")[0]


def main() -> None:
    """Answer one request: run the tests and report.

    Where coverage is measured, what the import alone covers is told, too.
    """
    channel = open_channel()
    request: Request = cast(Request, channel.receive())
    allowance = Allowance(request["cpu_s"])
    make = _counting() if request["covered"] else None
    forget_ourselves()
    silence()
    os.chdir(str(request["folder"]))
    sys.path[:0] = request["paths"]
    limit_s = _RUN_LIMIT_S * (2 + len(request["seeds"]))
    left_s = allowance.left_s
    found = _in_a_child(lambda: _session(request, make, Allowance(left_s)), limit_s)
    channel.send({**found, "cpu_s": cpu_s()})


def _counting() -> "type[Counting]":
    """Coverage costs a third of the start, and half of the starts do without it."""
    return cast("type[Counting]", importlib.import_module("engines.testing.jail.counting").Counting)


def _session(request: Request, make: "type[Counting] | None", allowance: Allowance) -> Request:
    counting = make(str(request["module"]), str(request["target"])) if make else None
    recorder = Recorder(request, counting, allowance)
    code = int(pytest.main(list(request["arguments"]), plugins=[recorder]))
    runs = recorder.runs or [{"cases": recorder.cases}]
    return {"runs": [{**one, "code": code or _code(one)} for one in runs]}


def _code(run: Request) -> int:
    """What pytest would have ended with."""
    cases: dict[str, list[str]] = run.get("cases", {})
    return int(any(how == "failed" for how, _ in cases.values()))


def _in_a_child(work: Callable[[], Request], limit_s: float, *, is_bare: bool = True) -> Request:
    """What the work gives in a process of its own; nothing where that dies or meddles."""

    def written(writing: int) -> None:
        own = os.getpid()
        data = json.dumps(work()).encode()
        if os.getpid() == own:
            write(writing, data)

    try:
        found: object = json.loads(output_of(written, limit_s, is_bare=is_bare))
    except ValueError:
        return Request()
    return cast(Request, found) if isinstance(found, dict) else Request()
