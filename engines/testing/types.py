"""What goes into the testing engine and what comes out of it."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from engines.sandbox.types import Rung
from engines.testing.proposer import Proposer


class Style(StrEnum):
    """How the generated tests are written."""

    PYTEST = "pytest"
    UNITTEST = "unittest"


class CannotTest(Exception):
    """There is a reason in the person's own code or request why no tests come; it is the message.

    The message is Markdown for the person: what is wrong, where, and what to do about it.
    """


class MissingPackage(CannotTest):
    """The code imports a package that is not there; `remedy` may know better what helps."""

    def __init__(self, where: str, module: str, remedy: str = "") -> None:
        """`where` is Markdown: the file and line."""
        self.where = where
        self.module = module
        remedy = remedy or (
            "Declare it in pyproject.toml or requirements.txt, or test a file without it."
        )
        super().__init__(
            f"{where} imports `{module}`, which is not installed where tests run. {remedy}"
        )

    def with_remedy(self, remedy: str) -> "MissingPackage":
        """The same, with what helps in this case."""
        return MissingPackage(self.where, self.module, remedy)


@dataclass(frozen=True)
class TestingRequest:
    """One file (or one function, class or line range of it) of a checkout to write tests for.

    `root` is the checkout, `path` relative to it. `symbol` is a dotted name inside the file
    ("Stack.push"); `lines` an inclusive range, 1-based. `cpu_s` is the budget in CPU seconds for
    everything: start, search, choosing, checking and measuring.
    """

    __test__ = False

    root: Path
    path: str
    symbol: str | None = None
    lines: tuple[int, int] | None = None
    style: Style = Style.PYTEST
    cpu_s: float = 10.0
    seed: int = 1
    properties: bool | None = None
    """Whether to write Hypothesis tests; None for where the repository has Hypothesis."""
    extends: bool = False
    """Put the tests into the test file that the repository already has for the target."""
    test_file: str | None = None
    """The one that is extended, relative to `root`; None for the one named after the target."""
    packages: tuple[Path, ...] = ()
    """Folders of packages that the checkout needs and this installation may lack."""
    proposer: Proposer | None = None
    """Asked for tests of what the search leaves; None asks nobody. Python only."""


@dataclass(frozen=True)
class Coverage:
    """Statement and branch coverage of the target, as counts so that per cent can be derived."""

    lines_covered: int
    lines: int
    branches_covered: int
    branches: int

    @property
    def line_percent(self) -> float:
        """Share of statements executed, 0 to 100; a file without statements counts as covered."""
        return 100.0 * self.lines_covered / self.lines if self.lines else 100.0

    @property
    def branch_percent(self) -> float:
        """Share of branches taken, 0 to 100; code without branches counts as covered."""
        return 100.0 * self.branches_covered / self.branches if self.branches else 100.0


@dataclass(frozen=True)
class Finding:
    """A call that crashed in a way the code neither raises nor documents: a possible bug."""

    call: str
    """The smallest input found, as Python source: `parse("")`."""
    error: str
    """Type and message: `IndexError: string index out of range`."""
    line: int
    """Line of the target file where it was raised, 1-based."""
    documented: str | None
    """The sentence of the docstring it seems to contradict, where there is one."""


@dataclass(frozen=True)
class Unreached:
    """Lines no test executed and the reason that could be established."""

    first_line: int
    last_line: int
    reason: str


@dataclass(frozen=True)
class Extended:
    """An existing test file that got the new tests."""

    before: str
    """The file's text that the new one was made from."""
    coverage: Coverage
    """What its own tests cover."""
    standalone_path: str
    """Where the new tests go if they may not go into that file."""
    standalone: str
    """The text of that file."""


@dataclass(frozen=True)
class Dropped:
    """A proposed test that is not kept, and why, in words; no name where none could be read."""

    name: str
    why: str


@dataclass(frozen=True)
class Proposed:
    """What came of asking somebody else for tests of what the search left."""

    by: str
    """Who wrote the last answer."""
    functions: tuple[str, ...] = ()
    """What was asked about; empty where nothing was left to reach."""
    kept: tuple[str, ...] = ()
    """Names of the tests in the file that were proposed."""
    dropped: tuple[Dropped, ...] = ()
    silence: tuple[str, ...] = ()
    """Why nothing, or no more, was asked or answered: sentences for a person."""


@dataclass(frozen=True)
class TestingResult:
    """The generated suite, run one last time in fresh processes, with what it showed."""

    __test__ = False

    module: str
    """Import name of the target: `pkg.mod`."""
    test_path: str
    """Where the file belongs in the repository, relative to its root."""
    source: str
    """The test file's text; where it extends an existing one, the whole of it."""
    tests: int
    """Number of test cases as the runner counts them (parametrized cases each count)."""
    passed: int
    before: Coverage
    """With nothing but the import of the module."""
    after: Coverage
    mutants: int
    """Small wrong changes of the code that were tried, none of which had a part in choosing."""
    killed: int
    """Those of them that a test notices."""
    survivors: tuple[tuple[int, str], ...]
    """Line and change of mutants that the tests run and do not notice."""
    findings: tuple[Finding, ...]
    unreached: tuple[Unreached, ...]
    candidates: int
    """Calls executed during the search."""
    search_cpu_s: float
    cpu_s: float
    """All of it: this thread and every sandboxed process."""
    rung: Rung
    complete: bool
    """False where the person cancelled or the budget ended before the search settled."""
    runner: str = "pytest"
    """What ran the tests the last time, for a person."""
    extends: Extended | None = None
    """Set where `test_path` is a file that the repository has."""
    proposed: Proposed | None = None
    """None where nobody was to be asked."""
    notes: tuple[str, ...] = ()
    """What else the person should know, in Markdown: why a file of theirs was not extended."""
