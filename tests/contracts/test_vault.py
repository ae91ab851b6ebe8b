"""Secrets and checkout grants on both databases."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import Session, select

from storage import people, vault
from storage.database import Database
from storage.ids import JobId
from storage.tables.trust import CheckoutGrantRow, SecretRow
from storage.vault import KeyRing, Unsealable
from tests.contracts.samples import add_job

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
JOB, OTHER_JOB = JobId("J000001"), JobId("J000002")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "vault.keys"


@pytest.fixture
def ring(path: Path) -> KeyRing:
    return KeyRing.open(path)


def add_jobs(session: Session) -> None:
    person = people.person_of(session, platform="slack", account="U1", name="Ann", now=NOW)
    for job in (JOB, OTHER_JOB):
        add_job(session, job, person, NOW)


async def test_a_secret_is_kept_replaced_and_removed(database: Database, ring: KeyRing) -> None:
    def work(session: Session) -> list[str | bool | None]:
        seen: list[str | bool | None] = [vault.get(session, ring, "slack")]
        for value in ("one", "two"):
            vault.put(session, ring, "slack", value, NOW)
            seen.append(vault.get(session, ring, "slack"))
        seen.append(vault.remove(session, "slack"))
        seen.append(vault.get(session, ring, "slack"))
        seen.append(vault.remove(session, "slack"))
        return seen

    assert await database.write(work) == [None, "one", "two", True, None, False]


async def test_the_table_holds_no_plain_secret(database: Database, ring: KeyRing) -> None:
    await database.write(lambda s: vault.put(s, ring, "slack", "xoxb-secret", NOW))
    [row] = await database.read(lambda s: s.exec(select(SecretRow)).all())
    assert "secret" not in row.ciphertext


async def test_a_secret_moved_to_another_row_does_not_open(
    database: Database, ring: KeyRing
) -> None:
    await database.write(lambda s: vault.put(s, ring, "slack", "secret", NOW))
    rename = text("UPDATE secrets SET name = 'github'")
    await database.write(lambda s: s.connection().execute(rename))
    with pytest.raises(Unsealable, match="github"):
        await database.read(lambda s: vault.get(s, ring, "github"))


async def test_after_rotation_the_old_key_is_needed_no_more(
    database: Database, ring: KeyRing, path: Path
) -> None:
    for name in ("a", "b", "c"):
        await database.write(lambda s, n=name: vault.put(s, ring, n, f"{n}-secret", NOW))
    old = KeyRing(ring.keys)
    both = vault.add_key(path)
    assert await database.write(lambda s: vault.rotate(s, both)) == 3
    newest = vault.keep_newest(path)
    assert await database.read(lambda s: vault.get(s, newest, "b")) == "b-secret"
    with pytest.raises(Unsealable):
        await database.read(lambda s: vault.get(s, old, "b"))
    assert await database.read(lambda s: vault.get(s, ring, "b")) == "b-secret"


async def test_after_rotation_a_lent_token_opens_for_a_worker_that_runs(
    database: Database, ring: KeyRing, path: Path
) -> None:
    await database.write(add_jobs)
    await database.write(lambda s: vault.seal_grant(s, ring, JOB, "ghs_token", NOW + HOUR))
    both = vault.add_key(path)
    assert await database.write(lambda s: vault.rotate_grants(s, both)) == 1
    vault.keep_newest(path)
    opened = await database.read(lambda s: vault.open_grant(s, ring, JOB, NOW))
    assert opened == "ghs_token"


async def test_a_grant_opens_for_its_job_until_it_expires(
    database: Database, ring: KeyRing
) -> None:
    await database.write(add_jobs)
    await database.write(lambda s: vault.seal_grant(s, ring, JOB, "ghs_token", NOW + HOUR))

    def opened(job: JobId, at: datetime) -> str | None:
        return database.read_now(lambda s: vault.open_grant(s, ring, job, at))

    assert opened(JOB, NOW) == "ghs_token"
    assert opened(JOB, NOW + HOUR) is None
    assert opened(OTHER_JOB, NOW) is None


async def test_a_newer_grant_replaces_the_older(database: Database, ring: KeyRing) -> None:
    await database.write(add_jobs)
    for token, hours in (("one", 1), ("two", 2)):
        until = NOW + hours * HOUR
        await database.write(lambda s, t=token, u=until: vault.seal_grant(s, ring, JOB, t, u))
    later = NOW + 1.5 * HOUR
    assert await database.read(lambda s: vault.open_grant(s, ring, JOB, later)) == "two"


async def test_a_grant_copied_to_another_job_does_not_open(
    database: Database, ring: KeyRing
) -> None:
    await database.write(add_jobs)
    await database.write(lambda s: vault.seal_grant(s, ring, JOB, "ghs_token", NOW + HOUR))
    move = text("UPDATE checkout_grants SET job_id = 'J000002'")
    await database.write(lambda s: s.connection().execute(move))
    with pytest.raises(Unsealable):
        await database.read(lambda s: vault.open_grant(s, ring, OTHER_JOB, NOW))


async def test_expired_grants_are_forgotten(database: Database, ring: KeyRing) -> None:
    await database.write(add_jobs)
    for job, hours in ((JOB, 1), (OTHER_JOB, 2)):
        until = NOW + hours * HOUR
        await database.write(lambda s, j=job, u=until: vault.seal_grant(s, ring, j, "t", u))
    assert await database.write(lambda s: vault.drop_expired_grants(s, NOW + HOUR)) == 1
    left = await database.read(lambda s: s.exec(select(CheckoutGrantRow.job_id)).all())
    assert left == [OTHER_JOB]
