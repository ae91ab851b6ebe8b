"""The door to SQL where the other side says nothing."""

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from bot.console import checks
from bot.console.checks import Verdict
from bot.settings import GatewaySettings
from storage import database
from storage.database import Database


@pytest.fixture
def silent_url() -> Iterator[str]:
    """A PostgreSQL whose host takes the connection and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        yield f"postgresql://gryph:hunter2@127.0.0.1:{listener.getsockname()[1]}/gryph"


async def test_a_silent_database_host_is_given_up_within_seconds(silent_url: str) -> None:
    silent = Database(silent_url)
    started = time.monotonic()
    with pytest.raises(OperationalError):
        await silent.read(lambda _: None)
    with pytest.raises(OperationalError):
        await silent.write(lambda s: s.connection())
    silent.close()
    assert time.monotonic() - started < 3 * database.CONNECT_S


async def test_the_url_may_ask_for_other_patience(silent_url: str) -> None:
    silent = Database(f"{silent_url}?connect_timeout=2")
    started = time.monotonic()
    with pytest.raises(OperationalError):
        await silent.read(lambda _: None)
    silent.close()
    assert time.monotonic() - started < database.CONNECT_S


async def test_the_doctor_names_a_silent_database_host(silent_url: str, tmp_path: Path) -> None:
    started = time.monotonic()
    check = await checks.database(GatewaySettings(home=tmp_path, database_url=silent_url))
    assert (check.verdict, "GRYPH_DATABASE_URL" in check.remedy) == (Verdict.BROKEN, True)
    assert "hunter2" not in repr(check)
    assert time.monotonic() - started < 2 * database.CONNECT_S


def test_nobody_else_reads_what_sqlite_keeps(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        made = Database(f"sqlite:///{tmp_path / 'home' / 'gryph.db'}")
        made.write_now(lambda s: s.connection().execute(text("CREATE TABLE t (a INTEGER)")).close())
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.glob("**/*")}
        made.close()
    finally:
        os.umask(before)
    assert modes == {"home": 0o700, "gryph.db": 0o600, "gryph.db-wal": 0o600, "gryph.db-shm": 0o600}
