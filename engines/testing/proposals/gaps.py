"""What is left to reach: by function, the largest gaps first, and marked in the source."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from engines.source.module import Module
from engines.source.symbols import Function
from engines.testing.measurement import Gain, Measured

FUNCTIONS = 3
"""Functions that are asked for at most."""
_NEVER, _ONE_WAY, _PLAIN = "!", "?", " "
_RUN_LINES = 12
"""Places told of at most."""


@dataclass(frozen=True)
class Open:
    """Lines that no test runs, and lines that were never left to all the places they lead to."""

    lines: frozenset[int]
    half: frozenset[int]

    @classmethod
    def of(cls, measured: Measured, existing: Measured | None) -> "Open":
        """What neither the new tests reach nor those of the file that they go into."""
        lines, half = measured.missing_lines, measured.half_taken
        if existing is None:
            return cls(lines, half)
        either = half | lines
        there = existing.half_taken | existing.missing_lines
        lines &= existing.missing_lines
        return cls(lines, (either & there) - lines)

    def within(self, function: Function) -> "Open":
        """What of it lies in a function."""
        span = range(function.first_line, function.last_line + 1)
        return Open(self.lines.intersection(span), self.half.intersection(span))

    def is_reached_by(self, gain: Gain) -> bool:
        """Whether something of it is among what a test reaches beyond those before it."""
        return bool(gain.lines & self.lines or gain.branches & (self.lines | self.half))

    @property
    def size(self) -> int:
        """How many lines."""
        return len(self.lines) + len(self.half)

    def told(self) -> str:
        """In words, for who is asked again; empty where nothing is left."""
        never, ways = (", ".join(_runs(one)) for one in (self.lines, self.half))
        parts = [f"never run: {never}"] if never else []
        parts += [f"never left both ways: {ways}"] if ways else []
        return "; ".join(parts)


def gaps_of(module: Module, is_open: Open, wanted: Collection[int]) -> list[Function]:
    """The functions with something to reach, most first, as many as are asked for.

    `wanted` are the lines that the request is about; a function needs one of them.
    """
    found: list[tuple[int, int, Function]] = []
    for one in module.all_functions():
        size = is_open.within(one).size
        is_asked = any(one.first_line <= line <= one.last_line for line in wanted)
        is_abstract = any("abstractmethod" in name for name in one.decorators)
        if size and is_asked and not is_abstract:
            found.append((-size, one.first_line, one))
    return [one for _, _, one in sorted(found, key=lambda item: item[:2])][:FUNCTIONS]


def marked(module: Module, is_open: Open, span: range | None = None) -> str:
    """Lines of the file (all without `span`) with what is open in them marked."""
    lines = module.text.splitlines()
    wanted = [one for one in span or range(1, len(lines) + 1) if one <= len(lines)]
    return "\n".join(f"{_mark(one, is_open)} {one:>4}| {lines[one - 1]}".rstrip() for one in wanted)


def _mark(line: int, is_open: Open) -> str:
    if line in is_open.lines:
        return _NEVER
    return _ONE_WAY if line in is_open.half else _PLAIN


def _runs(lines: Collection[int]) -> Iterator[str]:
    """ "12", "14-17"."""
    ordered, count = sorted(lines), 0
    while ordered and count < _RUN_LINES:
        length = next(
            (n for n in range(1, len(ordered)) if ordered[n] != ordered[0] + n), len(ordered)
        )
        run, ordered, count = ordered[:length], ordered[length:], count + 1
        yield str(run[0]) if length == 1 else f"{run[0]}-{run[-1]}"
