"""Tables of a TOML file, read with their places: every error names the line of its key."""

import math
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from typing import TypeVar, cast

from engines.planning.reading.drafts import Moment
from engines.planning.reading.lines import MOST_TASKS
from engines.planning.reading.words import called, in_this_century, moment, naming, nearest, shown
from engines.planning.types import CannotPlan

_T = TypeVar("_T")
_HEADER = re.compile(r"\s*\[\[?\s*([\w.\"'-]+)\s*\]")


class Lines:
    """Where the tables of a TOML text stand, as far as looking at its lines tells."""

    def __init__(self, text: str) -> None:
        """The lines of `text`."""
        self._lines = text.splitlines()
        self._headers: dict[str, list[int]] = {}
        self._ends: list[int] = []
        for number, line in enumerate(self._lines):
            if matched := _HEADER.match(line):
                self._headers.setdefault(matched[1], []).append(number)
                if "." not in matched[1]:
                    self._ends.append(number)

    def top(self) -> range:
        """The lines before the first table."""
        return range(self._ends[0] if self._ends else len(self._lines))

    def of(self, kind: str, index: int, count: int, name: str) -> range:
        """The lines of one of `count` tables of a kind; empty where they cannot be told."""
        headers = self._headers.get(kind, [])
        if len(headers) != count:
            # Inline tables, or a header inside of a text: the name has to do.
            found = self.holding(rf"""\bid\s*=\s*["']{re.escape(name)}["']""")
            return range(found, found + 1) if found >= 0 else range(0)
        begin = headers[index]
        after = bisect_right(self._ends, begin)
        return range(begin, self._ends[after] if after < len(self._ends) else len(self._lines))

    def holding(self, pattern: str, among: range | None = None) -> int:
        """The first line, counted from 0, that holds a pattern; -1 for none."""
        wanted = re.compile(pattern)
        for number in range(len(self._lines)) if among is None else among:
            if wanted.search(self._lines[number]):
                return number
        return -1


@dataclass(frozen=True)
class Table:
    """One table, its values checked for their types as they are asked for."""

    content: Mapping[str, object]
    name: str
    """For messages: "task API"; empty for the plan itself."""
    lines: Lines
    span: range

    def where(self, key: str | None = None) -> str:
        """The line of the key, or of the table, and what the table is about."""
        number = self.span.start if self.span else -1
        if key is not None:
            held = self.lines.holding(
                rf"""^\s*["']?{re.escape(key)}["']?\s*[.=]|\.{re.escape(key)}\s*\]""", self.span
            )
            number = held if held >= 0 else number
        line = f"line {number + 1}" if number >= 0 and self.span else ""
        return ": ".join(part for part in (line, self.name) if part) or "the plan"

    def wrong(self, key: str, what: str) -> CannotPlan:
        """The error that names a key's place."""
        return CannotPlan(f"{self.where(key)}: {what}")

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self.content

    def unknown(self, known: Sequence[str]) -> list[str]:
        """A warning for each key that means nothing here."""
        return [
            f"{self.where(key)}: unknown key {shown(key)}{nearest(key, known)}"
            for key in self.content
            if key not in known
        ]

    def lacks(self, key: str, what: str) -> CannotPlan:
        """The error of a key that must be there; a near miss of it is named."""
        near = get_close_matches(key, self.content, n=1)
        hint = f" (`{key}`; there is {shown(near[0])})" if near else ""
        return CannotPlan(f"{self.where()}: {what}{hint}")

    def text(self, key: str) -> str:
        """A text on one line, or "" where there is none."""
        value = self.content.get(key, "")
        if not isinstance(value, str):
            raise self._type(key, "a text", value)
        return " ".join(value.split())

    def texts(self, key: str) -> list[str]:
        """A text, or a list of them."""
        value = self.content.get(key, [])
        several = [value] if isinstance(value, str) else value
        if not isinstance(several, list):
            raise self._type(key, "a text or a list of texts", value)
        for one in cast("list[object]", several):
            if not isinstance(one, str):
                raise self._type(key, "a list of texts", one)
        return [" ".join(one.split()) for one in cast("list[str]", several)]

    def flag(self, key: str) -> bool:
        """True or false; false where it is not there."""
        value = self.content.get(key, False)
        if not isinstance(value, bool):
            raise self._type(key, "true or false", value)
        return value

    def number(self, key: str, valid: Callable[[float], float], default: float) -> float:
        """A number for which `valid` raises nothing."""
        value = self.content.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._type(key, "a number", value)
        if not math.isfinite(value):
            raise self.wrong(key, f"`{key}` is {value}")
        with naming(self.where(key)):
            return valid(float(value))

    def levels(self, key: str, valid: Callable[[int], int]) -> dict[str, int]:
        """A table of skills and levels, or a list of skills, each of level 1."""
        value = self.content.get(key, {})
        if isinstance(value, list):
            return dict.fromkeys(self.texts(key), 1)
        if not isinstance(value, dict):
            raise self._type(key, "a table as {backend = 2}", value)
        levels = cast("dict[str, object]", value)
        for skill, level in levels.items():
            if isinstance(level, bool) or not isinstance(level, int):
                raise self.wrong(
                    key, f"the level of {shown(skill)} is a whole number, not {said(level)}"
                )
        with naming(self.where(key)):
            return {skill: valid(level) for skill, level in cast("dict[str, int]", value).items()}

    def moment(self, key: str) -> Moment | None:
        """A date, a time or a whole number; also as a text."""
        value = self.content.get(key)
        if value is None:
            return None
        if isinstance(value, str):
            return self.read(key, lambda: moment(value))
        if isinstance(value, bool) or not isinstance(value, int | date):
            raise self._type(key, "a date", value)
        if isinstance(value, date):
            return self.read(key, lambda: in_this_century(value)) and value
        return value

    def several(self, key: str) -> list[object]:
        """A list of anything, or one thing."""
        value = self.content.get(key, [])
        return cast("list[object]", value) if isinstance(value, list) else [value]

    def read(self, key: str, reader: Callable[[], _T]) -> _T:
        """What the reader makes of a key's value; its errors get the place and key in front."""
        with naming(f"{self.where(key)}: {key}"):
            return reader()

    def _type(self, key: str, expected: str, value: object) -> CannotPlan:
        return self.wrong(key, f"`{key}` is {expected}, not {said(value)}")


def tables(
    content: Mapping[str, object], kind: str, singular: str, lines: Lines
) -> Iterable[Table]:
    """The tables `[[kind]]`, each named by its id."""
    found = content.get(kind, [])
    items = cast("list[object]", found) if isinstance(found, list) else []
    wrong = [one for one in items if not isinstance(one, dict)]
    if wrong or not isinstance(found, list):
        what = said(wrong[0] if wrong else cast("object", found))
        raise CannotPlan(f"`{kind}` are tables, each under [[{kind}]], not {what}")
    if len(items) > MOST_TASKS:
        raise CannotPlan(f"the plan has {len(items):,} {kind}; {MOST_TASKS:,} are the most")
    several = cast("list[dict[str, object]]", items)
    for index, one in enumerate(several):
        name = one.get("id", one.get("name", ""))
        name = " ".join(name.split()) if isinstance(name, str) else ""
        yield Table(
            one,
            called(singular, name or str(index + 1)),
            lines,
            lines.of(kind, index, len(several), name),
        )


def said(value: object) -> str:
    """A value of a TOML file, as a message shows it."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return shown(value)
        case dict():
            return "a table"
        case list():
            return "a list"
        case datetime() | date() | int() | float():
            return f"{value}"[:40]
        case _:
            return "that"
