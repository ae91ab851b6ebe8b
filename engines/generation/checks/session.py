"""Runs tests of a checkout in the sandbox, with files of a change in their places."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

from engines.generation.checks.plugins import declared_plugins
from engines.generation.checks.trees import lay_out
from engines.generation.ground import Budget, Ground, OutOfBudget
from engines.sandbox.conversation import Conversation, Ended, Garbled
from engines.sandbox.environments.declared import declared
from engines.sandbox.sandbox import Sandbox
from engines.sandbox.server import Server
from engines.sandbox.types import Ending, Entry, Limits, NoIsolation, Preparation
from engines.watch import Stopped

_ENGINES = Path(__file__).resolve().parents[2]
_INSIDE = "engines.generation.checks.inside"
_TICK_S = 0.2
_MESSAGES = 20_000
"""From tests and from waiting; more come only from code that plays with us."""
_TEST_S = 10.0
_CPU_S = 30.0
_WALL_S = 120.0
_MEMORY_BYTES = 1 << 30
_SIGNS_OF_A_PLUGIN = (
    "fixture '", "async def functions are not natively supported",
    "not found in `markers` configuration option",
)  # fmt: skip
_UNWANTED_PLUGINS = ("-p", "no:randomly", "-p", "no:schemathesis")
"""The one shuffles tests, the other takes seconds to load; no test names them."""
_USAGE_ERROR = 4
"""Exit code of pytest: its settings or arguments are not understood."""
_FAILED, _PASSED = "failed", "passed"


class _Way(StrEnum):
    """How pytest is started, in the order in which it is tried."""

    PLAIN = "plain"
    """With the repository's settings and the plugins that it declares."""
    WITH_PLUGINS = "with plugins"
    """With all that are installed, which takes seconds where there are many."""
    WITHOUT_SETTINGS = "without settings"
    """For settings that need a plugin which is not here."""


@dataclass(frozen=True)
class Case:
    """How one test went, and the end of its report where it failed."""

    outcome: str
    report: str = ""


@dataclass
class Session:
    """One run of tests."""

    cases: dict[str, Case] = field(default_factory=dict[str, Case])
    found: list[str] = field(default_factory=list[str])
    """The ids of all tests, in the order of their run."""
    code: int = 0
    """How pytest ended."""
    ended: str = ""
    """Why it broke off, for a person; empty where it came to its end."""
    blamed: str = ""
    """The test at which it broke off."""

    @property
    def passed(self) -> list[str]:
        """The ids of tests that passed."""
        return [one for one, case in self.cases.items() if case.outcome == _PASSED]

    @property
    def failed(self) -> dict[str, Case]:
        """Tests that failed, files that did not collect, and tests that a kill kept from ending."""
        return {one: case for one, case in self.cases.items() if case.outcome == _FAILED}

    @property
    def worth(self) -> tuple[bool, int]:
        """The greater, the more was learnt."""
        return self.code != _USAGE_ERROR, len(self.passed)

    @property
    def wants_another_way(self) -> bool:
        """Whether pytest did not take the repository's settings, or a test misses a plugin."""
        reports = (case.report for case in self.failed.values())
        return self.code == _USAGE_ERROR or any(
            sign in report for report in reports for sign in _SIGNS_OF_A_PLUGIN
        )


class Runner:
    """Runs tests for one task, each time in a fork of one process that has pytest imported.

    It learns in which way the tests can be run. For one thread; to be closed.
    """

    def __init__(self, sandbox: Sandbox, ground: Ground, budget: Budget, root: Path) -> None:
        """`root` is the checkout; nothing is started before the first run."""
        self._sandbox = sandbox
        self._ground = ground
        self._budget = budget
        self._root = root
        self._server: Server | None = None
        wanted = ground.environment.declared if ground.environment else declared(root)
        self._plugins = declared_plugins(wanted, ground.packages)
        self._way = _Way.PLAIN
        self._tried = {_Way.PLAIN}

    def run(self, files: Mapping[str, str], tests: Sequence[str]) -> Session:
        """Run test files or ids of the checkout with `files` written to it.

        Raises:
            Stopped: The person cancelled.
            OutOfBudget: No time is left, or no sandbox.
        """
        session = self._run(files, tests)
        for way in _Way:
            if not session.wants_another_way:
                break
            if way in self._tried:
                continue
            self._tried.add(way)
            before, self._way = self._way, way
            other = self._run(files, tests)
            if other.worth <= session.worth:
                self._way = before
            else:
                session = other
        return session

    def place(self) -> AbstractContextManager[None]:
        """Where it may run while the block lasts. Waiting for it raises as `run`."""
        return self._ground.places.taken(self._budget.check, is_first=True)

    def close(self) -> None:
        """End what was started. Idempotent."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def _run(self, files: Mapping[str, str], tests: Sequence[str]) -> Session:
        self._budget.check_cpu()
        session = Session()
        try:
            with self._ready().folder() as work:
                lay_out(self._root, work / "checkout", files, tests)
                with self._ready().open(self._entry(work)) as talk:
                    self._converse(talk, self._request(work, tests), session)
                self._budget.spend(talk.close().cpu_s)
        except NoIsolation as problem:
            raise OutOfBudget(f"the sandbox cannot be had: {problem}") from problem
        return session

    def _ready(self) -> Server:
        if self._server is None:
            self._server = self._sandbox.warm(
                Preparation(
                    modules=(_INSIDE,),
                    readable=(self._root, _ENGINES, *self._ground.packages),
                    env={"PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"},
                )
            )
        return self._server

    def _entry(self, work: Path) -> Entry:
        plugins = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        if self._way is _Way.WITH_PLUGINS:
            plugins = {}
        return Entry(
            f"{_INSIDE}:main",
            work,
            env=plugins,
            limits=Limits(
                wall_s=max(1.0, min(_WALL_S, self._budget.left_s)),
                cpu_s=max(1.0, min(_CPU_S, self._budget.left_cpu_s)),
                memory_bytes=_MEMORY_BYTES,
                total_memory_bytes=2 * _MEMORY_BYTES,
            ),
        )

    def _request(self, work: Path, tests: Sequence[str]) -> dict[str, Any]:
        folder = work / "checkout"
        arguments = [*tests, "-q", "--no-header", "--tb=short", "--color=no", "--rootdir", ".",
                     "-p", "no:cacheprovider", *_UNWANTED_PLUGINS]  # fmt: skip
        if self._way is _Way.WITHOUT_SETTINGS:
            (work / "pytest.ini").write_text("[pytest]\n")
            arguments += ["-c", str(work / "pytest.ini")]
        else:
            arguments += ["-o", "addopts="]
        if self._way is _Way.PLAIN:
            arguments += [part for one in self._plugins for part in ("-p", one)]
        sources = [folder / one for one in ("src", "lib", "python") if (folder / one).is_dir()]
        return {
            "folder": str(folder),
            "paths": [*map(str, sources), str(folder), *map(str, self._ground.packages)],
            "arguments": arguments,
            "test_s": _TEST_S,
        }

    def _converse(self, talk: Conversation, request: dict[str, Any], session: Session) -> None:
        try:
            talk.send(request)
            for _ in range(_MESSAGES):
                if self._budget.watch.stop_requested():
                    raise Stopped
                try:
                    message = talk.receive(_TICK_S)
                except TimeoutError:
                    continue
                if _note(message, session):
                    return
            session.ended = "there was no end to its messages"
        except Ended as ended:
            session.ended = _ENDINGS.get(ended.outcome.ending, "the code ended the test process")
        except (Garbled, KeyError, TypeError, ValueError):
            session.ended = "the code disturbed the test process"
        _blame(session)


_ENDINGS = {
    Ending.CPU_LIMIT: "it used up its processor time: an endless loop?",
    Ending.WALL_LIMIT: "it did not end in time",
    Ending.MEMORY_LIMIT: "it used too much memory",
    Ending.DISK_LIMIT: "it wrote too much",
}


def _note(message: object, session: Session) -> bool:
    """Keep what was said; True for the last word."""
    said = cast(dict[str, Any], message)
    if "found" in said:
        session.found = [str(one) for one in said["found"]]
        return False
    if "test" in said:
        session.cases[str(said["test"])] = Case(str(said["outcome"]), str(said["report"]))
        return False
    session.code = int(said["code"])
    return True


def _blame(session: Session) -> None:
    """The test at which the process ended is the one that failed."""
    left = [one for one in session.found if one not in session.cases]
    session.blamed = left[0] if left else "the test run"
    session.cases[session.blamed] = Case(_FAILED, f"E   {session.ended}")
