"""What is done to the processes and the database while the events come in."""

import asyncio
import contextlib
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy.engine import make_url

from tests.acceptance.campaign.processes import now_s
from tests.acceptance.campaign.stage import Stage
from tests.acceptance.campaign.takeover import Takeovers

PAUSE_S = (1.0, 20.0)
BEYOND_S = (32.0, 45.0)
"""Longer than any lease."""
BEYOND = 0.15
"""Of pauses."""
LOCKED_S = (1.0, 12.0)


@dataclass(frozen=True)
class Plan:
    """How much of what, within the time that the events take."""

    kills: int
    broker_restarts: int
    pauses: int
    locks: int


@dataclass
class Chaos:
    """Does it, at seeded moments."""

    stage: Stage
    takeovers: Takeovers
    seed: int
    had: Counter[str] = field(default_factory=Counter[str])
    story: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])
    """What was done when, in seconds since the start."""
    started: float = field(default_factory=now_s)

    async def run(self, plan: Plan, seconds: float) -> None:
        """Everything that is planned, within about `seconds`."""
        dice = random.Random(self.seed + 3)  # noqa: S311 - a campaign's seed
        acts = (
            [("kill", dice.uniform(0.02, 1.0)) for _ in range(plan.kills)]
            + [("broker", dice.uniform(0.05, 0.95)) for _ in range(plan.broker_restarts)]
            + [("pause", dice.uniform(0.02, 0.95)) for _ in range(plan.pauses)]
            + [("lock", dice.uniform(0.05, 0.95)) for _ in range(plan.locks)]
        )
        begun = now_s()
        async with asyncio.TaskGroup() as group:
            for what, at in sorted(acts, key=lambda act: act[1]):
                await asyncio.sleep(max(0.0, begun + at * seconds - now_s()))
                group.create_task(self._act(what, random.Random(dice.random())))  # noqa: S311

    async def kill_one(
        self, dice: random.Random, among: Sequence[str] = ("gateway", "worker")
    ) -> None:
        """SIGKILL one whose name begins so; waits for one that lives."""
        names = [n for n in self.stage.crew.members if n.startswith(tuple(among))]
        while True:
            name = dice.choice(names)
            pid = self.stage.crew.kill(name)
            if pid is not None:
                break
            await asyncio.sleep(0.2)
        self._note(f"SIGKILL {name} (pid {pid})")
        self.had["SIGKILL"] += 1
        await self.takeovers.watch(pid)

    async def _act(self, what: str, dice: random.Random) -> None:
        match what:
            case "kill":
                await self.kill_one(dice)
            case "broker":
                self.stage.crew.kill("valkey")
                self._note("SIGKILL valkey")
                self.had["broker restart"] += 1
            case "pause":
                await self._pause(dice)
            case _:
                await self._lock(dice)

    async def _pause(self, dice: random.Random) -> None:
        names = [n for n in self.stage.crew.members if n.startswith(("gateway", "worker"))]
        long = dice.random() < BEYOND
        seconds = dice.uniform(*(BEYOND_S if long else PAUSE_S))
        name = dice.choice(names)
        self._note(f"SIGSTOP {name} (pid {self.stage.crew.members[name].pid}) for {seconds:.1f} s")
        if await self.stage.crew.pause(name, seconds):
            self.had["pause beyond the leases" if long else "pause"] += 1

    async def _lock(self, dice: random.Random) -> None:
        seconds = dice.uniform(*LOCKED_S)
        if self.stage.postgres is not None:
            self._note("every connection of PostgreSQL ended")
            await asyncio.to_thread(self.stage.postgres.disconnect_all)
            self.had["database disconnected"] += 1
            return
        path = make_url(self.stage.database.url).database
        assert path is not None
        self._note(f"SQLite locked for {seconds:.1f} s")
        if await asyncio.to_thread(_hold, path, seconds):
            self.had["database locked"] += 1

    def _note(self, what: str) -> None:
        self.story.append((now_s() - self.started, what))


def _hold(path: str, seconds: float) -> bool:
    """Hold SQLite's one write lock."""
    with contextlib.closing(sqlite3.connect(path, timeout=20, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        time.sleep(seconds)
        connection.execute("ROLLBACK")
    return True
