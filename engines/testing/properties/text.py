"""Laws as test functions."""

from dataclasses import dataclass

from engines.testing.layout import laid_out
from engines.testing.properties.laws import Law
from engines.testing.unittest_text import unittest_statement

_SETTINGS = "@settings(derandomize=True, deadline=None)"
"""The same examples every time, however slow the machine."""


@dataclass(frozen=True)
class Property:
    """A law with strategies for its variables, in their order."""

    law: Law
    strategies: tuple[str, ...]

    def lines(self, *, is_unittest: bool) -> list[str]:
        """The test function."""
        names = [name for name, _ in self.law.variables]
        given = [f"{name}={one}" for name, one in zip(names, self.strategies, strict=True)]
        parameters = ["self", *names] if is_unittest else names
        return [
            _SETTINGS,
            *laid_out(f"@given({', '.join(given)})"),
            f"def {self.law.name}({', '.join(parameters)}):",
            *self._body(is_unittest=is_unittest),
        ]

    def _body(self, *, is_unittest: bool) -> list[str]:
        lines: list[str] = []
        for line in self.law.body:
            statement = line.strip()
            text = unittest_statement(statement) if is_unittest else statement
            lines.extend(laid_out(text, 4 + len(line) - len(statement)))
        return lines
