"""How long an issue takes, by what stands in it."""

import re
from collections.abc import Sequence

from engines.planning.estimates import parse_work
from engines.planning.types import CannotPlan

_ESTIMATE = re.compile(
    r"^[ \t>*_-]*(?:estimate|effort|size)[*_]*\s*[:=][*_\s]*(\d[\w. ,]*?)[*_]*\s*$",
    re.IGNORECASE | re.MULTILINE,
)
_LABEL = re.compile(r"(?:estimate|effort|size)\s*[:/=]\s*(\d.*)", re.IGNORECASE)
_STEP = re.compile(r"^\s*[-*+]\s+\[( |x|X)\]\s+(.*)$", re.MULTILINE)
_STEP_ESTIMATE = re.compile(r"\((\d[\w. ]*)\)")


def estimate_in(body: str, labels: Sequence[str]) -> str:
    """From a label, a line, or the steps that are still open; empty where nothing tells."""
    labelled = (found[1] for one in labels if (found := _LABEL.fullmatch(one.strip())))
    lines = (found[1] for found in _ESTIMATE.finditer(body))
    for text in (*labelled, *lines):
        if _is_work(text):
            return text.strip()
    return _of_steps(body)


def _of_steps(body: str) -> str:
    """The sum of a task list whose open steps all have estimates."""
    open_steps = [found[2] for found in _STEP.finditer(body) if found[1] == " "]
    amounts = [found[1] for step in open_steps if (found := _STEP_ESTIMATE.search(step))]
    if not amounts or len(amounts) < len(open_steps) or not all(map(_is_work, amounts)):
        return ""
    return f"{sum(parse_work(one) for one in amounts)}m"


def _is_work(text: str) -> bool:
    try:
        parse_work(text)
    except CannotPlan:
        return False
    return True
