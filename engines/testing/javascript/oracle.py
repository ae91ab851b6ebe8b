"""Judges what a call showed: a test, a possible bug, or nothing to assert."""

import re
from enum import Enum
from pathlib import Path

from engines.testing.javascript.calls import Kept
from engines.testing.javascript.clues import Parameter
from engines.testing.javascript.jailed import Loaded
from engines.testing.javascript.project import Project

_MEANT = re.compile(r"(?:throw\s+)?(?:new|super|[\w.]*(?:Error|Exception)|assert[\w.]*)\b")
_UNWANTED = frozenset({"TypeError", "RangeError", "ReferenceError", "SyntaxError", "URIError"})
_LOOSE = frozenset({"any", "undefined", "null", "seed"})


class Verdict(Enum):
    """What becomes of a call."""

    TEST = "test"
    FINDING = "finding"
    NOTHING = "nothing"


class Oracle:
    """Knows the texts that errors come from."""

    def __init__(self, project: Project, loaded: Loaded) -> None:
        """Read nothing yet."""
        self._file = str(project.file.resolve())
        self._root = project.root.resolve()
        self._texts: dict[str, list[str]] = {self._file: loaded.code.split("\n")}

    def verdict(self, one: Kept) -> Verdict:
        """Test, finding or nothing."""
        seen = one.seen
        if seen.kind == "error":
            return self._of_error(one)
        if seen.kind == "opaque":
            return Verdict.TEST if seen.type in {"function", "symbol"} else Verdict.NOTHING
        is_bare = seen.kind == "self" and not seen.state
        return Verdict.NOTHING if is_bare else Verdict.TEST

    def _of_error(self, one: Kept) -> Verdict:
        seen = one.seen
        if any(frame[0] == "gryph:call" for frame in seen.frames[:1]):
            return Verdict.NOTHING  # the call itself is refused, or a function we passed threw
        if self._is_meant(one):
            return Verdict.TEST
        is_ours = any(frame[0] == self._file for frame in seen.frames)
        if seen.name in _UNWANTED and is_ours and _is_sound(one):
            return Verdict.FINDING
        return Verdict.NOTHING

    def _is_meant(self, one: Kept) -> bool:
        """Whether the code itself throws it, as the line where it was made says."""
        if one.seen.name is None:
            return True
        if not one.seen.frames:
            return False
        file, line, column = one.seen.frames[0]
        if file.startswith("node:"):
            return False
        lines = self._lines(file)
        return 0 < line <= len(lines) and bool(_MEANT.match(lines[line - 1], column - 1))

    def _lines(self, file: str) -> list[str]:
        if file not in self._texts:
            place = Path(file)
            is_inside = place.is_relative_to(self._root) and place.resolve() == place
            is_inside = is_inside and place.is_file()
            text = place.read_text("utf-8", "replace") if is_inside else ""
            self._texts[file] = text.split("\n")
        return self._texts[file]

    def line(self, one: Kept) -> int:
        """The line of the target the error passed first, as it runs; 0 where it did not."""
        return next((line for file, line, _ in one.seen.frames if file == self._file), 0)


def _is_sound(one: Kept) -> bool:
    """Every argument is one the signature announces."""
    for step in (*one.call.before, one.call.last):
        parameters = step.target.parameters
        if len(step.args) < sum(not (item.is_optional or item.is_rest) for item in parameters):
            return False
        for place, label in enumerate(step.labels):
            parameter = parameters[min(place, len(parameters) - 1)]
            if label in _LOOSE or not _announces(parameter, label):
                return False
        if len(step.labels) < len(step.args):
            return False
    return True


def _announces(parameter: Parameter, label: str) -> bool:
    return parameter.is_typed and label in parameter.kinds
