"""Processes that say they are at work, and what becomes of what a dead one held."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from storage import deliveries, inbox, leases, ledger, presence
from storage.database import Database
from storage.presence import BEAT_S, GONE_S, SETTLE_S, Identity, Watcher, born
from storage.states import JobState
from storage.tables.processes import ProcessRow
from tests.jobs.asked import ask, row_of

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LOST: dict[str, object] = {"summary": "lost", "blocks": []}


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def elsewhere(owner: str, kind: str = "gateway") -> Identity:
    """A process on another machine."""
    return Identity(owner, kind, "another", 7, "1")


async def test_a_process_beats_until_it_leaves(database: Database) -> None:
    mine = Identity.mine("worker")
    for at in (after(0), after(2), after(4)):
        await database.write(lambda s, at=at: presence.beat(s, mine, at))
    (row,) = await database.read(presence.at_work)
    assert (row.owner, row.kind, row.beats) == (mine.owner, "worker", 3)
    assert (row.started_at, row.seen_at) == (NOW, after(4))
    await database.write(lambda s: presence.leave(s, mine.owner, after(5)))
    assert await database.read(presence.at_work) == []


async def test_what_a_dead_process_held_is_anybodys(database: Database) -> None:
    def hold(session: Session) -> str:
        presence.beat(session, elsewhere("dead"), NOW)
        inbox.claim(session, "slack", {}, ["k"], NOW, holder="dead")
        job = ask(session, now=NOW)
        assert isinstance(ledger.lease(session, job, "dead", NOW), ledger.Leased)
        assert deliveries.take(session, job, "dead", NOW) is not None
        assert leases.acquire(session, "leader", "dead", 15, NOW)
        return job

    job = await database.write(hold)
    freed = await database.write(
        lambda s: presence.free(s, "dead", LOST, after(1), settle_s=SETTLE_S)
    )
    assert freed is not None
    assert (list(freed.jobs), freed.events, freed.deliveries) == ([job], 1, 1)
    assert (await row_of(database, freed.jobs[0])).state == JobState.QUEUED
    assert len(await database.write(lambda s: inbox.take_due(s, after(1), holder="b"))) == 1
    assert await database.write(lambda s: leases.acquire(s, "leader", "b", 15, after(1)))
    take = deliveries.take
    assert await database.write(lambda s: take(s, job, "b", after(SETTLE_S))) is None
    assert await database.write(lambda s: take(s, job, "b", after(1 + SETTLE_S))) is not None


async def test_a_dead_process_is_freed_once(database: Database) -> None:
    await database.write(lambda s: presence.beat(s, elsewhere("dead"), NOW))
    assert await database.write(lambda s: presence.free(s, "dead", LOST, NOW)) is not None
    assert await database.write(lambda s: presence.free(s, "dead", LOST, NOW)) is None


async def test_others_keep_what_they_hold(database: Database) -> None:
    def hold(session: Session) -> str:
        presence.beat(session, elsewhere("dead"), NOW)
        inbox.claim(session, "slack", {}, ["k"], NOW, holder="alive")
        job = ask(session, now=NOW)
        ledger.lease(session, job, "alive", NOW)
        deliveries.take(session, job, "alive", NOW)
        return job

    job = await database.write(hold)
    freed = await database.write(lambda s: presence.free(s, "dead", LOST, NOW))
    assert freed is not None
    assert (list(freed.jobs), freed.events, freed.deliveries) == ([], 0, 0)
    assert await database.write(lambda s: deliveries.take(s, job, "b", NOW)) is None


async def test_a_job_that_lost_too_many_workers_ends(database: Database) -> None:
    job = await database.write(lambda s: ask(s, now=NOW))
    for number in range(ledger.MAX_ATTEMPTS):

        def die(session: Session, owner: str = f"w{number}") -> None:
            presence.beat(session, elsewhere(owner), NOW)
            ledger.lease(session, job, owner, NOW)
            presence.free(session, owner, LOST, NOW)

        await database.write(die)
    row = await row_of(database, job)
    assert (row.state, row.failure, row.reply) == ("failed", "lost", LOST)


async def test_what_a_worker_leaves_is_started_again_however_often(database: Database) -> None:
    job = await database.write(lambda s: ask(s, now=NOW))
    for number in range(ledger.MAX_ATTEMPTS + 1):

        def go(session: Session, owner: str = f"w{number}") -> None:
            presence.beat(session, elsewhere(owner), NOW)
            ledger.lease(session, job, owner, NOW)
            presence.leave(session, owner, NOW)

        await database.write(go)
    assert (await row_of(database, job)).state == JobState.QUEUED


# Who is gone


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def row(identity: Identity, beats: int) -> ProcessRow:
    return ProcessRow(
        owner=identity.owner,
        kind=identity.kind,
        machine=identity.machine,
        pid=identity.pid,
        born=identity.born,
        beats=beats,
        started_at=NOW,
        seen_at=NOW,
    )


def looks(watcher: Watcher, clock: Clock, beats: list[int]) -> list[list[str]]:
    """What the watcher says with each of its beats while another one's beats are these."""
    said: list[list[str]] = []
    for number in beats:
        said.append(watcher.gone([row(elsewhere("b"), number)]))
        clock.now_s += BEAT_S
    return said


def test_a_process_that_beats_is_not_gone() -> None:
    clock = Clock()
    watcher = Watcher(Identity.mine("gateway"), clock)
    assert not any(looks(watcher, clock, list(range(30))))


def test_a_process_elsewhere_is_gone_when_its_beats_stand_still() -> None:
    clock = Clock()
    watcher = Watcher(Identity.mine("gateway"), clock)
    said = looks(watcher, clock, [5] * 8)
    patience = int(GONE_S / BEAT_S) + 1
    assert not any(said[:patience])
    assert all(said[patience:])


def test_a_watcher_that_was_stopped_itself_begins_its_watch_anew() -> None:
    clock = Clock()
    watcher = Watcher(Identity.mine("gateway"), clock)
    looks(watcher, clock, [5] * 4)
    clock.now_s += 60
    assert not any(looks(watcher, clock, [5] * 3))


def test_a_killed_process_of_the_same_machine_is_gone_at_once() -> None:
    mine = Identity.mine("gateway")
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    other = replace(mine, owner="child", pid=child.pid, born=born(child.pid))
    watcher = Watcher(mine)
    assert watcher.gone([row(other, 1)]) == []
    child.kill()
    child.wait()
    child.communicate()
    assert watcher.gone([row(other, 1)]) == ["child"]


def test_a_process_number_given_out_again_is_another_process() -> None:
    mine = Identity.mine("gateway")
    earlier = replace(mine, owner="earlier", pid=os.getpid(), born="1")
    assert Watcher(mine).gone([row(earlier, 1)]) == ["earlier"]


def test_nobody_takes_itself_for_gone() -> None:
    mine = replace(Identity.mine("gateway"), born="1")
    assert Watcher(mine).gone([row(mine, 1)]) == []


async def test_what_was_being_said_at_a_good_bye_is_said_by_others_when_it_has_settled(
    database: Database,
) -> None:
    def hold(session: Session) -> str:
        presence.beat(session, elsewhere("mine"), NOW)
        job = ask(session, now=NOW)
        assert deliveries.take(session, job, "mine", NOW) is not None
        presence.leave(session, "mine", after(1))
        return job

    job = await database.write(hold)
    for at, is_due in ((after(SETTLE_S), False), (after(1 + SETTLE_S), True)):
        assert (job in await database.read(lambda s, at=at: deliveries.due(s, at))) is is_due
