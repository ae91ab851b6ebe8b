"""Both databases, empty and with the whole schema, for whatever must hold on both."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlmodel import SQLModel

import storage.tables
from storage.database import Database
from tests.fakes.postgres import NoPostgres, PostgresServer, running_postgres

assert storage.tables.__all__, "importing the tables registers them"


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server of this process of the test run; skips where there is none."""
    try:
        with running_postgres() as server:
            yield server
    except NoPostgres as reason:
        pytest.skip(f"no PostgreSQL: {reason}")


@pytest.fixture(scope="session")
def postgres_url(postgres: PostgresServer) -> str:
    """A PostgreSQL database with all tables, whose rows one test leaves to the next."""
    url = postgres.url(postgres.create_database())
    _create_tables(url)
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database with all tables, and no rows."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'gryph.db'}"
        _create_tables(url)
    else:
        url = request.getfixturevalue("postgres_url")
        _empty_tables(url)
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """Transactions over an empty database with all tables."""
    database = Database(database_url)
    yield database
    database.close()


def _empty_tables(url: str) -> None:
    names = ", ".join(SQLModel.metadata.tables)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET lock_timeout = '20s'")
        connection.execute(f"TRUNCATE {names} RESTART IDENTITY CASCADE".encode())


def _create_tables(url: str) -> None:
    database = Database(url)
    SQLModel.metadata.create_all(database.engine)
    database.close()
