"""Which reader a file is for: told by its content, whatever it is called."""

from pathlib import Path

from engines.planning.reading.imopse import PEOPLE, TASKS, read_imopse
from engines.planning.reading.psplib import HEADING, read_psplib
from engines.planning.types import CannotPlan, Problem

MOST_TASKS = 2_000
"""More than a team plans at a time; a larger file is refused, not half planned."""
MOST_BYTES = 4_000_000


def read_problem(path: Path) -> Problem:
    """The problem in a file.

    Raises:
        CannotPlan: It is none, too large, or wrong; the message names the line or the task.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise CannotPlan(f"{path.name} has more than {MOST_BYTES // 1_000_000} MB")
        raw = path.read_bytes()
    except OSError as problem:
        raise CannotPlan(f"{path.name} cannot be read: {problem.strerror}") from problem
    return parse_problem(raw, path.name)


def parse_problem(raw: bytes, name: str) -> Problem:
    """The problem in a file's content; `name` is for messages.

    Raises:
        CannotPlan: As `read_problem`.
    """
    try:
        text = raw.decode()
    except UnicodeDecodeError as problem:
        raise CannotPlan(f"{name} is no text file (byte {problem.start} is not UTF-8)") from problem
    if "\0" in text:
        raise CannotPlan(f"{name} is no text file (it holds a NUL character)")
    if not text.strip():
        raise CannotPlan(f"{name} is empty")
    problem = _reader(text, name)(text)
    if len(problem.tasks) > MOST_TASKS:
        raise CannotPlan(f"{name} has {len(problem.tasks):,} tasks; {MOST_TASKS:,} are the most")
    return problem


def _reader(text: str, name: str):
    if HEADING in text:
        return read_psplib
    if any(line.startswith((PEOPLE, TASKS)) for line in text.splitlines()):
        return read_imopse
    raise CannotPlan(
        f"{name} is in no format that is known: plan.toml, CSV, PSPLIB (.sm) or iMOPSE (.def)"
    )
