"""Runs test files: in our own runner for coverage, and in the repository's where there is one."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from engines.sandbox.conversation import Conversation, Ended, Garbled
from engines.sandbox.sandbox import Sandbox
from engines.testing.budget import Budget
from engines.testing.facts import BadFact, Fact, fact, items, number, seconds, text
from engines.testing.javascript.choosing import SETTINGS
from engines.testing.javascript.goals import Goal
from engines.testing.javascript.jailed import Lost
from engines.testing.javascript.project import Project, Runner
from engines.testing.javascript.toolchain import DRIVER, Node

_CPU_LIMIT_S = 60.0
_RUNNER_CPU_LIMIT_S = 120.0
_ANSWER_LIMIT_S = 180.0
_ENTRY_LIMIT = 4_000
_COPIED = frozenset({".json", ".toml", ".yaml"})


@dataclass(frozen=True)
class Run:
    """One run: which cases passed, in the order of the file, and which goals were reached."""

    passed: tuple[bool, ...]
    reports: tuple[str, ...]
    hits: frozenset[int]


@dataclass(frozen=True)
class Measurement:
    """How test files of one target are run."""

    sandbox: Sandbox
    node: Node
    project: Project
    goals: Sequence[Goal]
    budget: Budget

    def before(self) -> frozenset[int]:
        """Goals reached by the import alone.

        Raises:
            Lost: the run did not come to its end.
        """
        return self._run("", 0).hits

    def after(self, source: str, order: int) -> Run:
        """The file in our runner; `order` shuffles it, 0 keeps its order.

        Raises:
            Lost: the run did not come to its end.
        """
        return self._run(source, order)

    def _run(self, source: str, order: int) -> Run:
        root = self.project.root.resolve()
        setting = SETTINGS[order % len(SETTINGS)]
        with TemporaryDirectory(prefix="gryph-node-") as name:
            work = Path(name)
            placed = self._placed(work, source)
            command = self.node.command(
                "run.mjs", work, (root,), {"TZ": setting.zone}, _CPU_LIMIT_S
            )
            request: Fact = {
                "root": str(root),
                "target": str(self.project.file.resolve()),
                "file": str(placed) if source else "",
                "goals": [goal.places() for goal in self.goals],
                "order": order,
                "clock_ms": setting.clock_ms,
            }
            with self.sandbox.open(command) as talk:
                reply = _answer(talk, request)
        self.budget.account().reported(seconds(reply.get("cpu_s", 0)))
        if reply.get("ok") is not True:
            error = fact(reply.get("error") or {})
            raise Lost(f"{error.get('name')}: {error.get('message')}")
        results = [fact(one) for one in items(reply.get("results"))]
        return Run(
            tuple(one.get("passed") is True for one in results),
            tuple(text(one.get("report")) for one in results),
            frozenset(number(one) for one in items(reply.get("hits"))),
        )

    def _placed(self, work: Path, source: str) -> Path:
        folder = work / "checkout"
        test_path = PurePosixPath(self.project.test_path)
        mirror(self.project.root.resolve(), folder, test_path.parts[:-1])
        placed = folder / test_path
        placed.parent.mkdir(parents=True, exist_ok=True)
        placed.write_text(source, encoding="utf-8")
        return placed

    def in_repository_runner(self, source: str) -> tuple[str, tuple[bool, ...]] | None:
        """The runner's name and which cases passed; None where it is not installed.

        Raises:
            Lost: it ran, but said nothing that can be read.
        """
        match self.project.runner:
            case Runner.NODE:
                return self._in_node(source)
            case Runner.JEST:
                return self._in_jest(source)
            case _:
                return None

    def _in_jest(self, source: str) -> tuple[str, tuple[bool, ...]] | None:
        package = self.project.installed("jest")
        if package is None:
            return None
        with TemporaryDirectory(prefix="gryph-jest-") as name:
            work = Path(name)
            placed = self._placed(work, source)
            report = work / "report.json"
            arguments = (
                "--experimental-vm-modules", str(DRIVER / "starting.mjs"),
                str(self._package_folder(work)), str(package / "bin" / "jest.js"),
                "--runTestsByPath", str(placed),
                "--json", "--outputFile", str(report), "--runInBand", "--ci",
                "--watchman=false", "--coverage=false", "--cacheDirectory", str(work / "cache"),
            )  # fmt: skip
            self._started(work, arguments)
            try:
                said = fact(json.loads(report.read_bytes()))
                suite = fact(items(said.get("testResults"))[0])
                found = [fact(one) for one in items(suite.get("assertionResults"))]
            except (OSError, ValueError, IndexError, BadFact):
                raise Lost("Jest wrote no report") from None
        if not found:
            raise Lost(f"Jest: {str(suite.get('message'))[:300]}")
        version = _version(package)
        return f"Jest {version}", tuple(one.get("status") == "passed" for one in found)

    def _package_folder(self, work: Path) -> Path:
        root = self.project.root.resolve()
        return work / "checkout" / self.project.package.relative_to(root)

    def _in_node(self, source: str) -> tuple[str, tuple[bool, ...]]:
        with TemporaryDirectory(prefix="gryph-node-") as name:
            work = Path(name)
            placed = self._placed(work, source)
            said = self._started(work, ("--test-reporter=tap", str(placed)))
        lines = [line for line in said.splitlines() if line.startswith("    ")]
        found = [
            line.startswith("    ok ")
            for line in lines
            if line.startswith(("    ok ", "    not ok "))
        ]
        major, minor = self.node.version
        return f"node:test of Node {major}.{minor}", tuple(found)

    def _started(self, work: Path, arguments: tuple[str, ...]) -> str:
        root = self.project.root.resolve()
        env = {"CI": "true", "NODE_ENV": "test"}
        command = self.node.started(arguments, work, (root,), env, _RUNNER_CPU_LIMIT_S)
        outcome = self.sandbox.run(command)
        self.budget.account().reported(outcome.cpu_s)
        return outcome.stdout.decode("utf-8", "replace")


def _version(package: Path) -> str:
    try:
        return str(fact(json.loads((package / "package.json").read_text())).get("version", ""))
    except (OSError, ValueError, BadFact):
        return ""


def _answer(talk: Conversation, request: Fact) -> Fact:
    deadline = time.monotonic() + _ANSWER_LIMIT_S
    try:
        talk.send(request)
        return fact(talk.receive(max(0.0, deadline - time.monotonic())))
    except (Ended, Garbled, BadFact, TimeoutError) as problem:
        raise Lost(str(problem)) from problem


def mirror(source: Path, folder: Path, inner: tuple[str, ...]) -> None:
    """A copy of the checkout made of links, in which the way to the test file is of real folders.

    Raises:
        Lost: a folder on the way has too many entries.
    """
    folder.mkdir(exist_ok=True)
    if not source.is_dir():
        return
    for count, entry in enumerate(sorted(source.iterdir())):
        if count > _ENTRY_LIMIT:
            raise Lost(f"`{source.name}` has more than {_ENTRY_LIMIT} entries")
        if entry.name == ".git":
            continue
        if inner and entry.name == inner[0] and entry.is_dir():
            mirror(entry, folder / entry.name, inner[1:])
        elif entry.suffix in _COPIED and entry.is_file():
            (folder / entry.name).write_bytes(entry.read_bytes())
        else:
            (folder / entry.name).symlink_to(entry)
