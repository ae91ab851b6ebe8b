"""The engine's side of the driver inside the sandbox."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from engines.sandbox.conversation import Conversation, Ended, Garbled
from engines.sandbox.sandbox import Sandbox
from engines.testing.budget import Budget
from engines.testing.facts import BadFact, Fact, fact, items, number, optional_text, seconds, text
from engines.testing.javascript.calls import Call, Seen
from engines.testing.javascript.goals import Goal
from engines.testing.javascript.project import Project
from engines.testing.javascript.toolchain import Node
from engines.testing.types import CannotTest
from engines.watch import Stopped

_TICK_S = 0.25
_IMPORT_LIMIT_S = 60.0
_BATCH_CALLS = 40
_PREPARE_LIMIT_S = 30.0
_CALL_LIMIT_S = 4.0
_RESTART_LIMIT = 8
_SPARE_CPU_S = 60.0


class Lost(Exception):
    """The driver is gone: the target killed it, hung it, or used up its limits."""


@dataclass(frozen=True)
class Setting:
    """What differs between processes: chance, the clock, the time zone."""

    random: int
    clock_ms: int
    zone: str


@dataclass(frozen=True)
class Entry:
    """Something callable that the module offers."""

    kind: str
    path: tuple[str, ...]
    name: str
    waits: bool
    length: int
    line: int
    column: int


@dataclass(frozen=True)
class Loaded:
    """What the import showed."""

    code: str
    """The text that runs: the file, or what became of its TypeScript."""
    lines: list[int]
    """For each line of it, the line of the file; empty where they are the same."""
    surface: list[Entry]
    names: frozenset[str]
    """All that the module exports, values included."""


@dataclass(frozen=True)
class Prepared:
    """What calls need: local names with what they stand for, and the goals."""

    bindings: Mapping[str, tuple[str, ...]]
    goals: Sequence[Goal]


class Jail:
    """One driver with the target imported; started anew when a call ends it."""

    def __init__(
        self, sandbox: Sandbox, node: Node, project: Project, setting: Setting, budget: Budget,
        is_stopped: Callable[[], bool],
    ) -> None:  # fmt: skip
        """Nothing is started yet; `load` starts it and imports the target."""
        self._sandbox = sandbox
        self._node = node
        self._project = project
        self._setting = setting
        self._budget = budget
        self._account = budget.account()
        self._is_stopped = is_stopped
        self._talk: Conversation | None = None
        self._work: TemporaryDirectory[str] | None = None
        self._prepared: Prepared | None = None
        self._restarts = 0
        self.executed = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Kill the driver and remove its folder."""
        if self._talk is not None:
            self._talk.close()
        if self._work is not None:
            self._work.cleanup()
        self._talk = self._work = None

    def load(self) -> Loaded:
        """Import the target.

        Raises:
            CannotTest: it cannot be imported; says why.
            Stopped: the person cancelled meanwhile.
        """
        self._work = TemporaryDirectory(prefix="gryph-node-")
        env = {"TZ": self._setting.zone}
        root = self._project.root.resolve()
        limit_s = self._budget.cpu_s + _SPARE_CPU_S
        command = self._node.command("driver.mjs", Path(self._work.name), (root,), env, limit_s)
        self._talk = self._sandbox.open(command)
        request: Fact = {
            "do": "import",
            "file": str(self._project.file.resolve()),
            "root": str(root),
            "random": self._setting.random,
            "clock_ms": self._setting.clock_ms,
        }
        try:
            reply = self._ask(request, _IMPORT_LIMIT_S)
        except Lost as problem:
            raise CannotTest(
                f"Importing `{self._project.path}` ended the process or never came to its end "
                f"({problem}); no test can import it."
            ) from problem
        if not reply.get("ok"):
            raise CannotTest(_import_message(self._project, reply, self._node))
        lines = [number(one) for one in items(reply.get("lines"))]
        surface = [_entry(one) for one in items(reply.get("surface"))]
        names = frozenset(text(one) for one in items(reply.get("names")))
        return Loaded(text(reply.get("code")), lines, surface, names)

    def prepare(self, prepared: Prepared) -> None:
        """Tell the driver the names and the goals."""
        self._prepared = prepared
        request: Fact = {
            "do": "prepare",
            "bindings": {name: list(path) for name, path in prepared.bindings.items()},
            "goals": [goal.places() for goal in prepared.goals],
        }
        self._ask(request, _PREPARE_LIMIT_S)

    def run(self, calls: Sequence[Call], enough: frozenset[int] | None = None) -> list[Seen]:
        """Execute calls in order; what ends the driver is seen as `hang`.

        With `enough`, goals that are known well, calls that reach only these may be reported
        without what they reach; that is several times faster.

        Raises:
            Lost: the driver was lost too often.
        """
        found: list[Seen] = []
        for start in range(0, len(calls), _BATCH_CALLS):
            found.extend(self._batch(calls[start : start + _BATCH_CALLS], enough))
        self.executed += len(calls)
        return found

    def _batch(self, calls: Sequence[Call], enough: frozenset[int] | None) -> list[Seen]:
        """A call that ends the driver is left out, and the rest goes on in a new one."""
        found: list[Seen] = []
        lost: set[int] = set()
        while len(found) < len(calls):
            if len(found) in lost:
                found.append(Seen("hang"))
                continue
            end = min([place for place in lost if place > len(found)] or [len(calls)])
            part = calls[len(found) : end]
            start = len(found)
            place = self._part(part, enough, found)
            if place is not None:
                lost.add(start + place)
                self._restart()
        return found

    def _part(
        self, calls: Sequence[Call], enough: frozenset[int] | None, found: list[Seen]
    ) -> int | None:
        """Adds the results as they come; the place of the call that ended the driver, if any."""
        request: Fact = {"do": "batch", "calls": [one.request() for one in calls]}
        if enough is not None:
            request["enough"] = sorted(enough)
        wanted, place = len(found) + len(calls), 0
        try:
            self._send(request)
            while True:
                reply = self._receive(_CALL_LIMIT_S)
                if "at" in reply:
                    place = number(reply["at"])
                elif reply.get("done") is True:
                    break
                found.extend(_seen(one) for one in items(reply.get("results")))
        except (Lost, BadFact):
            return min(max(0, place), len(calls) - 1)
        if len(found) != wanted:
            raise Lost("it sent another number of results than it got calls")
        return None

    def _restart(self) -> None:
        self._restarts += 1
        if self._restarts > _RESTART_LIMIT or self._prepared is None:
            raise Lost("it was lost again and again")
        self.close()
        self._account = self._budget.account()
        self.load()
        self.prepare(self._prepared)

    def _ask(self, request: Fact, limit_s: float) -> Fact:
        self._send(request)
        return self._receive(limit_s)

    def _send(self, request: Fact) -> None:
        if self._talk is None:
            raise Lost("it is closed")
        try:
            self._talk.send(request)
        except Ended as problem:
            raise Lost(str(problem)) from problem

    def _receive(self, limit_s: float) -> Fact:
        if self._talk is None:
            raise Lost("it is closed")
        deadline = time.monotonic() + limit_s
        try:
            while time.monotonic() < deadline:
                try:
                    reply = fact(self._talk.receive(_TICK_S))
                except TimeoutError:
                    if self._is_stopped():
                        raise Stopped from None
                    continue
                if "cpu_s" in reply:
                    self._account.reported(seconds(reply["cpu_s"]))
                return reply
        except (Ended, Garbled, BadFact) as problem:
            raise Lost(str(problem)) from problem
        raise Lost("no answer in time")


def _entry(value: object) -> Entry:
    one = fact(value)
    return Entry(
        kind=text(one.get("kind")),
        path=tuple(text(part) for part in items(one.get("path"))),
        name=text(one.get("name")),
        waits=one.get("async") is True,
        length=number(one.get("length")),
        line=number(one.get("line")),
        column=number(one.get("column")),
    )


def _seen(value: object) -> Seen:
    one = fact(value)
    length = one.get("length")
    return Seen(
        kind=text(one.get("kind")),
        text=optional_text(one.get("text")) or "",
        type=optional_text(one.get("type")) or "",
        awaited=one.get("awaited") is True,
        length=length if isinstance(length, int) else None,
        fields=_pairs(one.get("fields")),
        state=_pairs(one.get("state")),
        changed=tuple(
            (int(place), text(held)) for place, held in fact(one.get("changed") or {}).items()
        ),
        name=optional_text(one.get("name")),
        code=optional_text(one.get("code")),
        message=optional_text(one.get("message")) or "",
        frames=tuple(_frame(frame) for frame in items(one.get("frames"))),
        hits=frozenset(number(hit) for hit in items(one.get("hits"))),
    )


def _pairs(value: object) -> tuple[tuple[str, str], ...]:
    pairs = [items(one) for one in items(value)]
    return tuple((text(name), text(held)) for name, held in pairs)


def _frame(value: object) -> tuple[str, int, int]:
    file, line, column = items(value)
    return text(file), number(line), number(column)


def _import_message(project: Project, reply: Fact, node: Node) -> str:
    error = fact(reply.get("error"))
    where = f"`{project.path}`"
    message = optional_text(error.get("message")) or ""
    problem = reply.get("problem")
    if problem == "typescript":
        return (
            f"{where} is TypeScript, and neither Node nor the repository can turn it into "
            f"JavaScript here: install the repository's packages with `typescript` among them "
            f"(`npm install --save-dev typescript`), or run the worker with Node 22.13 or later "
            f"(it has {node.version[0]}.{node.version[1]})."
        )
    if error.get("code") in {"ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND"}:
        missing = message.split("'")[1] if "'" in message else message
        return (
            f"{where} imports `{missing}`, which is not installed where tests run. Install the "
            "repository's packages (`npm ci`) beside the worker, or test a file that does not "
            "need it."
        )
    cause = f"{optional_text(error.get('name')) or 'thrown'}: {message}"
    if "process.exit" in message:
        return f"Importing {where} exits the process (`{message}`); no test can import it."
    return f"Importing {where} fails with `{cause}`; it has to import before it can be tested."
