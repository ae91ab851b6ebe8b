"""A database that fails for a moment: every statement on one table is an OperationalError."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from storage.database import Database


@asynccontextmanager
async def without(database: Database, table: str) -> AsyncGenerator[None]:
    """While the body runs, the table is away."""
    await _rename(database, table, "away")
    try:
        yield
    finally:
        await _rename(database, "away", table)


async def _rename(database: Database, old: str, new: str) -> None:
    await database.write(
        lambda s: s.connection().exec_driver_sql(f"ALTER TABLE {old} RENAME TO {new}")
    )
