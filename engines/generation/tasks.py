"""What is wished of the generation engine, and what it gives back with its evidence."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from engines.generation.types import Usage


class CannotGenerate(Exception):
    """There is a reason in the request why nothing is written; the message is it, in Markdown."""


class Kind(StrEnum):
    """What is wished."""

    WRITE = "write"
    FIX = "fix"
    """Make a failing test pass, or a traceback go away."""
    REFACTOR = "refactor"
    """Change the form and keep the behaviour."""


@dataclass(frozen=True)
class Excerpt:
    """A part of a file that may help; lines are 1-based and inclusive."""

    path: str
    first_line: int
    last_line: int
    text: str
    origin: str = ""
    """Where it comes from if not from the repository: `requests 2.32`."""


@dataclass(frozen=True)
class Turn:
    """An earlier wish of the same thread and the files it ended with, by path."""

    wish: str
    files: Mapping[str, str]


@dataclass(frozen=True)
class Task:
    """One wish.

    `root` is a private checkout: it is read, never written, and nothing of it is run outside the
    sandbox. `path` and `symbol` say what the wish is about, where it says so.
    """

    kind: Kind
    wish: str
    root: Path
    language: str = "python"
    path: str | None = None
    symbol: str | None = None
    context: tuple[Excerpt, ...] = ()
    """The most relevant first; the last are left out where the model cannot read them all."""
    earlier: tuple[Turn, ...] = ()
    """The thread so far, oldest first; its files are what the wish speaks of."""
    failing: str | None = None
    """A traceback or a report of failing tests, as pasted."""
    tests: tuple[str, ...] = ()
    """Test files or pytest ids to run whatever the change touches."""
    with_tests: bool = False
    """Whether tests are wished beside the code."""


@dataclass(frozen=True)
class Limits:
    """Bounds of one wish."""

    max_tokens: int = 2048
    """Of one answer."""
    repairs: int = 2
    candidates: int = 1
    """Answers written side by side, of which the best is kept."""
    temperature: float = 0.7
    """Of every candidate but the first, which is greedy."""
    cpu_s: float = 60.0
    """For everything run in the sandbox."""
    deadline_s: float = 600.0
    """Wall time for all of it."""


class CheckOutcome(StrEnum):
    """How a check went."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    """It could not be made; the detail says why."""


@dataclass(frozen=True)
class Check:
    """One check of the written files, for a person."""

    name: str
    outcome: CheckOutcome
    detail: str = ""


@dataclass(frozen=True)
class WrittenFile:
    """A file of the result. `before` is the repository's text, None where the file is new."""

    path: str
    content: str
    before: str | None
    diff: str
    """Unified, with `a/` and `b/`."""


@dataclass(frozen=True)
class Attempt:
    """One answer of the model and what became of it."""

    round: int
    """0 for the first answer, then the number of the repair."""
    candidate: int
    failed: str
    """The name of the check that failed; empty where none did."""
    told: str
    """What the check said, as the model was told; empty where none failed."""
    tests_passed: int = 0


@dataclass(frozen=True)
class Result:
    """The best that came, with the evidence for it."""

    files: tuple[WrittenFile, ...]
    explanation: str
    """What the model said beside the code; data from a model, to be shown as such."""
    checks: tuple[Check, ...]
    verified: bool
    """All that could be checked passed, and at least one test of the change was run."""
    unverified_because: str
    """Empty where verified."""
    rounds: int
    """Repairs that were asked for."""
    attempts: tuple[Attempt, ...]
    based_on: tuple[Excerpt, ...]
    """What the model was shown of the repository."""
    left_out: tuple[str, ...]
    """What of the context it was not shown, because it could not read so much."""
    notes: tuple[str, ...]
    """What else the person should know before applying it."""
    model: str
    usage: Usage = field(default_factory=Usage)
    """All answers together; `first_token_s` is that of the first."""
    seconds: float = 0.0
    stopped: bool = False
    """The person cancelled; this is what there was by then."""
