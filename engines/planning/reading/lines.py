"""Lines of a text file with their numbers, for errors that name the place."""

from collections.abc import Iterator
from dataclasses import dataclass

from engines.planning.types import CannotPlan

MOST_TASKS = 2_000
"""More than a team plans at a time; a larger file is refused, not half planned."""
MOST_PEOPLE = 200
LONGEST_DURATION = 1_000_000
"""Ticks; with 10,000 tasks a makespan still fits everything that counts it."""


@dataclass(frozen=True)
class Line:
    """One line that is not blank."""

    number: int
    """Counted from 1."""
    text: str

    def wrong(self, what: str) -> CannotPlan:
        """The error that names this line."""
        return CannotPlan(f"line {self.number}: {what}")

    def integers(self) -> list[int]:
        """Whole numbers at least 0, between blanks. Raises CannotPlan."""
        words = self.text.split()
        for word in words:
            if not (word.isascii() and word.isdecimal()):
                raise self.wrong(f"`{word[:40]}` is no whole number from 0")
            if len(word) > len(str(LONGEST_DURATION)):
                raise self.wrong(f"{word[:40]} is too large")
        return [int(word) for word in words]


def lines_of(text: str) -> Iterator[Line]:
    """The lines that are not blank."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield Line(number, line.strip())
