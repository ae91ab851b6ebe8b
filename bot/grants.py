"""Lends a job's worker a read-only token for the one repository it works on."""

import asyncio
from datetime import datetime, timedelta
from typing import Protocol

from bot.minute import Minute
from storage import vault
from storage.clock import utc_now
from storage.database import Database
from storage.ids import JobId
from storage.tables.trust import CheckoutGrantRow
from storage.vault import KeyRing

LEAST_LEFT = timedelta(minutes=20)
"""A grant that ends sooner is replaced before the job starts."""

Lent = tuple[str, datetime]
"""A token and its end."""


class TokenSource(Protocol):
    """Who can make such tokens (the GitHub App)."""

    async def checkout_token(self, repository: str) -> Lent:
        """A token that reads the contents of `repository` and nothing else, and its end."""
        ...


class Grants:
    """Seals tokens for workers; without a source, checkouts go without one."""

    def __init__(self, database: Database, keys: KeyRing, source: TokenSource | None) -> None:
        """`keys` is what gateway and workers share."""
        self._database = database
        self._keys = keys
        self._source = source
        self._asked: Minute[str, asyncio.Task[Lent]] = Minute()

    async def lend(self, job: JobId, repository: str | None) -> None:
        """See to it that the job's worker can read the repository. Raises Busy, Undeliverable."""
        if self._source is None or repository is None or repository.startswith("local:"):
            return
        held = await self._database.read(lambda s: s.get(CheckoutGrantRow, job))
        if held is not None and held.expires_at - utc_now() > LEAST_LEFT:
            return
        token, expires_at = await self._token(self._source, repository)
        await self._database.write(
            lambda s: vault.seal_grant(s, self._keys, job, token, expires_at)
        )

    async def _token(self, source: TokenSource, repository: str) -> Lent:
        """Asked for once for all jobs of a minute that work on one repository."""
        asked = self._asked.get(repository)
        if asked is None or _is_of_no_more_use(asked):
            asking = asyncio.ensure_future(source.checkout_token(repository))
            asked = self._asked.put(repository, asking)
        return await asyncio.shield(asked)


def _is_of_no_more_use(asked: "asyncio.Task[Lent]") -> bool:
    if not asked.done():
        return False
    if asked.cancelled() or asked.exception() is not None:
        return True
    _, ends_at = asked.result()
    return ends_at - utc_now() <= LEAST_LEFT
