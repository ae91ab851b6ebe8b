"""What goes into a comparison of two versions of the code and what comes out of it."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from engines.sandbox.types import Rung


@dataclass(frozen=True)
class BehaviourRequest:
    """Two checkouts of the same repository, before and after a change.

    `paths` are relative to both; empty means every Python file whose code differs. `cpu_s` is for
    all files together, start-up and confirmation included.
    """

    base: Path
    head: Path
    paths: tuple[str, ...] = ()
    cpu_s: float = 10.0
    seed: int = 1
    base_packages: tuple[Path, ...] = ()
    """Folders of packages that the base needs and this installation may lack."""
    head_packages: tuple[Path, ...] = ()


class Change(StrEnum):
    """How one call came out on the two sides."""

    RETURNS_OTHER = "returns_other"
    RAISES_NOW = "raises_now"
    NO_LONGER_RAISES = "no_longer_raises"
    RAISES_OTHER = "raises_other"
    LEAVES_OTHER = "leaves_other"
    """The same result, but the object or the output is left in another state."""
    NEVER_ENDS = "never_ends"
    """It ended before and does not end now within its time."""


@dataclass(frozen=True)
class Difference:
    """One way in which a function behaves differently, with the smallest input found."""

    path: str
    function: str
    """Dotted name inside the file: `Stack.push`."""
    line: int
    """In the head's file: a changed line of the function where there is one, else its first."""
    change: Change
    call: str
    """As a person would write it: `slugify("a--b")`; statements before it on lines of their own."""
    code: str
    """The same, runnable alone with the checkout importable: imports first, the call last."""
    base: str
    """What it gave: `"a-b"`, or `raises ValueError: empty`."""
    head: str


@dataclass(frozen=True)
class TestChange:
    """An existing test that comes out differently on the two sides."""

    __test__ = False

    test: str
    """pytest's id, relative to the checkout."""
    passes: bool
    """Whether it passes on the head: fail-to-pass, else pass-to-fail."""
    message: str
    """The last line of the failing side's report."""


@dataclass(frozen=True)
class NotCompared:
    """A changed file, function or test of which nothing is said, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class BehaviourDiff:
    """What the change changes, as far as it was seen.

    No difference means that none was seen in the share of the change that was run.
    """

    differences: tuple[Difference, ...]
    """Grouped by file and function, most telling first."""
    tests: tuple[TestChange, ...]
    changed_lines: int
    """Executable lines of the head's files that the change added or altered."""
    exercised_lines: int
    """Those of them that some call or test ran."""
    not_compared: tuple[NotCompared, ...]
    calls: int
    """Calls executed on either side."""
    cpu_s: float
    rung: Rung
    complete: bool
    """False where the person cancelled or the budget ended before every function had its share."""

    @property
    def changed(self) -> bool:
        """Whether anything behaves differently."""
        return bool(self.differences or self.tests)

    @property
    def exercised(self) -> float:
        """Share of the changed lines that was run, 0 to 1; 1 where no line changed."""
        return self.exercised_lines / self.changed_lines if self.changed_lines else 1.0
