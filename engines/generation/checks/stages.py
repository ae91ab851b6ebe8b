"""The checks of a draft in their order, cheapest first; the first that fails ends them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from engines.generation.checks.evidence import Evidence, Proof
from engines.generation.checks.ruff import Ruff
from engines.generation.checks.style import check_style, formatted
from engines.generation.checks.syntax import check_syntax
from engines.generation.checks.typecheck import check_types
from engines.generation.checks.verdicts import Verdict, skipped
from engines.generation.drafts import Draft
from engines.generation.ground import Budget, Ground, OutOfBudget
from engines.generation.tasks import Check

_SYNTAX_ALONE = 1
"""How far a draft must have come for anything else of it to be worth a look."""


@dataclass(frozen=True)
class Inspected:
    """A draft as it is after the checks, and what they said."""

    draft: Draft
    checks: tuple[Check, ...] = ()
    failed: str = ""
    told: str = ""
    """For the model, of the check that failed."""
    stages: int = 0
    """How many stages it passed."""
    tests_passed: int = 0
    is_whole: bool = False
    """Whether all stages were looked at."""
    unproven: str = "its tests were not run"
    """Why it is not verified although nothing failed; empty where it is."""


@dataclass(frozen=True)
class Inspection:
    """Checks the drafts of one task."""

    ground: Ground
    budget: Budget
    ruff: Ruff | None
    evidence: Evidence | None
    """None without a sandbox."""

    def inspect(self, draft: Draft, *, to_the_end: bool = False) -> Iterator[Inspected]:
        """What is known after each stage; the last is the whole.

        With `to_the_end` all that can be checked is, although something failed before.

        Raises:
            Stopped: The person cancelled.
        """
        try:
            with self.ground.places.taken(self.budget.check):
                yield from self._inspected(draft, to_the_end=to_the_end)
        except OutOfBudget as reason:
            yield _ended(Inspected(draft), str(reason))

    def _inspected(self, draft: Draft, *, to_the_end: bool) -> Iterator[Inspected]:
        done = Inspected(draft)
        for stage in (self._syntax, self._format, self._lint, self._types, self._tests):
            if done.failed and not (to_the_end and done.stages >= _SYNTAX_ALONE):
                return
            try:
                self.budget.check()
                done = _with(done, *stage(done.draft))
            except OutOfBudget as reason:
                yield _ended(done, str(reason))
                return
            if stage == self._tests:
                done = replace(done, is_whole=True)
            yield done

    def _syntax(self, draft: Draft) -> tuple[Draft, Verdict, Proof | None]:
        return draft, check_syntax(draft), None

    def _format(self, draft: Draft) -> tuple[Draft, Verdict, Proof | None]:
        return *formatted(draft, self.ruff), None

    def _lint(self, draft: Draft) -> tuple[Draft, Verdict, Proof | None]:
        return draft, check_style(draft, self.ruff), None

    def _types(self, draft: Draft) -> tuple[Draft, Verdict, Proof | None]:
        return draft, check_types(draft, self.ground, self.budget), None

    def _tests(self, draft: Draft) -> tuple[Draft, Verdict, Proof | None]:
        if self.evidence is None:
            why = f"no sandbox: {self.ground.no_sandbox_because}"
            proof = Proof(skipped("tests", why), unproven=why)
        else:
            proof = self.evidence.prove(draft)
        return draft, proof.verdict, proof


def _with(done: Inspected, draft: Draft, verdict: Verdict, proof: Proof | None) -> Inspected:
    failed = done.failed or verdict.failed
    return Inspected(
        draft=draft,
        checks=(*done.checks, *verdict.checks),
        failed=failed,
        told=done.told or (verdict.told if verdict.failed else ""),
        stages=done.stages if failed else done.stages + 1,
        tests_passed=proof.passed if proof else done.tests_passed,
        unproven=proof.unproven if proof else done.unproven,
    )


def _ended(done: Inspected, why: str) -> Inspected:
    check = skipped("further checks", why).checks
    return replace(done, checks=(*done.checks, *check), unproven=why)
