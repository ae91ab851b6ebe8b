"""Backups of either database, restored into either."""

import gzip
import shutil
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from pathlib import Path

import pytest
from sqlmodel import Session

from storage import artifacts, audit, inbox, ledger, people, vault
from storage.artifacts import NewArtifact
from storage.audit import Entry
from storage.backups.archive import BadBackup, checked
from storage.backups.make import Installation, NothingToKeep, make
from storage.backups.restore import NotEmpty, restore, tried
from storage.database import Database
from storage.ids import JobId, PersonId
from storage.migrations import run
from storage.stores.local import LocalStore
from tests.contracts.samples import add_job
from tests.fakes.postgres import PostgresServer

NOW = datetime(2026, 11, 24, 12, 30, 15, 123456, tzinfo=UTC)
JOB = JobId("J000001")
LANDED = Path(__file__).parent / "landed"
"""A backup for each revision that ever landed, made by the version that landed it."""


def fresh(url: str, home: Path) -> Installation:
    return Installation(home, Database(url), LocalStore(home))


@pytest.fixture(params=["sqlite", "postgresql"])
def filled(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    """An installation with something of everything."""
    yield from _filled(request, tmp_path / "old", str(request.param))


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    """A new home with a database in which there is nothing."""
    yield from _opened(request, tmp_path / "new", str(request.param))


def _opened(request: pytest.FixtureRequest, home: Path, kind: str) -> Iterator[Installation]:
    home.mkdir()
    url = f"sqlite:///{home / 'gryph.db'}"
    if kind == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.url(server.create_database())
    installation = fresh(url, home)
    yield installation
    installation.database.close()


def _filled(request: pytest.FixtureRequest, home: Path, kind: str) -> Iterator[Installation]:
    for installation in _opened(request, home, kind):
        run.upgrade(installation.database.url)
        fill = partial(_fill, installation)
        installation.database.write_now(fill)
        yield installation


def _fill(installation: Installation, session: Session) -> None:
    content = "def test_größe() -> None: ...\n".encode()
    digest = installation.store.put(content)
    key, ring = audit.load_key(installation.home), vault.vault_keys(installation.home)
    ann = people.person_of(
        session, platform="slack", account="U1", name="Ann “A” \U0001f600", now=NOW
    )
    add_job(session, JOB, ann, NOW)
    noted = NewArtifact("t.py", "text/x-python", len(content), digest, "tests/t.py")
    artifacts.record(session, JOB, noted, NOW)
    for number in range(3):
        inbox.claim(session, "slack", {"n": number}, [f"k{number}"], NOW, holder="dead")
        audit.append(session, key, Entry("slack:U1", "test", JOB, {"n": number}), NOW)
    vault.put(session, ring, "model", "sesame", NOW)


def test_what_is_restored_is_what_was_kept(
    filled: Installation, empty: Installation, tmp_path: Path
) -> None:
    manifest = make(filled, tmp_path / "b", NOW)
    restored = restore(tmp_path / "b", empty)
    assert restored.rows == manifest.rows
    assert (manifest.rows["inbox"], manifest.rows["audit"], restored.artifacts) == (4, 3, 1)
    assert restored.audit.ok
    read = empty.database.read_now
    job = read(lambda s: ledger.get(s, JOB))
    assert job is not None
    assert (job.created_at, job.reply, job.request) == (NOW, None, {})
    (artifact,) = read(lambda s: artifacts.of_job(s, JOB))
    assert empty.store.read(artifact.digest).startswith("def test_größe".encode())
    assert read(lambda s: vault.get(s, vault.vault_keys(empty.home), "model")) == "sesame"


def test_a_restored_installation_goes_on_where_the_old_one_stopped(
    filled: Installation, empty: Installation, tmp_path: Path
) -> None:
    make(filled, tmp_path / "b", NOW)
    restore(tmp_path / "b", empty)

    def go_on(session: Session) -> tuple[PersonId, int]:
        key = audit.load_key(empty.home)
        audit.append(session, key, Entry("slack:U2", "help", "x"), NOW)
        inbox.claim(session, "slack", {}, ["new"], NOW, holder=None)
        bob = people.person_of(session, platform="slack", account="U2", name="Bob", now=NOW)
        return bob, len(inbox.take_due(session, datetime.now(UTC), holder="g"))

    bob, due = empty.database.write_now(go_on)
    assert (bob, due) == (2, 5)
    key = audit.load_key(empty.home)
    assert empty.database.read_now(lambda s: audit.verify(s, key)).ok


def test_a_redelivery_of_before_the_backup_is_still_one(
    filled: Installation, empty: Installation, tmp_path: Path
) -> None:
    make(filled, tmp_path / "b", NOW)
    restore(tmp_path / "b", empty)
    with pytest.raises(inbox.Duplicate):
        empty.database.write_now(lambda s: inbox.claim(s, "slack", {}, ["k1"], NOW, holder=None))


def test_nothing_is_written_over(filled: Installation, tmp_path: Path) -> None:
    make(filled, tmp_path / "b", NOW)
    with pytest.raises(NotEmpty, match="tables already"):
        restore(tmp_path / "b", filled)


def test_an_artifact_that_was_lost_does_not_keep_the_rest_from_being_kept(
    filled: Installation, tmp_path: Path
) -> None:
    shutil.rmtree(filled.home / "artifacts")
    manifest = make(filled, tmp_path / "b", NOW)
    assert len(manifest.lost) == 1
    assert tried(tmp_path / "b").artifacts == 0


def test_a_backup_is_for_its_owners_eyes(filled: Installation, tmp_path: Path) -> None:
    make(filled, tmp_path / "b", NOW)
    assert (tmp_path / "b").stat().st_mode & 0o077 == 0


def test_a_home_without_tables_is_nothing_to_keep(empty: Installation, tmp_path: Path) -> None:
    with pytest.raises(NothingToKeep, match="gryph migrate"):
        make(empty, tmp_path / "b", NOW)
    assert not (tmp_path / "b").exists()


@pytest.fixture
def whole(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A good backup."""
    for installation in _filled(request, tmp_path / "old", "sqlite"):
        make(installation, tmp_path / "b", NOW)
        yield tmp_path / "b"


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_backup_that_was_cut_short_is_refused(whole: Path, share: float) -> None:
    content = whole.read_bytes()
    whole.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(BadBackup):
        checked(whole)


def repacked(path: Path, change: dict[str, bytes], *, without: str = "") -> None:
    """The same backup with some members changed, added or left out."""
    packed = BytesIO()
    with tarfile.open(path) as old, tarfile.open(fileobj=packed, mode="w") as new:
        found: dict[str, bytes] = {}
        for info in old:
            file = old.extractfile(info)
            assert file is not None
            found[info.name] = file.read()
        for name, content in {**change, **found, **change}.items():
            if name != without:
                info = tarfile.TarInfo(name)
                info.size = len(content)
                new.addfile(info, BytesIO(content))
    path.write_bytes(gzip.compress(packed.getvalue()))


@pytest.mark.parametrize("member", ["tables/jobs.jsonl", "keys/audit.key"])
def test_a_changed_or_missing_member_is_named(whole: Path, member: str) -> None:
    good = whole.read_bytes()
    repacked(whole, {member: b"{}\n"})
    with pytest.raises(BadBackup, match=member):
        checked(whole)
    whole.write_bytes(good)
    repacked(whole, {}, without=member)
    with pytest.raises(BadBackup, match=member):
        checked(whole)


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/passwd", "keys/../../evil", "keys/a/b", "other", "tables/Jobs.jsonl"]
)
def test_a_member_that_no_backup_has_is_refused(
    whole: Path, name: str, empty: Installation
) -> None:
    repacked(whole, {name: b"x"})
    with pytest.raises(BadBackup, match="no backup does"):
        restore(whole, empty)


def test_a_backup_of_a_newer_version_is_refused(whole: Path, empty: Installation) -> None:
    manifest = checked(whole).model_copy(update={"revision": "9999"})
    repacked(whole, {"manifest.json": manifest.model_dump_json().encode()}, without="none")
    with pytest.raises(BadBackup, match=r"older|behind"):
        restore(whole, empty)


# Versions that landed


def test_every_version_that_landed_a_schema_left_a_backup() -> None:
    """A new revision of the schema: `python -m tests.contracts.landed` makes its backup."""
    kept = {path.stem for path in LANDED.glob("*.backup")}
    assert {"0001", run.newest()} <= kept <= set(run.revisions())


@pytest.mark.parametrize("path", sorted(LANDED.glob("*.backup")), ids=lambda path: path.stem)
def test_what_an_earlier_version_kept_is_brought_forward(path: Path, empty: Installation) -> None:
    restored = restore(path, empty)
    assert run.current(empty.database.url) == run.newest()
    assert restored.rows == restored.manifest.rows
    assert restored.audit.ok
    read = empty.database.read_now
    with empty.database.engine.connect() as connection:
        (job,) = connection.exec_driver_sql("SELECT id FROM jobs").scalars()
    row = read(lambda s: ledger.get(s, JobId(job)))
    assert row is not None
    assert row.state == "succeeded"
    assert [e.seq for e in read(lambda s: ledger.events_after(s, JobId(job), 0))] == [1, 2, 3]
    (artifact,) = read(lambda s: artifacts.of_job(s, JobId(job)))
    assert empty.store.read(artifact.digest).startswith(b"def test_a")
    assert read(lambda s: vault.get(s, vault.vault_keys(empty.home), "model")) == "a secret"
