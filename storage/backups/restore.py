"""Makes a new home from a backup, and tries whether one could."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, inspect
from sqlalchemy.exc import SQLAlchemyError

from storage import audit, deliveries
from storage.audit import Verdict
from storage.backups import archive, rows
from storage.backups.archive import BadBackup, Manifest
from storage.backups.make import FOLDERS, Installation
from storage.database import Database
from storage.files import PRIVATE_DIR, write_whole
from storage.migrations import run
from storage.stores.local import LocalStore


class NotEmpty(Exception):
    """There is something already; a restore never writes over it."""


class RestoreFailed(Exception):
    """It was begun and could not be finished; the message says what to remove."""


@dataclass(frozen=True)
class Restored:
    """What a restore brought back."""

    manifest: Manifest
    rows: dict[str, int]
    """By table, as counted while loading."""
    artifacts: int
    audit: Verdict
    """Of the restored log, recomputed with the restored key."""


def restore(path: Path, into: Installation) -> Restored:
    """Fill an empty home, database and store from a backup, and bring the tables up to date.

    The database may be another kind than the one the backup was made of.

    Raises:
        BadBackup: The file is damaged, or was made by a newer version; nothing was written.
        NotEmpty: The home or the database has something already; nothing was written.
        RestoreFailed: What was begun is not whole.
    """
    manifest = archive.checked(path)
    if manifest.revision not in run.revisions():
        raise BadBackup(f"{path} has the schema {manifest.revision}; this version is older")
    _require_empty(into)
    try:
        run.upgrade(into.database.url, manifest.revision)
        with into.database.engine.execution_options(gryph_writes=True).begin() as connection:
            counts, artifacts = _unpack(path, into, connection)
        run.upgrade(into.database.url)
        into.database.write_now(deliveries.doubt)
        verdict = into.database.read_now(
            lambda session: audit.verify(session, audit.load_key(into.home))
        )
    except (OSError, SQLAlchemyError, ValueError) as error:
        raise RestoreFailed(
            f"restoring failed: {error}. Empty {into.home} and the database, then try again."
        ) from error
    if counts != manifest.rows:
        raise RestoreFailed("other rows came out of the backup than went into it")
    return Restored(manifest, counts, artifacts, verdict)


def tried(path: Path) -> Restored:
    """Restore into a scratch home, which is removed again. Raises as `restore`."""
    with tempfile.TemporaryDirectory(prefix="gryph-restore-") as name:
        home = Path(name)
        database = Database(f"sqlite:///{home / 'gryph.db'}")
        try:
            return restore(path, Installation(home, database, LocalStore(home)))
        finally:
            database.close()


def _require_empty(into: Installation) -> None:
    if inspect(into.database.engine).get_table_names():
        raise NotEmpty("the database has tables already")
    for folder in FOLDERS:
        if any((into.home / folder).glob("*")):
            raise NotEmpty(f"{into.home / folder} has files already")


def _unpack(path: Path, into: Installation, connection: Connection) -> tuple[dict[str, int], int]:
    tables = {table.name: table for table in rows.tables_of(connection)}
    counts: dict[str, int] = {}
    artifacts = 0
    for member, file in archive.members(path):
        folder, _, name = member.partition("/")
        if folder == "tables":
            table = tables[name.removesuffix(".jsonl")]
            counts[table.name] = rows.load(connection, table, file)
        elif folder == "artifacts":
            into.store.put(file.read())
            artifacts += 1
        else:
            place = into.home / folder
            place.mkdir(mode=PRIVATE_DIR, parents=True, exist_ok=True)
            write_whole(place / name, file.read())
    rows.continue_numbers(connection, tables.values())
    return counts, artifacts
