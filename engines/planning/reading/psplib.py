"""PSPLIB's `.sm` files: projects of one mode with renewable capacities.

Format: Kolisch and Sprecher, "PSPLIB - A project scheduling problem library", 1996.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from engines.planning.reading.lines import Line, lines_of
from engines.planning.types import CannotPlan, Problem, Task

HEADING = "PRECEDENCE RELATIONS:"
_JOBS = re.compile(
    r"^jobs \(incl\. supersource/sink \):\s*(\d{1,6})\s*$", re.MULTILINE | re.IGNORECASE
)


@dataclass(frozen=True)
class _Job:
    line: Line
    after: tuple[str, ...]
    """Successors, as the file has them."""


def is_psplib(text: str) -> bool:
    """Whether the heading that iMOPSE has a count behind stands alone on a line."""
    return any(line.strip().upper() == HEADING for line in text.splitlines())


def read_psplib(text: str) -> Problem:
    """The problem in a `.sm` file.

    Raises:
        CannotPlan: The text is not of the format; the message names the line.
    """
    sections = _sections(text)
    jobs = _jobs(sections[HEADING])
    told = _JOBS.search(text)
    if told is not None and int(told[1]) != len(jobs):
        raise CannotPlan(
            f"line {text.count(chr(10), 0, told.start()) + 1}: {told[1]} jobs are told of, and "
            f"{len(jobs)} are there"
        )
    capacities = tuple(_only_row(sections, "RESOURCEAVAILABILITIES:").integers())
    before: dict[str, list[str]] = {job: [] for job in jobs}
    for name, job in jobs.items():
        for later in job.after:
            if later not in before:
                raise job.line.wrong(f"job {name} is followed by job {later}, which is not there")
            before[later].append(name)
    rows = _requests(sections["REQUESTS/DURATIONS:"], jobs, capacities)
    tasks = tuple(
        Task(name, rows[name][0], after=tuple(before[name]), demand=rows[name][1]) for name in jobs
    )
    return Problem(tasks, capacities=capacities)


def _sections(text: str) -> dict[str, list[Line]]:
    """Rows of numbers, by the heading they stand under."""
    wanted = (HEADING, "REQUESTS/DURATIONS:", "RESOURCEAVAILABILITIES:")
    sections: dict[str, list[Line]] = {}
    rows: list[Line] | None = None
    for line in lines_of(text):
        if line.text.upper() in wanted:
            rows = sections.setdefault(line.text.upper(), [])
        elif line.text.startswith("*"):
            rows = None
        elif rows is not None and not _is_header(line):
            rows.append(line)
    for heading in wanted:
        if not sections.get(heading):
            raise CannotPlan(f"no rows under `{heading}`: this is no whole PSPLIB file")
    return sections


def _is_header(line: Line) -> bool:
    return line.text.upper().startswith(("JOBNR", "-", "R ", "N "))


def _jobs(rows: list[Line]) -> dict[str, _Job]:
    jobs: dict[str, _Job] = {}
    for line in rows:
        job, modes, successors, *rest = _at_least(line, 3)
        if modes != 1:
            raise line.wrong(f"job {job} has {modes} modes; only one is known here")
        if len(rest) != successors:
            raise line.wrong(f"job {job} says {successors} successors and names {len(rest)}")
        if str(job) in jobs:
            raise line.wrong(f"job {job} is there twice")
        if len(set(rest)) != len(rest):
            raise line.wrong(f"job {job} names a successor twice")
        jobs[str(job)] = _Job(line, tuple(str(one) for one in rest))
    return jobs


def _requests(
    rows: list[Line], jobs: dict[str, _Job], capacities: tuple[int, ...]
) -> dict[str, tuple[int, tuple[int, ...]]]:
    """Duration and demand of each job."""
    found: dict[str, tuple[int, tuple[int, ...]]] = {}
    for line in rows:
        job, _, duration, *demand = _at_least(line, 3)
        name = str(job)
        if name not in jobs:
            raise line.wrong(f"job {name} has no precedence row")
        if name in found:
            raise line.wrong(f"job {name} is there twice")
        if len(demand) != len(capacities):
            raise line.wrong(f"job {name} names {len(demand)} of {len(capacities)} resources")
        for number, (wanted, units) in enumerate(zip(demand, capacities, strict=True), 1):
            if wanted > units:
                raise line.wrong(f"job {name} needs {wanted} of R{number}, which has {units}")
        found[name] = duration, tuple(demand)
    for name, job in jobs.items():
        if name not in found:
            raise job.line.wrong(f"job {name} has no duration")
    return found


def _only_row(sections: dict[str, list[Line]], heading: str) -> Line:
    rows: Iterator[Line] = iter(sections[heading])
    return next(rows)


def _at_least(line: Line, count: int) -> list[int]:
    numbers = line.integers()
    if len(numbers) < count:
        raise line.wrong(f"{count} numbers expected, {len(numbers)} found")
    return numbers
