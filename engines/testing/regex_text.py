"""Short strings that match a regular expression, reproducible from a seed."""

import importlib
import random
import string
import warnings
from collections.abc import Sequence
from typing import Any

_PARSER: Any = importlib.import_module("re._parser")
_REPEAT_LIMIT = 3
_FLAGS_KEPT = 0x2 | 0x8 | 0x10 | 0x40  # IGNORECASE, MULTILINE, DOTALL, VERBOSE
_CATEGORIES = {
    "CATEGORY_DIGIT": "0123456789",
    "CATEGORY_NOT_DIGIT": "ab-_ ",
    "CATEGORY_SPACE": " ",
    "CATEGORY_NOT_SPACE": "aB1-",
    "CATEGORY_WORD": "abcXYZ019_",
    "CATEGORY_NOT_WORD": " -.,",
}
_ANY = string.ascii_letters + string.digits + " -_."


class RegexText:
    """Writes strings for patterns; parts it does not understand are left out."""

    def __init__(self, choices: random.Random) -> None:
        self._choices = choices
        self._groups: dict[int, str] = {}
        self._parsed: dict[tuple[str, int], Sequence[Any] | None] = {}

    def text(self, pattern: str, flags: int = 0) -> str | None:
        """A string the pattern probably matches; None where the pattern is not valid."""
        key = (pattern, flags)
        if key not in self._parsed:
            self._parsed[key] = self._parse(pattern, flags)
        parsed = self._parsed[key]
        if parsed is None:
            return None
        self._groups = {}
        return self._sequence(parsed)

    def _parse(self, pattern: str, flags: int) -> Sequence[Any] | None:
        try:
            with warnings.catch_warnings(action="ignore"):
                return list(_PARSER.parse(pattern, flags & _FLAGS_KEPT))
        except (ValueError, OverflowError, RecursionError, _PARSER.error):
            return None

    def _sequence(self, states: Sequence[Any]) -> str:
        return "".join(self._state(str(code), value) for code, value in states)

    def _state(self, code: str, value: Any) -> str:
        match code:
            case "LITERAL":
                return chr(value)
            case "NOT_LITERAL":
                return self._choices.choice(_ANY.replace(chr(value), ""))
            case "ANY":
                return self._choices.choice(_ANY)
            case "IN":
                return self._one_of(value)
            case "BRANCH":
                return self._sequence(self._choices.choice(value[1]))
            case "SUBPATTERN":
                return self._group(value)
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                return self._repeat(*value)
            case _:
                return self._rare(code, value)

    def _rare(self, code: str, value: Any) -> str:
        if code == "ATOMIC_GROUP":
            return self._sequence(value)
        if code == "GROUPREF":
            return self._groups.get(value, "")
        if code == "GROUPREF_EXISTS":
            chosen = value[1] if value[0] in self._groups else value[2]
            return self._sequence(chosen) if chosen else ""
        return ""  # anchors and assertions: what follows them decides

    def _group(self, value: Any) -> str:
        text = self._sequence(value[-1])
        if value[0] is not None:
            self._groups[value[0]] = text
        return text

    def _repeat(self, low: int, high: int, states: Sequence[Any]) -> str:
        high = min(int(high), int(low) + _REPEAT_LIMIT)
        count = self._choices.randint(int(low), high)
        return "".join(self._sequence(states) for _ in range(min(count, 40)))

    def _one_of(self, members: Sequence[Any]) -> str:
        is_negated = str(members[0][0]) == "NEGATE"
        allowed = "".join(self._member(str(code), value) for code, value in members)
        if is_negated:
            allowed = "".join(one for one in string.printable[:95] if one not in allowed)
        return self._choices.choice(allowed or _ANY)

    def _member(self, code: str, value: Any) -> str:
        if code == "LITERAL":
            return chr(value)
        if code == "RANGE":
            low, high = value
            return "".join(chr(one) for one in range(low, min(high, low + 100) + 1))
        return _CATEGORIES.get(str(value), "") if code == "CATEGORY" else ""
