"""Counts by coverage.py what runs of one file, from its import on."""

import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from itertools import pairwise
from types import ModuleType
from typing import Any

import coverage
from coverage.python import PythonFileReporter
from coverage.results import analysis_from_file_reporter

Counts = dict[str, Any]
Arcs = dict[str, list[tuple[int, int]]]


class Counting:
    """One measurement of the file `target`, which the module `name` is loaded from.

    Nothing is traced before the module is imported: what runs until then is not its code. A fork
    goes on counting for itself.
    """

    def __init__(self, name: str, target: str) -> None:
        self._measured = coverage.Coverage(
            branch=True, include=[target], data_file=None, config_file=False
        )
        self._imported: Arcs = {}
        self._marks: list[tuple[str, Arcs]] = []
        self._is_running = False
        sys.meta_path.insert(0, _Finder(name, self._around))

    def _around(self, execute: Callable[[ModuleType], object], module: ModuleType) -> None:
        """Execute the module; what that alone covers is kept apart."""
        self._start()
        execute(module)
        if not self._imported and self._is_running:
            self.stop()
            self._imported = _arcs(self._measured.get_data())
            self._start()

    def _start(self) -> None:
        if not self._is_running:
            self._measured.start()
            self._is_running = True

    def stop(self) -> None:
        """Count no further."""
        if self._is_running:
            self._measured.stop()
            self._is_running = False

    def mark(self, name: str) -> None:
        """What ran since the last mark is what `name` reaches beyond all that ran before it; of
        nobody where that is "".
        """
        self.stop()
        self._marks.append((name, _arcs(self._measured.get_data())))
        self._start()

    def gains(self) -> dict[str, Counts]:
        """By the name of a mark: missing lines and starts of branches that it reached."""
        file = next((one for _, arcs in self._marks for one in arcs), None)
        if file is None:
            return {}
        reader = PythonFileReporter(file, self._measured)
        found: dict[str, Counts] = {}
        missing = [_missing(_with([self._imported, arcs]), reader, file) for _, arcs in self._marks]
        for (name, _), (before, after) in zip(self._marks[1:], pairwise(missing), strict=True):
            own = found.setdefault(name, {"lines": [], "branches": []})
            own["lines"] += sorted(before[0] - after[0])
            own["branches"] += sorted({start for start, _ in before[1] - after[1]})
        found.pop("", None)
        return found

    def counts(self) -> tuple[Counts, Counts]:
        """What the import alone covered, and all that was covered; empty where nothing was."""
        data = self._measured.get_data()
        both = [self._imported, *([_arcs(data)] if data else [])]
        file = next((one for arcs in both for one in arcs), None)
        if file is None:
            return Counts(), Counts()
        reader = PythonFileReporter(file, self._measured)
        try:
            before = _described(_with(both[:1]), reader, file)
            return before, _described(_with(both), reader, file)
        except coverage.CoverageException:
            return Counts(), Counts()


class _Finder:
    """Has one module executed by `around`; all others are none of its business."""

    def __init__(
        self, name: str, around: Callable[[Callable[[ModuleType], object], ModuleType], None]
    ) -> None:
        self._name = name
        self._around = around

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """What the other finders find, with its execution watched; see `sys.meta_path`."""
        if name != self._name:
            return None
        others = [one for one in sys.meta_path if one is not self]
        found = (one.find_spec(name, path, target) for one in others)
        spec = next((one for one in found if one), None)
        if spec and spec.loader:
            loader = spec.loader
            execute = loader.exec_module
            loader.exec_module = lambda module: self._around(execute, module)
        return spec


def _arcs(data: coverage.CoverageData) -> Arcs:
    return {file: data.arcs(file) or [] for file in data.measured_files()}


def _with(parts: Sequence[Arcs]) -> coverage.CoverageData:
    data = coverage.CoverageData(no_disk=True)
    for arcs in parts:
        data.add_arcs(arcs)
    return data


def _missing(
    data: coverage.CoverageData, reader: PythonFileReporter, file: str
) -> tuple[set[int], set[tuple[int, int]]]:
    """Lines that did not run, and ways between lines that were not taken."""
    found = analysis_from_file_reporter(data, 0, reader, file)
    arcs = found.missing_branch_arcs()
    return set(found.missing), {(start, end) for start, ends in arcs.items() for end in ends}


def _described(data: coverage.CoverageData, reader: PythonFileReporter, file: str) -> Counts:
    found = analysis_from_file_reporter(data, 0, reader, file)
    numbers = found.numbers
    return {
        "summary": {
            "covered_lines": numbers.n_executed,
            "num_statements": numbers.n_statements,
            "covered_branches": numbers.n_executed_branches,
            "num_branches": numbers.n_branches,
        },
        "missing_lines": sorted(found.missing),
        "missing_branches": [
            [start, end] for start, ends in found.missing_branch_arcs().items() for end in ends
        ],
    }
