"""A team's plan as CSV: a table of tasks, and above, below or beside it one of people.

A header names the columns, in any order. Two tables in one text stand apart by an empty row; the
one with a column `estimate` holds the tasks.
"""

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from engines.planning.estimates import MILESTONE
from engines.planning.reading.drafts import (
    DraftPerson,
    DraftPlan,
    DraftTask,
    Moment,
    mentioned_in,
)
from engines.planning.reading.words import (
    a_load,
    a_weight,
    amounts,
    an_uncertainty,
    called,
    dates,
    days_of_week,
    moment,
    naming,
    nearest,
    number,
    shown,
    skill,
    split,
    windows,
)
from engines.planning.types import CannotPlan

_T = TypeVar("_T")
ESTIMATE = "estimate"
TASK_COLUMNS = (
    "id",
    "title",
    ESTIMATE,
    "needs",
    "after",
    "person",
    "not_before",
    "deadline",
    "weight",
    "uncertainty",
    "done",
    "started",
    "ended",
    "by",
)
PEOPLE_COLUMNS = ("id", "name", "skills", "load", "days", "hours", "off")
COLUMNS = tuple(dict.fromkeys((*TASK_COLUMNS, *PEOPLE_COLUMNS)))
_GUARDED = re.compile(r"'+[=+\-@]")
_YES = ("yes", "true", "x", "1", "done")
_NO = ("", "no", "false", "0", "-")


@dataclass(frozen=True)
class _Row:
    line: int
    cells: dict[str, str]
    what: str = ""

    @property
    def where(self) -> str:
        return f"line {self.line}: {self.what}" if self.what else f"line {self.line}"

    def of(self, column: str) -> str:
        return self.cells.get(column, "")

    def read(self, column: str, reader: Callable[[str], _T], default: _T) -> _T:
        """What the reader makes of a cell, which may be empty."""
        if not self.of(column):
            return default
        with naming(f"{self.where}: {column}"):
            return reader(self.of(column))


@dataclass
class _Block:
    """A header and the rows below."""

    line: int
    first: list[str]
    rows: list[tuple[int, list[str]]] = field(default_factory=list[tuple[int, list[str]]])

    @property
    def header(self) -> list[str]:
        """The names of the columns."""
        return [cell.lower() for cell in self.first]


def drafted_csv(text: str, people: str = "") -> DraftPlan:
    """The plan in a CSV text as it is written; `people` is a text with the people's table.

    Raises:
        CannotPlan: The text is no such table, or a cell is wrong; the message names the line.
    """
    blocks = [*_blocks(text), *_blocks(people)]
    with_tasks = [block for block in blocks if ESTIMATE in block.header]
    with_people = [block for block in blocks if ESTIMATE not in block.header]
    if not with_tasks:
        columns = blocks[0].header if blocks else []
        near = nearest(ESTIMATE, columns)
        if "meant" not in near:
            near = f"; the columns are {', '.join(TASK_COLUMNS)}"
        raise CannotPlan(f"line 1: no column is called `{ESTIMATE}`{near}")
    warnings: list[str] = []
    tasks = [
        _task(row) for block in with_tasks for row in _rows(block, "task", TASK_COLUMNS, warnings)
    ]
    named = tuple(
        _person(row)
        for block in with_people
        for row in _rows(block, "person", PEOPLE_COLUMNS, warnings)
    )
    staff = named if with_people else mentioned_in(tasks)
    return DraftPlan(tuple(tasks), staff, warnings=tuple(warnings))


def cells_of(line: str) -> list[str]:
    """The cells of a first line, as column names."""
    return [cell.strip().strip('"').strip().lower() for cell in line.split(_delimiter(line))]


def _delimiter(line: str) -> str:
    return max(",;\t", key=line.count)


def _blocks(text: str) -> list[_Block]:
    """The tables of a text, apart by empty rows."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    reader = csv.reader(
        io.StringIO(text), delimiter=_delimiter(first), skipinitialspace=True, strict=True
    )
    blocks: list[_Block] = []
    inside = False
    begins = 1
    try:
        for cells in reader:
            line, begins = begins, reader.line_num + 1
            plain = [_plain(cell) for cell in cells]
            if not any(plain):
                inside = False
            elif inside:
                blocks[-1].rows.append((line, plain))
            else:
                blocks.append(_Block(line, plain))
                inside = True
    except csv.Error as problem:
        raise CannotPlan(f"line {reader.line_num}: {problem}") from problem
    return _joined(blocks)


def _plain(cell: str) -> str:
    """A cell on one line, without the apostrophe that keeps a spreadsheet from calculating it."""
    text = " ".join(cell.split())
    return text[1:] if _GUARDED.match(text) else text


def _joined(blocks: list[_Block]) -> list[_Block]:
    """Blocks; one that begins with no header goes on with the table before it."""
    joined: list[_Block] = []
    for block in blocks:
        if joined and not _is_header(block.header):
            joined[-1].rows.append((block.line, block.first))
            joined[-1].rows.extend(block.rows)
        else:
            joined.append(block)
    return joined


def _is_header(cells: Sequence[str]) -> bool:
    return "id" in cells or len(set(COLUMNS).intersection(cells)) > 1


def _rows(block: _Block, kind: str, known: Sequence[str], warnings: list[str]) -> list[_Row]:
    if "id" not in block.header and "title" not in block.header:
        near = nearest("id", block.header)
        raise CannotPlan(f"line {block.line}: no column is called `id`{near}")
    doubled = [one for one in block.header if one and block.header.count(one) > 1]
    if doubled:
        raise CannotPlan(f"line {block.line}: two columns are called {shown(doubled[0])}")
    warnings.extend(
        f"line {block.line}: unknown column {shown(column)}{nearest(column, known)}"
        for column in block.header
        if column and column not in known
    )
    rows: list[_Row] = []
    for line, cells in block.rows:
        if len(cells) > len(block.header):
            raise CannotPlan(
                f"line {line}: {len(cells)} cells under {len(block.header)} columns; a cell that "
                "holds the delimiter stands in double quotes"
            )
        row = dict(zip(block.header, cells, strict=False))
        name = row.get("id") or row.get("title") or row.get("name") or ""
        if not name:
            raise CannotPlan(f"line {line}: the {kind} has no id")
        rows.append(_Row(line, row, called(kind, name)))
    return rows


def _person(row: _Row) -> DraftPerson:
    return DraftPerson(
        row.where,
        row.of("id") or row.of("name"),
        row.of("name"),
        row.read("skills", _skills, {}),
        row.read("load", lambda cell: a_load(number(cell)), 1.0),
        row.read("days", lambda cell: days_of_week(split(cell, ",;| ")), None),
        row.read("hours", lambda cell: windows(split(cell, ",;|")), None),
        row.read("off", lambda cell: dates(split(cell, ",;| ")), ()),
    )


def _task(row: _Row) -> DraftTask:
    done = row.read("done", _yes, default=False)
    if not row.of(ESTIMATE) and not done:
        raise CannotPlan(f"{row.where}: it has no estimate; write 3d, or `{MILESTONE}`")
    return DraftTask(
        row.where,
        row.of("id") or row.of("title"),
        row.of("title"),
        amounts(row.of(ESTIMATE)),
        row.read("uncertainty", lambda cell: an_uncertainty(number(cell)), None),
        row.read("needs", _skills, {}),
        tuple(split(row.of("after"), ",;|")),
        tuple(one.removeprefix("@") for one in split(row.of("person"), ",;|")),
        _moment(row, "not_before"),
        _moment(row, "deadline"),
        row.read("weight", lambda cell: a_weight(number(cell)), 1.0),
        done,
        _moment(row, "started"),
        _moment(row, "ended"),
        row.of("by").removeprefix("@"),
    )


def _moment(row: _Row, column: str) -> Moment | None:
    return row.read(column, moment, None)


def _skills(cell: str) -> dict[str, int]:
    return dict(skill(one) for one in split(cell, ",;| "))


def _yes(cell: str) -> bool:
    word = cell.lower()
    if word not in (*_YES, *_NO):
        raise CannotPlan(f"{shown(cell)} is neither yes nor no")
    return word in _YES
