"""A real PostgreSQL server for tests: in a temporary folder, on a unix socket, gone afterwards."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg

_LIKELY = ("/usr/lib/postgresql", "/usr/local/pgsql", "/usr/local/lib/postgresql", "/opt/homebrew")
_START_S = 60.0
_STOP_S = 30.0
_USER = "gryph"
_QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=")


class NoPostgres(Exception):
    """No server can be started here; the message says why."""


class PostgresServer:
    """A running server."""

    def __init__(self, folder: Path) -> None:
        """Speak to the server whose socket lies in `folder`."""
        self._folder = folder
        self._numbers = count(1)

    def url(self, name: str) -> str:
        """The URL of a database by its name."""
        return f"postgresql://{_USER}@/{name}?host={self._folder}"

    def create_database(self) -> str:
        """Make an empty database and return its name."""
        name = f"test_{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {name}")
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database and whoever is still connected to it."""
        self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def disconnect_all(self) -> None:
        """End every connection but our own, as a restart of the server would."""
        self._execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())


def binaries() -> Path:
    """The folder that holds `initdb` and `postgres`, the newest version's where there are several.

    Raises:
        NoPostgres: They are nowhere to be found.
    """
    initdb = shutil.which("initdb")
    if initdb and (Path(initdb).resolve().parent / "postgres").exists():
        return Path(initdb).resolve().parent
    found = [path.parent for root in _LIKELY for path in Path(root).glob("**/bin/initdb")]
    if not found:
        raise NoPostgres("PostgreSQL's initdb is neither on the PATH nor where packages put it")
    return max(found, key=lambda folder: (len(folder.parent.name), folder.parent.name))


@contextmanager
def running_postgres() -> Generator[PostgresServer]:
    """A fresh server, stopped and removed at the end. Raises NoPostgres."""
    programs, user = binaries(), _unprivileged_user()
    folder = Path(tempfile.mkdtemp(prefix="gryph-pg-"))
    try:
        if user:
            shutil.chown(folder, user)
        _make_cluster(programs, folder, user)
        with _served(programs, folder, user):
            yield PostgresServer(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged_user() -> str | None:
    """PostgreSQL refuses to run as root; None where we are not."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    for name in ("postgres", "nobody"):
        if name in names:
            return name
    raise NoPostgres("we are root and there is no user to run PostgreSQL as")


def _make_cluster(programs: Path, folder: Path, user: str | None) -> None:
    command = [programs / "initdb", "-D", folder / "data", "-U", _USER, "-A", "trust"]
    made = subprocess.run(
        [*command, "-E", "UTF8", "--no-locale", "--no-sync", "--no-instructions"],
        user=user,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=_START_S,
        check=False,
    )
    if made.returncode != 0:
        raise NoPostgres(f"initdb failed: {made.stderr.strip()}")


@contextmanager
def _served(programs: Path, folder: Path, user: str | None) -> Generator[None]:
    options = [word for setting in _QUICK for word in ("-c", setting)]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [programs / "postgres", "-D", folder / "data", "-k", folder, *options],
            user=user,
            cwd=folder,
            stdout=log,
            stderr=log,
        )
    try:
        _await_ready(server, folder)
        yield
    finally:
        server.terminate()
        try:
            server.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _await_ready(server: "subprocess.Popen[bytes]", folder: Path) -> None:
    deadline = time.monotonic() + _START_S
    while True:
        try:
            psycopg.connect(PostgresServer(folder).url("postgres")).close()
        except psycopg.OperationalError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                log = (folder / "log").read_text(errors="replace")
                raise NoPostgres(f"the server did not start: {log[-2000:]}") from error
            time.sleep(0.05)
        else:
            return
