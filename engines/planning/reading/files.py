"""Which reader a file is for: told by its content, whatever it is called."""

import re
from datetime import datetime
from pathlib import Path

from engines.planning.arrays import network_of
from engines.planning.reading.assembly import assembled
from engines.planning.reading.drafts import DraftPlan
from engines.planning.reading.imopse import HEADINGS, read_imopse
from engines.planning.reading.lines import MOST_TASKS
from engines.planning.reading.psplib import is_psplib, read_psplib
from engines.planning.reading.team_csv import COLUMNS, cells_of, drafted_csv
from engines.planning.reading.team_list import drafted_list, is_list
from engines.planning.reading.team_toml import drafted_toml
from engines.planning.team import TeamPlan
from engines.planning.types import CannotPlan, Problem

MOST_BYTES = 4_000_000
_TABLES = re.compile(r"^\s*\[\[\s*(?:tasks|people)\s*\]\]", re.MULTILINE)
_TOML = re.compile(r"^\s*(?:\[\[?\s*[A-Za-z_]+\s*\]?\]|[A-Za-z_]+\s*=)", re.MULTILINE)


def read_problem(path: Path) -> Problem:
    """The problem in a file.

    Raises:
        CannotPlan: It is none, too large, or wrong; the message names the line or the task.
    """
    return read_team(path).problem


def read_team(path: Path, start: datetime | None = None) -> TeamPlan:
    """The plan in a file; `start`, aware, is when it begins where it does not say so.

    Raises:
        CannotPlan: As `read_problem`.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise CannotPlan(f"{path.name} has more than {MOST_BYTES // 1_000_000} MB")
        raw = path.read_bytes()
    except OSError as problem:
        raise CannotPlan(f"{path.name} cannot be read: {problem.strerror}") from problem
    return parse_team(raw, path.name, start)


def parse_problem(raw: bytes, name: str) -> Problem:
    """The problem in a file's content; `name` is for messages.

    Raises:
        CannotPlan: As `read_problem`.
    """
    return parse_team(raw, name).problem


def parse_team(
    raw: bytes, name: str, start: datetime | None = None, *, people: bytes = b""
) -> TeamPlan:
    """The plan in a file's content, or in a message's.

    Args:
        raw: The content.
        name: What messages call it; it decides nothing else, unless no format is recognised.
        start: When the plan begins where the content does not say so; aware. Without it such a
            plan counts its ticks from 0.
        people: A second CSV with the people, beside one with tasks.

    Raises:
        CannotPlan: As `read_problem`.
    """
    read = parse_draft(raw, name, people=people)
    if isinstance(read, Problem):
        network_of(read)  # finds circles
        return TeamPlan(read)
    return assembled(read, start)


def parse_draft(raw: bytes, name: str, *, people: bytes = b"") -> DraftPlan | Problem:
    """A team's plan as it is written, or the problem in an instance of a benchmark.

    Raises:
        CannotPlan: As `read_problem`, of what is wrong in single places.
    """
    text = _text(raw, name)
    if is_psplib(text):
        return _bounded(read_psplib(text), name)
    if HEADINGS.search(text):
        return _bounded(read_imopse(text), name)
    if _TABLES.search(text) or name.endswith(".toml"):
        return drafted_toml(text)
    if _is_csv(text, name):
        return drafted_csv(text, _text(people, "the file of people") if people else "")
    if is_list(text):
        return drafted_list(text)
    if _TOML.search(text):
        return drafted_toml(text)
    raise CannotPlan(
        f"{name} is in no format that is known: plan.toml, CSV, a list, PSPLIB (.sm) or iMOPSE "
        "(.def)"
    )


def _bounded(problem: Problem, name: str) -> Problem:
    if len(problem.tasks) > MOST_TASKS:
        many = len(problem.tasks)
        raise CannotPlan(f"{name} has {many:,} tasks; {MOST_TASKS:,} are the most")
    return problem


def _text(raw: bytes, name: str) -> str:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise CannotPlan(f"{name} is no text file (byte {problem.start} is not UTF-8)") from problem
    if "\0" in text:
        raise CannotPlan(f"{name} is no text file (it holds a NUL character)")
    if not text.strip():
        raise CannotPlan(f"{name} is empty")
    return text


def _is_csv(text: str, name: str) -> bool:
    first = next(line for line in text.splitlines() if line.strip())
    cells = cells_of(first)
    return len(set(cells) & set(COLUMNS)) > 1 or (len(cells) > 1 and name.endswith(".csv"))
