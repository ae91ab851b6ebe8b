"""Migrations on both databases."""

import multiprocessing
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel

import storage.tables
from storage.database import Database
from storage.migrations import run
from tests.fakes.postgres import PostgresServer

assert storage.tables.__all__, "importing the tables registers them"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database in which there is nothing."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'home' / 'gryph.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = server.create_database()
    yield server.url(name)
    server.drop_database(name)


def tables_of(url: str) -> set[str]:
    database = Database(url)
    try:
        return set(inspect(database.engine).get_table_names())
    finally:
        database.close()


def test_the_migrated_schema_is_the_one_the_tables_declare(empty_url: str) -> None:
    run.upgrade(empty_url)
    database = Database(empty_url)
    with database.engine.connect() as connection:
        difference = compare_metadata(MigrationContext.configure(connection), SQLModel.metadata)
    database.close()
    assert difference == []


def test_a_missing_column_would_be_noticed(empty_url: str) -> None:
    run.upgrade(empty_url)
    database = Database(empty_url)
    with database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE leases DROP COLUMN owner"))
        difference = compare_metadata(MigrationContext.configure(connection), SQLModel.metadata)
    database.close()
    assert len(difference) == 1


def test_upgrade_tells_the_revision_and_a_second_one_changes_nothing(empty_url: str) -> None:
    assert run.current(empty_url) is None
    first = run.upgrade(empty_url)
    assert first == run.current(empty_url) == run.newest()
    before = tables_of(empty_url)
    assert run.upgrade(empty_url) == first
    assert tables_of(empty_url) == before


def test_rows_survive_a_second_upgrade(empty_url: str) -> None:
    run.upgrade(empty_url)
    database = Database(empty_url)
    insert = "INSERT INTO config (scope, key, value, updated_at) VALUES ('a','b','c','2026-01-01')"
    database.write_now(lambda s: s.connection().execute(text(insert)))
    run.upgrade(empty_url)
    count = text("SELECT count(*) FROM config")
    assert database.read_now(lambda s: s.connection().execute(count).scalar_one()) == 1
    database.close()


def test_processes_that_start_together_migrate_once(empty_url: str) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        revisions = pool.map(run.upgrade, [empty_url] * 3)
    assert set(revisions) == {run.newest()}


def test_a_step_that_fails_leaves_nothing_behind(empty_url: str) -> None:
    database = Database(empty_url)
    with database.engine.begin() as connection:
        connection.execute(text("CREATE TABLE config (something_else INTEGER)"))
    database.close()
    with pytest.raises(DBAPIError, match="config"):
        run.upgrade(empty_url)
    assert tables_of(empty_url) == {"config"}


def test_a_folder_with_a_percent_sign_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "50%" / "gryph.db"
    run.upgrade(f"sqlite:///{path}")
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM jobs").fetchone() == (0,)
    connection.close()
