"""The campaign of hostile text: every attack, in every place, on every face.

`python -m tests.hostile.injection --every 1` tries all of them; exit code 1 on a fault. An attack
is acted once (in all places of a conversation and a repository, said back by a job and applied) and
recited once (in every kind of block).
"""

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import structlog
from sqlmodel import SQLModel

from handlers import Platform
from storage.database import Database
from tests.benchmarks.machine import machine
from tests.fakes.valkey import running_valkey
from tests.hostile.corpus import Place, attacks
from tests.hostile.reciting import KINDS
from tests.hostile.stage import Fault, staged

PLACES, FACES = len(Place), len(Platform)
BLOCKS = len(KINDS) + 2
"""Kinds of blocks in which an attack is recited, files and pictures among them."""


async def campaign(folder: Path, *, every: int, start: int) -> tuple[int, int, list[Fault]]:
    """Attacks acted and recited, and what was found."""
    chosen = attacks()[start::every]
    found: list[Fault] = []
    recited = 0
    database = Database(f"sqlite:///{folder / 'gryph.db'}")
    SQLModel.metadata.create_all(database.engine)
    with running_valkey() as url:
        async with staged(database, folder, url) as stage:
            for number, attack in enumerate(chosen, 1):
                fresh = [*await stage.act(attack), *await stage.recite(attack)]
                recited += not attack.secret
                for fault in fresh:
                    print(f"  {fault}", flush=True)
                found += fresh
                if number % 20 == 0:
                    print(f"{number} of {len(chosen)} attacks", flush=True)
    database.close()
    return len(chosen), recited, found


def main() -> int:
    """Run the campaign; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="try each so many-th attack")
    parser.add_argument("--start", type=int, default=0, help="from this one on")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    print(machine())
    begun = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        campaigned = campaign(Path(folder), every=options.every, start=options.start)
        acted, recited, faults = asyncio.run(campaigned)
    combinations = acted * PLACES * FACES + recited * BLOCKS * FACES
    print(
        f"{acted} attacks x {PLACES} places x {FACES} faces and {recited} x {BLOCKS} kinds of "
        f"blocks x {FACES} faces: {combinations:,} combinations, {len(faults)} faults, "
        f"{time.process_time() - begun:.0f} CPU s"
    )
    print(*(f"{face}: {count}" for face, count in Counter(f.face for f in faults).items()))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
