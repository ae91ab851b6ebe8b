"""Integration tests for a suite: found by talking to the subject, kept where they pass."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engines.source.module import Module
from engines.testing.assertions import Names
from engines.testing.budget import Budget
from engines.testing.emission import Emission, Written
from engines.testing.integration.conversation import Told, talked
from engines.testing.integration.detection import Kind, Subject, subject_of
from engines.testing.integration.text import Conversation, Fixture, call_of, conversations
from engines.testing.jailed import Lost
from engines.testing.measurement import Measured, Measurement
from engines.testing.places import Place
from engines.testing.stability import SETTINGS
from engines.testing.suite import Test
from engines.testing.types import Finding, TestingResult
from engines.testing.unreached import unreached_of

_FINDINGS = 10
_TEST_LIMIT = 40


@dataclass(frozen=True)
class Passing:
    """A file with integration tests that passes, and the run that showed it."""

    others: list[Test]
    """The other tests of the file."""
    measured: Measured
    source: str


class Integration:
    """The integration tests of one target; `subject` is None where it is no application."""

    def __init__(self, place: Place, module: Module, measurement: Measurement) -> None:
        self.subject: Subject | None = subject_of(module)
        self._place = place
        self._measurement = measurement
        self._told: list[Told] = []
        self.findings: tuple[Finding, ...] = ()

    def explore(self, budget: Budget) -> None:
        """Talk to the subject; what it answers steadily is kept, crashes are findings."""
        if self.subject is None:
            return
        try:
            told = talked(self._measurement.sandbox, self._place, self.subject, budget)
        except Lost:
            return
        self._told = [one for one in told if not one.is_crash][:_TEST_LIMIT]
        self.findings = tuple(_findings(self.subject, [one for one in told if one.is_crash]))

    def names(self, names: Names) -> Names:
        """The names of a test file, with those that integration tests import."""
        if self.subject is None:
            return names
        module = self._place.module
        client = f"{self.subject.framework or 'starlette'}.testclient:TestClient"
        runner = (
            "typer.testing:CliRunner"
            if self.subject.kind is Kind.TYPER
            else "click.testing:CliRunner"
        )
        more = {f"{module}:{self.subject.name}": self.subject.name}
        more |= {client: "TestClient"} if self.subject.kind is Kind.WEB else {runner: "CliRunner"}
        return Names(names.importable | more)

    def passing(self, emission: Emission, path: str, tests: Sequence[Test]) -> Passing | None:
        """The tests that pass beside those that are there, in order and shuffled.

        Of those that are there, the ones that no longer pass are left out: they rest on a state
        of the application that only they have.
        """
        if self.subject is None or not self._told:
            return None
        found, others = conversations(self.subject, self._told), list(tests)
        before = emission.further
        while found:
            emission.further = [*before, *self._written(found)]
            source = emission.text(others)
            failed = self._failed(path, source)
            if isinstance(failed, Measured):
                return Passing(others, failed, source)
            left = [one for one in found if one.name not in failed]
            kept = [one for one in others if one.name not in failed]
            is_fewer = len(left) + len(kept) < len(found) + len(others)
            found, others = (left if is_fewer else []), kept
        emission.further = before
        return None

    def added(self, result: TestingResult, passing: Passing, module: Module) -> TestingResult:
        """The result with those tests in its file."""
        measured = passing.measured
        return replace(
            result,
            source=passing.source,
            tests=len(measured.run.cases),
            passed=measured.run.passed,
            after=measured.coverage,
            unreached=unreached_of(module, measured.missing_lines),
            findings=(*self.findings, *result.findings),
        )

    def _written(self, found: Sequence[Conversation]) -> list[Written]:
        assert self.subject is not None
        head: list[Written] = [Fixture(self.subject)] if self.subject.kind is Kind.WEB else []
        return [*head, *found]

    def _failed(self, path: str, source: str) -> Measured | frozenset[str]:
        """The first run where nothing failed in it nor in another order, else what failed."""
        try:
            measured = self._measurement.first(path, source, SETTINGS[0])
            runs = [measured.run]
            if not measured.run.failed:
                runs += self._measurement.shuffled(path, source, SETTINGS[1], (1,))
        except Lost:
            return frozenset()
        failed = frozenset(
            key.rpartition("::")[2].partition("[")[0] for run in runs for key in run.failed
        )
        return measured if not failed and measured.run.cases else failed


def _findings(subject: Subject, crashes: Sequence[Told]) -> list[Finding]:
    places: dict[object, Told] = {}
    for one in sorted(crashes, key=lambda item: len(call_of(subject, item))):
        places.setdefault((one.answer.get("line"), one.answer.get("type")), one)
    return [_finding(subject, one) for one in list(places.values())[:_FINDINGS]]


def _finding(subject: Subject, told: Told) -> Finding:
    seen = told.answer
    name = str(seen.get("type", "")).rpartition(":")[2]
    message = f": {seen['message']}" if seen.get("message") else ""
    line = seen.get("line")
    return Finding(
        call=call_of(subject, told),
        error=f"{name}{message}",
        line=line if isinstance(line, int) else 0,
        documented="a server error (500)" if subject.kind is Kind.WEB else None,
    )
