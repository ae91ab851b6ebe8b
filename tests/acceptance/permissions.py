"""The permission matrix: everybody by every verb by every place by every way a command arrives.

Each cell is a real event through a face's inbound route, the dispatcher, the platform's word on the
person, and the ledger; what came of it is read from state and compared with
`permissions_expected`. Then the same people try job ids from elsewhere.

    python -m tests.acceptance.permissions [--cases N] [--seed S] [--write-docs]
"""

import argparse
import asyncio
import itertools
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlmodel import SQLModel

from storage.database import Database
from tests.acceptance.permissions_expected import (
    ASKS,
    PEOPLE,
    How,
    Outcome,
    Where,
    Who,
    expected,
)
from tests.acceptance.permissions_page import PAGE, page
from tests.acceptance.permissions_town import ABOUT_JOBS, Elsewhere, Town, town
from tests.benchmarks.machine import machine
from tests.fakes.everywhere import everywhere
from tests.fakes.valkey import running_valkey


@dataclass(frozen=True)
class Cell:
    """One square of the matrix."""

    where: Where
    who: Who
    ask: str
    how: How


@dataclass(frozen=True)
class Visit:
    """One attempt at a job from elsewhere."""

    where: Where
    who: Who
    ask: str
    elsewhere: Elsewhere


@dataclass(frozen=True)
class Fault:
    """A cell that came out otherwise than the design says."""

    cell: Cell | Visit
    wanted: str
    got: str

    @property
    def is_leak(self) -> bool:
        """Whether somebody got more than they should, rather than less."""
        return self.got != Outcome.REFUSED


def cells() -> list[Cell]:
    """Every square that exists; the console has no edits."""
    found = [
        Cell(where, who, ask, how)
        for where in Where
        for who, ask, how in itertools.product(PEOPLE[where], ASKS, How)
    ]
    return [cell for cell in found if not (cell.where is Where.CONSOLE and cell.how is How.EDITED)]


def visits() -> list[Visit]:
    """Every attempt at a job from elsewhere by whoever is not the operator, who sees all."""
    return [
        Visit(where, who, ask, elsewhere)
        for where in Where
        for who, ask, elsewhere in itertools.product(PEOPLE[where], ABOUT_JOBS, Elsewhere)
        if who is not Who.OPERATOR and (where, who, elsewhere) not in OPEN_TO
    ]


OPEN_TO = frozenset({(Where.CONSOLE, Who.ADMIN, Elsewhere.CONSOLE)})
"""Administrators of the console see its threads."""


async def try_cell(there: Town, cell: Cell) -> Fault | None:
    """Do it, and say what was wrong about it."""
    wanted = expected(cell.where, cell.who, cell.ask)
    got = await there.outcome(cell.where, cell.who, ASKS[cell.ask], cell.how)
    return None if got == wanted else Fault(cell, wanted, got)


async def try_visit(there: Town, visit: Visit) -> Fault | None:
    """Nothing may happen, and the answer has to be the one for a job that does not exist."""
    got, told, told_of_nothing = await there.visit(
        visit.where, visit.who, ASKS[visit.ask], visit.elsewhere
    )
    if got != Outcome.REFUSED:
        return Fault(visit, Outcome.REFUSED, got)
    if told != told_of_nothing:
        return Fault(visit, told_of_nothing, told)
    return None


async def run(
    database: Database, folder: Path, valkey_url: str, tried: Sequence[Cell | Visit]
) -> list[Fault]:
    """Try them all, in the order given; the faults."""
    faults: list[Fault] = []
    async with everywhere(database, folder, valkey_url) as world:
        there = await town(world)
        for one in tried:
            fault = await (try_cell(there, one) if isinstance(one, Cell) else try_visit(there, one))
            if fault is not None:
                faults.append(fault)
    return faults


def chosen(cases: int | None, seed: int) -> list[Cell | Visit]:
    """All of them, or so many drawn with the seed; always in random order."""
    every: list[Cell | Visit] = [*cells(), *visits()]
    return random.Random(seed).sample(every, min(cases or len(every), len(every)))  # noqa: S311


def main() -> int:
    """Run the matrix; 1 when a cell is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write-docs", action="store_true")
    options = parser.parse_args()
    tried = chosen(options.cases, options.seed)
    print(machine("fastapi", "sqlalchemy", "discord.py"))
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, running_valkey() as valkey_url:
        database = Database(f"sqlite:///{folder}/gryph.db")
        SQLModel.metadata.create_all(database.engine)
        faults = asyncio.run(run(database, Path(folder), valkey_url, tried))
        database.close()
    for fault in faults:
        print(f"{'LEAK' if fault.is_leak else 'WRONG REFUSAL'} {fault}")
    leaks = sum(fault.is_leak for fault in faults)
    inside = sum(isinstance(one, Cell) for one in tried)
    print(
        f"seed {options.seed}: {inside} of {len(cells())} cells, {len(tried) - inside} of "
        f"{len(visits())} attempts at jobs from elsewhere, {time.monotonic() - started:.0f} s: "
        f"{leaks} leaks, {len(faults) - leaks} wrong refusals"
    )
    if options.write_docs:
        PAGE.write_text(page())
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
