"""Who may be asked for tests of what the search did not reach: a model, seen from this engine.

The engine knows no models. It says what is wanted and judges what comes, whoever wrote it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from engines.watch import Watch


@dataclass(frozen=True)
class Earlier:
    """What was proposed for the same function before, and what came of it."""

    answer: str
    """Word for word."""
    told: str
    """A line for each test that was dropped and for what is still not reached."""


@dataclass(frozen=True)
class Wanted:
    """Tests that are wished for one function. All texts are data from the checkout."""

    path: str
    module: str
    """Import name of the target."""
    function: str
    """Its qualified name: "Stack.push"."""
    part: str
    """The function as it stands in the file: a mark, the number and the text of each line."""
    whole: str
    """The whole file in the same form."""
    example: str
    """A test file with tests that are there already, as those wished should look."""
    is_unittest: bool = False
    earlier: Earlier | None = None


@dataclass(frozen=True)
class Proposal:
    """An answer and the blocks of code in it, each as a test file of its own."""

    answer: str
    code: tuple[str, ...]


@dataclass(frozen=True)
class NoProposal:
    """Nothing came for one function; `why` is for a person."""

    why: str


class Proposer(Protocol):
    """Writes tests on demand."""

    @property
    def name(self) -> str:
        """Who wrote the last answer, for a person."""
        ...

    def propose(self, wanted: Sequence[Wanted], watch: Watch) -> list[Proposal | NoProposal]:
        """One answer for each, in the same order; looks at the watch at least twice a second.

        Raises:
            Stopped: The person cancelled.
        """
        ...
