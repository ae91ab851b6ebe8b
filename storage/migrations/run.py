"""Bring a database's schema up to date. Steps only go forward; the way back is a backup."""

import fcntl
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url

from storage.database import Database, normalized_url
from storage.files import private_folder

_LOCK = 0x6772797068
"""The PostgreSQL advisory lock that one migrating process holds."""


def upgrade(url: str, to: str = "head") -> str:
    """Apply every step the database lacks, all or none, and return the revision it then has.

    Processes that start together wait for each other; the later ones find nothing to do.
    """
    with _connected(url) as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, to)
        revision = _revision(connection)
    assert revision is not None
    return revision


def current(url: str) -> str | None:
    """The revision the database has; None for one without a schema."""
    database = Database(url)
    try:
        with database.engine.connect() as connection:
            return _revision(connection)
    finally:
        database.close()


def revisions() -> list[str]:
    """Every revision there has been, from the first one on."""
    steps = ScriptDirectory.from_config(_config()).walk_revisions()
    return [step.revision for step in steps][::-1]


def newest() -> str:
    """The revision that this version of the program expects."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


@contextmanager
def _connected(url: str) -> Generator[Connection]:
    """A connection in a transaction, while no other process migrates the same database."""
    with _sqlite_lock(url):
        database = Database(url)
        try:
            writing = database.engine.execution_options(gryph_writes=True)
            with writing.begin() as connection:
                if not database.is_sqlite:
                    connection.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": _LOCK})
                yield connection
        finally:
            database.close()


@contextmanager
def _sqlite_lock(url: str) -> Generator[None]:
    """Before the first connection: switching a new file to WAL does not wait for others."""
    parsed = make_url(normalized_url(url))
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        yield
        return
    path = Path(f"{parsed.database}.migrating")
    private_folder(path.parent)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
