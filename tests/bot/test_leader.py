"""One gateway leads: it does the chores and keeps the companions, until it loses the lease."""

import asyncio
import itertools
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from sqlmodel import Session

from bot import leader as leader_module
from bot.face import Busy
from bot.leader import LEASE, TTL_S, Chore, Leader
from bot.metrics import GatewayMetrics
from storage import leases
from storage.clock import utc_now
from storage.database import Database
from storage.tables.trust import LeaseRow
from tests.jobs.outage import without
from tests.jobs.waiting import PATIENCE_S, until

_owners = itertools.count(1)


@dataclass
class House:
    """A leader with one chore and one companion that can be told to fail."""

    database: Database
    owner: str = field(default_factory=lambda: f"g{next(_owners)}")
    done: int = 0
    kept: int = 0
    begun: int = 0
    chore_fails: bool = False
    companion_fails: bool = False
    metrics: GatewayMetrics = field(default_factory=GatewayMetrics)

    async def chore(self) -> None:
        self.done += 1
        if self.chore_fails:
            raise KeyError("a chore's bug")

    async def companion(self) -> None:
        self.begun += 1
        if self.companion_fails:
            raise ConnectionError("the gateway's host is away")
        self.kept += 1
        try:
            await asyncio.Event().wait()
        finally:
            self.kept -= 1

    @property
    def leads(self) -> bool:
        return self.metrics.registry.get_sample_value("gryph_leader") == 1

    def value(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0

    def turns(self, outcome: str) -> float:
        return self.value("gryph_chore_turns_total", chore="chore", outcome=outcome)

    @property
    def done_at(self) -> float:
        return self.value("gryph_chore_done_timestamp_seconds", chore="chore")

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        leader = Leader(
            self.database,
            {"chore": Chore(0.02, self.chore)},
            {"companion": self.companion},
            self.metrics,
            owner=self.owner,
        )
        async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
            loop = group.create_task(leader.run())
            yield
            loop.cancel()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leader_module, "RENEW_S", 0.02)
    monkeypatch.setattr(leader_module, "COMPANION_WAIT_S", 0.02)


async def take_from(database: Database, owner: str) -> None:
    """Somebody else holds the lease from now on."""

    def take(session: Session) -> bool:  # at once: in between, the leader would renew it
        leases.release(session, LEASE, owner)
        return leases.acquire(session, LEASE, "else", TTL_S, utc_now())

    assert await database.write(take)


async def test_of_two_gateways_one_leads_and_the_other_takes_over(sqlite: Database) -> None:
    first, second = House(sqlite), House(sqlite)
    async with second.running():
        async with first.running():
            await until(lambda: first.leads or second.leads)
            await asyncio.sleep(0.1)
            assert [first.leads, second.leads].count(True) == 1
            leading, waiting = (first, second) if first.leads else (second, first)
            assert (leading.kept, waiting.kept, waiting.done) == (1, 0, 0)
        await until(lambda: second.leads)
    assert not second.leads


async def test_a_lease_that_ran_out_is_inherited(
    sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leader_module, "TTL_S", 0.2)
    assert await sqlite.write(lambda s: leases.acquire(s, LEASE, "killed", 0.2, utc_now()))
    house = House(sqlite)
    async with house.running():
        await until(lambda: house.leads)


async def test_chores_and_companions_stop_when_the_lease_is_lost(sqlite: Database) -> None:
    house = House(sqlite)
    async with house.running():
        await until(lambda: house.done > 2 and house.kept == 1)
        await take_from(sqlite, house.owner)
        await until(lambda: not house.leads)
        assert house.kept == 0
        done = house.done
        await asyncio.sleep(0.1)
        assert house.done == done


async def test_a_chore_that_fails_has_its_next_turn(sqlite: Database) -> None:
    house = House(sqlite, chore_fails=True)
    async with house.running():
        await until(lambda: house.done > 3)
        assert house.leads
        assert house.turns("failed") >= 3
        assert house.turns("done") == 0


async def test_a_chore_that_no_longer_gets_done_is_seen_by_its_age(sqlite: Database) -> None:
    house = House(sqlite)
    async with house.running():
        await until(lambda: house.turns("done") > 2)
        assert house.value("gryph_chore_every_seconds", chore="chore") == 0.02
        assert time.time() - house.done_at < 1
        house.chore_fails = True
        await until(lambda: house.turns("failed") > 1)
        was_done_at = house.done_at
        await until(lambda: house.turns("failed") > 3)
        assert house.done_at == was_done_at


async def test_a_companion_that_fails_is_begun_again(sqlite: Database) -> None:
    house = House(sqlite, companion_fails=True)
    async with house.running():
        await until(lambda: house.begun > 2)
        house.companion_fails = False
        await until(lambda: house.kept == 1)
        assert house.leads


async def test_a_leader_that_stops_gives_the_lease_back_at_once(sqlite: Database) -> None:
    house = House(sqlite)
    async with house.running():
        await until(lambda: house.leads)
    assert await sqlite.read(lambda s: s.get(LeaseRow, LEASE)) is None
    assert house.kept == 0


async def test_a_leader_whose_database_is_away_leads_again_later(sqlite: Database) -> None:
    house = House(sqlite)
    async with house.running():
        await until(lambda: house.leads)
        async with without(sqlite, "leases"):
            await until(lambda: not house.leads)
        await until(lambda: house.leads)


async def test_a_chore_that_finds_its_platform_busy_is_tried_again_within_its_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(leader_module, "AGAIN_S", (0.01, 0.01, 0.01))
    tries = 0

    async def busy_twice() -> None:
        nonlocal tries
        tries += 1
        if tries <= 2:
            raise Busy("502")

    metrics = GatewayMetrics()
    await leader_module.turn_of("sweep", Chore(300, busy_twice), metrics)()
    assert tries == 3
    labels = {"chore": "sweep", "outcome": "done"}
    assert metrics.registry.get_sample_value("gryph_chore_turns_total", labels) == 1
