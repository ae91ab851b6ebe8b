"""New tests for a test file that is there: what it lacks, and the file with them in it."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import replace

from engines.source.module import Module
from engines.testing.calls import Call
from engines.testing.examples import calls_in
from engines.testing.extending.existing import (
    Existing,
    NotExtendable,
    existing_file,
    read_existing,
)
from engines.testing.extending.names import bound_in
from engines.testing.extending.unrolled import cases_of
from engines.testing.jailed import Goal, Lost
from engines.testing.measurement import Measured, Measurement, Run
from engines.testing.offers import Offers
from engines.testing.places import TestPlace
from engines.testing.search import Kept
from engines.testing.stability import SETTINGS
from engines.testing.types import CannotTest, Extended, TestingResult
from engines.testing.unreached import unreached_of


class Extension:
    """An existing test file, with what its tests showed when they ran."""

    def __init__(self, existing: Existing, measured: Measured, measurement: Measurement) -> None:
        self.existing = existing
        self.place = TestPlace(existing.path, None)
        self.measured = measured
        self._measurement = measurement
        self._made: list[Call] = []

    @property
    def names(self) -> frozenset[str]:
        """What the file defines."""
        return frozenset(bound_in(self.existing.tree).names)

    def calls(self, offers: Offers) -> list[Call]:
        """The calls its tests make, as inputs to start from."""
        self._made = calls_in(cases_of(self.existing.tree), offers, self._packages())
        return self._made

    def _packages(self) -> Iterator[str]:
        """Names that stand for the target's module or a package above it."""
        module = self._measurement.place.module
        yield from module.split(".")
        for name, one in bound_in(self.existing.tree).imports.items():
            whole = f"{one.module}.{one.member}" if one.member else one.module
            if f"{module}.".startswith(f"{whole}."):
                yield name

    def new(self, kept: Sequence[Kept], goals: Sequence[Goal]) -> list[Kept]:
        """The calls worth adding: none that the file makes already, and of the callables it
        tests only those that lead to lines and branches its tests do not reach. Where nothing
        is left to reach, all that it does not make.

        Raises:
            CannotTest: nothing is left.
        """
        made = {_identity(one) for one in self._made}
        tested = {one.offer.key for one in self._made}
        fresh = [one for one in kept if _identity(one.call) not in made]
        further = [
            one
            for one in fresh
            if one.call.offer.key not in tested or any(self._is_open(goals[n]) for n in one.hits)
        ]
        if not fresh:
            raise CannotTest(
                f"`{self.existing.path}` already makes every call that would show something."
            )
        return further or fresh

    def _is_open(self, goal: Goal) -> bool:
        """Whether the existing tests do not reach a goal."""
        is_missed = goal.line in self.measured.missing_lines
        return is_missed or (goal.text != "" and goal.line in self.measured.half_taken)

    def result(self, standalone: TestingResult, module: Module, generated: str) -> TestingResult:
        """The result with the tests in the existing file, where they all passed and its own did
        as before.

        Raises:
            NotExtendable: they did not, or the file cannot be edited.
        """
        from engines.testing.extending.merging import merged  # noqa: PLC0415 - a fifth of a second

        text = merged(self.existing, generated, self._measurement.place.module)
        measured = _run(self._measurement, self.existing.path, text)
        self._require_as_before(measured.run)
        return replace(
            standalone,
            test_path=self.existing.path,
            source=text,
            after=measured.coverage,
            unreached=unreached_of(module, measured.missing_lines),
            extends=Extended(
                before=self.existing.text,
                coverage=self.measured.coverage,
                standalone_path=standalone.test_path,
                standalone=standalone.source,
            ),
        )

    def _require_as_before(self, run: Run) -> None:
        before = self.measured.run.cases
        for key, (outcome, report) in run.cases.items():
            if before.get(key, ("passed", ""))[0] != outcome:
                last = report.strip().splitlines()[-1:] or [outcome]
                raise NotExtendable(
                    f"`{key.rpartition('::')[2]}` does not pass in `{self.existing.path}` "
                    f"(`{last[0].strip()}`)"
                )
        if len(run.cases) <= len(before):
            raise NotExtendable(f"pytest does not find new tests in `{self.existing.path}`")


def opened(
    measurement: Measurement, test_place: TestPlace, named: str | None = None
) -> Extension | None:
    """The test file that is `named`, or that the repository has for the target, run once as it is.

    Raises:
        NotExtendable: there is one, but it cannot be read or its tests do not run here.
    """
    place = measurement.place
    existing = read_existing(place.root, named) if named else existing_file(place, test_place)
    if existing is None:
        return None
    measured = _run(measurement, existing.path, existing.text)
    if not measured.run.is_whole or not measured.run.passed:
        reports = [one[1] for one in measured.run.cases.values() if one[1]]
        last = reports[0].strip().splitlines()[-1] if reports else "no test was found"
        raise NotExtendable(f"the tests in `{existing.path}` do not run here: `{last}`")
    return Extension(existing, measured, measurement)


def _run(measurement: Measurement, path: str, text: str) -> Measured:
    try:
        return measurement.first(path, text, SETTINGS[0])
    except Lost as problem:
        raise NotExtendable(f"the tests in `{path}` do not run to their end ({problem})") from None


def _identity(call: Call) -> object:
    """The same for two calls that say the same in other words."""
    if call.steps or call.follow or call.file_text is not None:
        return id(call)
    given = tuple((one.parameter, _plain(one.text)) for one in call.arguments)
    return call.offer.key, _plain(call.receiver or "None"), given


def _plain(text: str) -> str:
    return ast.unparse(ast.parse(text, mode="eval"))
