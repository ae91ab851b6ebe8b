"""Makes a backup of a running or resting installation."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Table, select
from sqlalchemy.exc import SQLAlchemyError

from storage.backups import archive, rows
from storage.backups.archive import Manifest, Writer
from storage.database import Database
from storage.stores.types import ArtifactLost, ArtifactStore
from storage.tables.artifacts import ArtifactRow

FOLDERS = ("keys", "anchors")
"""Of the home: without the keys nothing that is sealed could be opened again."""


class NothingToKeep(Exception):
    """There is no database to make a backup of."""


@dataclass(frozen=True)
class Installation:
    """What belongs together."""

    home: Path
    database: Database
    store: ArtifactStore


def make(of: Installation, path: Path, now: datetime) -> Manifest:
    """Write a backup to `path`: all tables as they are at one moment, the artifacts they name, the
    keys and the audit anchors. The gateway and the workers may go on meanwhile.

    Raises:
        NothingToKeep: The database does not answer, or has no tables yet.
        StoreAway: The artifacts cannot be read now.
    """
    with archive.writing(path) as writer:
        # First: an anchor taken after the tables would speak of audit lines they do not hold yet.
        for folder in FOLDERS:
            for file in sorted((of.home / folder).glob("*")):
                if file.is_file() and not file.name.startswith("."):
                    writer.add(f"{folder}/{file.name}", [file.read_bytes()])
        try:
            with of.database.engine.connect() as connection:
                counts, digests, revision = _tables(connection, writer)
        except SQLAlchemyError as error:
            raise NothingToKeep(f"the database cannot be read: {error}") from error
        lost = tuple(_artifacts(of.store, digests, writer))
        manifest = Manifest(
            revision=revision,
            made_at=now,
            rows=counts,
            digests=dict(writer.digests),
            lost=lost,
        )
        writer.finish(manifest)
    return manifest


def _tables(connection: Connection, writer: Writer) -> tuple[dict[str, int], list[str], str]:
    """Rows by table, the artifacts' digests and the schema's revision, of one moment."""
    if connection.dialect.name == "postgresql":
        connection = connection.execution_options(isolation_level="REPEATABLE READ")
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is None:
        raise NothingToKeep("the database has no tables yet; `gryph migrate` makes them")
    counts: dict[str, int] = {}
    digests: set[str] = set()
    for table in rows.tables_of(connection):
        counts[table.name] = 0
        writer.add(f"tables/{table.name}.jsonl", _counted(counts, connection, table))
        if table.name == ArtifactRow.__tablename__:
            digests.update(connection.execute(select(table.c.digest).distinct()).scalars())
    return counts, sorted(digests), revision


def _counted(counts: dict[str, int], connection: Connection, table: Table) -> Iterator[bytes]:
    for line in rows.dump(connection, table):
        counts[table.name] += 1
        yield line


def _artifacts(store: ArtifactStore, digests: list[str], writer: Writer) -> Iterator[str]:
    """Store what can be read; yields what cannot."""
    for digest in digests:
        try:
            content = store.read(digest)
        except ArtifactLost:
            yield digest
        else:
            writer.add(f"artifacts/{digest}", [content])
