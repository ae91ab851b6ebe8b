"""Tokens lent to workers: made once, used again, replaced before they end."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.face import Busy, Undeliverable
from bot.grants import LEAST_LEFT, Grants
from storage import vault
from storage.clock import utc_now
from storage.database import Database
from storage.ids import JobId
from storage.tables.trust import CheckoutGrantRow
from storage.vault import KeyRing
from tests.jobs.asked import asked


@dataclass
class Source:
    """A scripted GitHub App."""

    lasts: timedelta = timedelta(hours=1)
    refusal: Exception | None = None
    made: int = 0

    async def checkout_token(self, repository: str) -> tuple[str, datetime]:
        if self.refusal is not None:
            raise self.refusal
        self.made += 1
        return f"{repository}-{self.made}", utc_now() + self.lasts


@pytest.fixture
def keys(tmp_path: Path) -> KeyRing:
    return vault.checkout_keys(tmp_path, None)


async def opened(database: Database, keys: KeyRing, job: JobId) -> str | None:
    return await database.read(lambda s: vault.open_grant(s, keys, job, utc_now()))


async def test_a_token_is_lent_to_the_job_and_used_again(sqlite: Database, keys: KeyRing) -> None:
    source, job = Source(), await asked(sqlite)
    for _ in range(3):
        await Grants(sqlite, keys, source).lend(job, "o/r")
    assert await opened(sqlite, keys, job) == "o/r-1"
    row = await sqlite.read(lambda s: s.get(CheckoutGrantRow, job))
    assert row is not None
    assert "o/r-1" not in row.ciphertext


async def test_a_token_that_ends_soon_is_replaced(sqlite: Database, keys: KeyRing) -> None:
    source, job = Source(lasts=LEAST_LEFT - timedelta(seconds=1)), await asked(sqlite)
    grants = Grants(sqlite, keys, source)
    for _ in range(2):
        await grants.lend(job, "o/r")
    assert await opened(sqlite, keys, job) == "o/r-2"


async def test_jobs_of_one_moment_share_the_token_of_a_repository(
    sqlite: Database, keys: KeyRing
) -> None:
    source = Source()
    grants, jobs = Grants(sqlite, keys, source), [await asked(sqlite) for _ in range(4)]
    await asyncio.gather(*(grants.lend(job, "o/r") for job in jobs[:3]))
    await grants.lend(jobs[3], "o/other")
    lent = [await opened(sqlite, keys, job) for job in jobs]
    assert lent == ["o/r-1", "o/r-1", "o/r-1", "o/other-2"]


async def test_a_refusal_is_not_remembered(sqlite: Database, keys: KeyRing) -> None:
    source, job = Source(refusal=Busy("busy")), await asked(sqlite)
    grants = Grants(sqlite, keys, source)
    with pytest.raises(Busy):
        await grants.lend(job, "o/r")
    source.refusal = None
    await grants.lend(job, "o/r")
    assert await opened(sqlite, keys, job) == "o/r-1"


@pytest.mark.parametrize("repository", [None, "local:/srv/code"])
async def test_a_folder_of_this_machine_needs_none(
    sqlite: Database, keys: KeyRing, repository: str | None
) -> None:
    source, job = Source(), await asked(sqlite)
    await Grants(sqlite, keys, source).lend(job, repository)
    assert (source.made, await opened(sqlite, keys, job)) == (0, None)


async def test_without_an_app_checkouts_go_without(sqlite: Database, keys: KeyRing) -> None:
    job = await asked(sqlite)
    await Grants(sqlite, keys, None).lend(job, "o/r")
    assert await opened(sqlite, keys, job) is None


@pytest.mark.parametrize("refusal", [Busy("503"), Undeliverable("not installed")])
async def test_a_refusal_rises_and_nothing_is_lent(
    sqlite: Database, keys: KeyRing, refusal: Exception
) -> None:
    job = await asked(sqlite)
    with pytest.raises(type(refusal)):
        await Grants(sqlite, keys, Source(refusal=refusal)).lend(job, "o/r")
    assert await opened(sqlite, keys, job) is None
