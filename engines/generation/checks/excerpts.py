"""What of a failing test's report a model needs: the assertion, and the frames of its own code."""

import re
from collections.abc import Collection, Mapping

from engines.generation.checks.session import Case

_FRAME = re.compile(r"^(\S[^:\n]*\.py):(\d+): ")
_FAILURES = 3
_REASON_LINES = 14
_LINE_CHARS = 200
_OTHER_FRAMES = 1
"""Frames of foreign code that are kept: the last, where it was raised."""


def excerpt(failures: Mapping[str, Case], own: Collection[str]) -> str:
    """The first failures, shortened. `own` are the paths whose frames matter."""
    shown = [f"{test}\n{_shortened(case.report, own)}" for test, case in failures.items()]
    more = len(shown) - _FAILURES
    return "\n\n".join(shown[:_FAILURES]) + (f"\n\nand {more} more fail" if more > 0 else "")


def reason(case: Case) -> str:
    """The one line that says most, for a person."""
    errors = [one for one in case.report.split("\n") if one.startswith("E ")]
    lines = errors or [one for one in case.report.split("\n") if one.strip()]
    return lines[0].removeprefix("E").strip()[:_LINE_CHARS] if lines else "it fails"


def _shortened(report: str, own: Collection[str]) -> str:
    """Frames are blocks that begin with `path:line: `; the rest of a report is kept to its end."""
    frames: list[list[str]] = []
    reasons: list[str] = []
    for line in report.split("\n"):
        if line.startswith("E "):
            reasons.append(line[:_LINE_CHARS])
        elif _FRAME.match(line):
            frames.append([line[:_LINE_CHARS]])
        elif frames and line.strip() and not line.startswith(("_", "=", "-")):
            frames[-1].append(line[:_LINE_CHARS])
    kept = [one for one in frames if _path(one) in own]
    last = [one for one in frames[-_OTHER_FRAMES:] if one not in kept]
    lines = [line for frame in (*kept, *last) for line in frame[:6]]
    if not lines and not reasons:
        return "\n".join(report.split("\n")[-_REASON_LINES:])
    return "\n".join([*lines, *reasons[:_REASON_LINES]])


def _path(frame: list[str]) -> str:
    found = _FRAME.match(frame[0])
    return found[1].removeprefix("./") if found else ""
