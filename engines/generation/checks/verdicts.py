"""What a stage of checks says of a draft."""

from collections.abc import Iterable
from dataclasses import dataclass

from engines.generation.tasks import Check, CheckOutcome


@dataclass(frozen=True)
class Verdict:
    """The checks of one stage, and what the model is told where one of them failed."""

    checks: tuple[Check, ...]
    told: str = ""

    @property
    def failed(self) -> str:
        """The name of the first check that failed; empty where none did."""
        failed = (one.name for one in self.checks if one.outcome is CheckOutcome.FAILED)
        return next(failed, "")


def passed(name: str, detail: str = "") -> Verdict:
    """One check that passed."""
    return Verdict((Check(name, CheckOutcome.PASSED, detail),))


def skipped(name: str, why: str) -> Verdict:
    """One check that could not be made."""
    return Verdict((Check(name, CheckOutcome.SKIPPED, why),))


def failed(name: str, detail: str, told: str) -> Verdict:
    """One check that failed."""
    return Verdict((Check(name, CheckOutcome.FAILED, detail),), told)


def together(verdicts: Iterable[Verdict]) -> Verdict:
    """Several as one."""
    all_of_them = list(verdicts)
    checks = tuple(check for one in all_of_them for check in one.checks)
    return Verdict(checks, "\n".join(one.told for one in all_of_them if one.told))
