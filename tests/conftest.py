"""What many tests stand on: a real broker and an empty database."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import SQLModel

import storage.tables
from jobs.one_parser import parse_one_by_one
from storage.database import Database
from tests.fakes.valkey import running_valkey

assert storage.tables.__all__, "importing the tables registers them"
parse_one_by_one()  # pytest parses what it imports, while jobs run in threads of their own


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """A Valkey server of this test process; tests use keys of their own."""
    with running_valkey() as url:
        yield url


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    """An empty SQLite database with all tables."""
    database = Database(f"sqlite:///{tmp_path / 'gryph.db'}")
    SQLModel.metadata.create_all(database.engine)
    yield database
    database.close()
