"""Says what a change changes: base and head run against the same calls and the same tests."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from engines.sandbox.sandbox import Sandbox
from engines.source.files import Unreadable, read_source
from engines.source.module import Module, SyntaxProblem, parse_module
from engines.testing.behaviour.changed_files import changed_files
from engines.testing.behaviour.changes import changes_between
from engines.testing.behaviour.existing_tests import ExistingTests, TestsResult
from engines.testing.behaviour.file_comparison import FileComparison, FileResult, Versions
from engines.testing.behaviour.sides import Rooms
from engines.testing.behaviour.types import (
    BehaviourDiff,
    BehaviourRequest,
    NotCompared,
)
from engines.testing.budget import Budget
from engines.testing.places import Place, place_of
from engines.testing.types import CannotTest
from engines.watch import Stopped, Unwatched, Watch

_NONE = frozenset[int]()
_START_SHARE, _END_SHARE = 0.9, 0.95


def diff_behaviour(
    request: BehaviourRequest, sandbox: Sandbox, watch: Watch | None = None
) -> BehaviourDiff:
    """Run both versions of every changed file against the same calls and tests, and compare.

    A file of which nothing can be said is listed with the reason; a cancel returns what was found.
    """
    return _Run(request, sandbox, watch or Unwatched()).result()


class _Run:
    def __init__(self, request: BehaviourRequest, sandbox: Sandbox, watch: Watch) -> None:
        self._base, self._head = request.base.resolve(), request.head.resolve()
        self._request = request
        self._sandbox = sandbox
        self._watch = watch
        self._budget = Budget(request.cpu_s)
        self._not_compared: list[NotCompared] = []
        self._results: list[FileResult] = []
        self._tests = TestsResult()
        self._is_complete = True

    def result(self) -> BehaviourDiff:
        """Everything, file by file."""
        self._watch.report("reading what changed", 0.0)
        self._watch.phase("read")
        versions = list(self._versions())
        self._watch.phase("test")
        self._run_tests(versions)
        self._watch.phase("compare")
        for place, one in enumerate(versions):
            self._watch.report(self._progress(place, len(versions)), place / len(versions))
            if self._watch.stop_requested() or self._is_spent():
                self._is_complete = False
                break
            self._compare(replace(one, tests=self._tests.files), len(versions) - place)
        self._watch.report(self._progress(len(versions), len(versions)), 1.0)
        return self._diff()

    def _run_tests(self, versions: list[Versions]) -> None:
        places: list[tuple[Place, Place]] = []
        named: list[Versions] = []
        for one in versions:
            with contextlib.suppress(CannotTest):  # said again where the file is compared
                places.append(self._places(one.path))
                named.append(one)
        if places and not self._watch.stop_requested():
            self._watch.report("running the tests of what changed on both sides", 0.0)
            existing = ExistingTests(self._sandbox, places, self._budget, self._watch)
            self._tests = existing.result(named)

    def _places(self, path: str) -> tuple[Place, Place]:
        base = place_of(self._base, path, self._request.base_packages)
        return base, place_of(self._head, path, self._request.head_packages)

    def _progress(self, done: int, count: int) -> str:
        calls = sum(one.calls for one in self._results)
        found = sum(len(one.differences) for one in self._results)
        return f"compared {done} of {count} files, {calls:,} calls, {found} differences"

    def _is_spent(self) -> bool:
        return self._budget.spent_s > _START_SHARE * self._request.cpu_s

    def _versions(self) -> Iterator[Versions]:
        for path in self._request.paths or changed_files(self._base, self._head):
            try:
                base, head = self._read(self._base, path), self._read(self._head, path)
            except (Unreadable, SyntaxProblem) as problem:
                self._not_compared.append(NotCompared(path, str(problem)))
                continue
            if base is None or head is None:
                self._not_compared.append(NotCompared(path, "new" if head else "removed"))
                continue
            changes = changes_between(base, head)
            if changes.symbols:
                yield Versions(path, base, head, changes)

    def _read(self, root: Path, path: str) -> Module | None:
        """The parsed file; None where this side has none."""
        if not (root / path).exists():
            return None
        return parse_module(read_source(root, path).text, path)

    def _compare(self, versions: Versions, left: int) -> None:
        path = versions.path
        spent_s = self._budget.spent_s
        share_s = (_END_SHARE * self._request.cpu_s - spent_s) / left
        try:
            rooms = Rooms(
                self._sandbox,
                *self._places(path),
                self._budget,
                self._watch.stop_requested,
            )
            comparison = FileComparison(
                versions, rooms, self._budget, self._watch, self._request.seed
            )
            result = comparison.result(spent_s + share_s)
        except CannotTest as problem:
            self._not_compared.append(NotCompared(path, str(problem)))
            lines = frozenset(versions.changes.head_lines)
            self._results.append(FileResult(path, changed_lines=lines))
        except Stopped:
            self._is_complete = False
        else:
            self._results.append(result)

    def _diff(self) -> BehaviourDiff:
        results = self._results
        return BehaviourDiff(
            differences=tuple(one for result in results for one in result.differences),
            tests=self._tests.changes,
            changed_lines=sum(len(one.changed_lines) for one in results),
            exercised_lines=sum(
                len(one.changed_lines & (one.run_lines | self._tests.lines.get(one.path, _NONE)))
                for one in results
            ),
            not_compared=(
                *self._not_compared,
                *self._tests.not_compared,
                *(one for result in results for one in result.not_compared),
            ),
            calls=sum(one.calls for one in results),
            cpu_s=round(self._budget.spent_s, 2),
            rung=self._sandbox.rung,
            complete=self._is_complete
            and all(one.is_complete for one in results)
            and not self._watch.stop_requested(),
        )
