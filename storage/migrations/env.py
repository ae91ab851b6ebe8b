"""What alembic runs: the steps, in one transaction, over the connection it was given.

`storage.migrations.run` gives one; alembic's own command line gives none and works on the
database of the settings.
"""

from typing import Literal

from alembic import context
from sqlalchemy import Connection
from sqlmodel import AutoString, SQLModel

import storage.tables
from storage.database import Database, UtcDateTime
from storage.settings import StorageSettings

assert storage.tables.__all__, "importing the tables registers them"


def _rendered(kind: str, item: object, autogen: object) -> str | Literal[False]:
    """A new step names SQLAlchemy's types: ours may change after the step was released."""
    del autogen
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, AutoString):
        return f"sa.String(length={item.length})"
    return False


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        transactional_ddl=True,
        render_item=_rendered,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()


def _migrate_database_of_the_settings() -> None:
    database = Database(StorageSettings().sql_url)
    try:
        with database.engine.begin() as connection:
            _migrate(connection)
    finally:
        database.close()


given: Connection | None = context.config.attributes.get("connection")
if given is None:
    _migrate_database_of_the_settings()
else:
    _migrate(given)
