"""Lends a job's worker a read-only token for the one repository it works on."""

from datetime import datetime, timedelta
from typing import Protocol

from storage import vault
from storage.clock import utc_now
from storage.database import Database
from storage.ids import JobId
from storage.tables.trust import CheckoutGrantRow
from storage.vault import KeyRing

LEAST_LEFT = timedelta(minutes=20)
"""A grant that ends sooner is replaced before the job starts."""


class TokenSource(Protocol):
    """Who can make such tokens (the GitHub App)."""

    async def checkout_token(self, repository: str) -> tuple[str, datetime]:
        """A token that reads the contents of `repository` and nothing else, and its end."""
        ...


class Grants:
    """Seals tokens for workers; without a source, checkouts go without one."""

    def __init__(self, database: Database, keys: KeyRing, source: TokenSource | None) -> None:
        """`keys` is what gateway and workers share."""
        self._database = database
        self._keys = keys
        self._source = source

    async def lend(self, job: JobId, repository: str | None) -> None:
        """See to it that the job's worker can read the repository. Raises Busy, Undeliverable."""
        if self._source is None or repository is None or repository.startswith("local:"):
            return
        held = await self._database.read(lambda s: s.get(CheckoutGrantRow, job))
        if held is not None and held.expires_at - utc_now() > LEAST_LEFT:
            return
        token, expires_at = await self._source.checkout_token(repository)
        await self._database.write(
            lambda s: vault.seal_grant(s, self._keys, job, token, expires_at)
        )
