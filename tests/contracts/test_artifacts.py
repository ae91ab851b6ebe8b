"""Artifacts on both databases."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlmodel import Session

from storage import artifacts, people
from storage.artifacts import NewArtifact
from storage.database import Database
from storage.ids import ArtifactId, JobId
from storage.stores.local import LocalStore
from storage.stores.types import ArtifactLost
from tests.contracts.samples import add_job

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
JOB = JobId("J000001")


def add_the_job(session: Session) -> None:
    person = people.person_of(session, platform="slack", account="U1", name="Ann", now=NOW)
    add_job(session, JOB, person, NOW)


def keep(
    database: Database, store: LocalStore, name: str, content: bytes, at: datetime = NOW
) -> ArtifactId:
    noted = NewArtifact(name, "text/plain", len(content), store.put(content))
    return database.write_now(lambda s: artifacts.record(s, JOB, noted, at))


def age(tmp_path: Path, to: datetime) -> None:
    """Make every kept file as old as `to`."""
    for path in (tmp_path / "artifacts").rglob("*"):
        os.utime(path, (to.timestamp(), to.timestamp()))


def lost(store: LocalStore, digest: str) -> bool:
    try:
        store.read(digest)
    except ArtifactLost:
        return True
    return False


async def test_a_job_finds_its_artifacts_and_what_apply_writes(
    database: Database, tmp_path: Path
) -> None:
    store = LocalStore(tmp_path)
    await database.write(add_the_job)
    plain = keep(database, store, "report.txt", b"report")
    patch = NewArtifact("test_a.py", "text/x-python", 4, store.put(b"test"), "tests/test_a.py")
    applied = await database.write(lambda s: artifacts.record(s, JOB, patch, NOW))
    rows = await database.read(lambda s: artifacts.of_job(s, JOB))
    assert [(row.id, row.role, row.path) for row in rows] == [
        (plain, "", None),
        (applied, "apply", "tests/test_a.py"),
    ]
    row = await database.read(lambda s: artifacts.get(s, applied))
    assert row is not None
    assert store.read(row.digest) == b"test"


async def test_an_id_drawn_before_is_the_one_that_is_used(
    database: Database, tmp_path: Path
) -> None:
    store = LocalStore(tmp_path)
    await database.write(add_the_job)
    noted = NewArtifact("a", "text/plain", 1, store.put(b"a"))
    drawn = ArtifactId("Adrawn")
    given = await database.write(lambda s: artifacts.record(s, JOB, noted, NOW, artifact=drawn))
    assert given == drawn


async def test_old_artifacts_expire_and_their_bytes_are_swept(
    database: Database, tmp_path: Path
) -> None:
    store = LocalStore(tmp_path)
    await database.write(add_the_job)
    old = keep(database, store, "old", b"old", NOW - timedelta(days=40))
    keep(database, store, "shared, old", b"shared", NOW - timedelta(days=40))
    keep(database, store, "shared, new", b"shared")
    digests = {name: store.put(name.encode()) for name in ("old", "shared")}
    age(tmp_path, NOW - timedelta(days=40))
    limit = NOW - timedelta(days=30)

    assert await database.read(lambda s: artifacts.sweep(s, store, limit)) == 0
    assert await database.write(lambda s: artifacts.expire(s, limit)) == 2
    assert await database.read(lambda s: artifacts.get(s, old)) is None
    assert await database.read(lambda s: artifacts.sweep(s, store, limit)) == 1
    assert lost(store, digests["old"])
    assert not lost(store, digests["shared"])


async def test_bytes_that_no_row_names_yet_are_left_alone_while_they_are_young(
    database: Database, tmp_path: Path
) -> None:
    store = LocalStore(tmp_path)
    digest = store.put(b"not recorded yet")
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
    assert await database.read(lambda s: artifacts.sweep(s, store, an_hour_ago)) == 0
    assert not lost(store, digest)


async def test_putting_again_makes_an_orphan_young(database: Database, tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    digest = store.put(b"again")
    age(tmp_path, NOW - timedelta(days=40))
    store.put(b"again")
    limit = NOW - timedelta(days=30)
    assert await database.read(lambda s: artifacts.sweep(s, store, limit)) == 0
    assert not lost(store, digest)


async def test_what_a_crash_left_half_written_is_swept(database: Database, tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    digest = store.put(b"x")
    half = tmp_path / "artifacts" / digest[:2] / ".fresh-abc"
    half.write_bytes(b"ha")
    stranger = half.with_name("note.txt")
    stranger.write_text("not ours")
    age(tmp_path, NOW - timedelta(days=40))
    limit = NOW - timedelta(days=30)
    assert await database.read(lambda s: artifacts.sweep(s, store, limit)) == 2
    assert [path.name for path in half.parent.iterdir()] == ["note.txt"]
