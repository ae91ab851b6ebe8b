"""What the canary found on one rung."""

from dataclasses import dataclass

from engines.sandbox.types import Rung


@dataclass(frozen=True)
class Probe:
    """One row: what was tried, what must happen, what did."""

    name: str
    expected: str
    happened: str
    passed: bool


@dataclass(frozen=True)
class CanaryReport:
    """All probes of one rung; `missing` says why none could be made."""

    rung: Rung
    forks: bool
    """Whether its runs were started warm."""
    probes: tuple[Probe, ...]
    missing: str = ""

    @property
    def passed(self) -> bool:
        """Whether the rung may be trusted."""
        return not self.missing and all(probe.passed for probe in self.probes)

    @property
    def name(self) -> str:
        """The rung and how its runs started."""
        return f"{self.rung}, {'warm' if self.forks else 'cold'}"

    def failures(self) -> str:
        """What went wrong, for a person."""
        failed = [f"{probe.name}: {probe.happened}" for probe in self.probes if not probe.passed]
        return self.missing or "; ".join(failed)
