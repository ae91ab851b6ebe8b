"""One door to SQL: whole transactions as functions, run off the event loop.

On SQLite all writes of a process go through one thread that commits whatever is waiting in one
transaction (a savepoint each, so that one failure stays alone): concurrent writers were measured
slower than one, and the commit is what costs. On PostgreSQL each transaction has a connection of
a pool. See docs/decisions/0002-transactions-as-functions.md.
"""

import asyncio
import queue
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import (
    Connection,
    DateTime,
    Dialect,
    Engine,
    TextClause,
    bindparam,
    create_engine,
    event,
    text,
)
from sqlalchemy.engine import make_url
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool
from sqlalchemy.types import TypeDecorator
from sqlmodel import Session, SQLModel
from typing_extensions import override

from storage.files import private_folder

T = TypeVar("T")

BATCH = 64
"""Most transactions that share one commit on SQLite."""
BATCH_S = 0.01
"""A commit is not put off for longer, so that an urgent transaction never waits for many."""
BUSY_MS = 10_000
"""How long SQLite waits for another process's write lock."""
LOCKED_LOOK_S = (0.001, 0.004)
"""Between two tries to get that lock."""
POOL = 8
SQLITE_PRAGMAS = (
    "journal_mode=WAL",
    "journal_size_limit=67108864",  # bytes; it grows while a paused process reads
    "synchronous=NORMAL",
    "cache_size=-1000",  # KiB; a gateway has nine connections, which fill as the database grows
    "foreign_keys=ON",
)
IDLE_MS = 5_000
"""A process that stops in the middle of a transaction on PostgreSQL keeps the others waiting for no
longer: they would stop beating themselves."""
CONNECT_S = 5
"""How long PostgreSQL may take over a connection; libpq itself would wait for minutes."""
GONE_S = 20
"""After so long without a sign of life a PostgreSQL host, or the way to it, counts as gone."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time on both databases; SQLite itself would drop the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive time cannot be stored")
        return value.astimezone(UTC)

    @override
    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def insert_if_absent(session: Session, table: type[SQLModel], values: Mapping[str, Any]) -> bool:
    """Insert a row unless one with the same unique key is there; True if it was inserted."""
    return (
        insert_returning(session, table, values, "ON CONFLICT DO NOTHING RETURNING 1") is not None
    )


def insert_returning(
    session: Session, table: type[SQLModel], values: Mapping[str, Any], ending: str
) -> Any | None:
    """Insert a row and return the one value that `ending` ("RETURNING …") names, if any.

    For the statements of every event: SQLAlchemy compiles an INSERT with ON CONFLICT anew each
    time, which costs more than running it; as text it is compiled once.
    """
    name = str(table.__tablename__)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] - a string on every row
    statement = _insert_statement(name, tuple(values), ending)
    return session.connection().execute(statement, values).scalar()


@cache
def _insert_statement(table: str, columns: tuple[str, ...], ending: str) -> TextClause:
    described = SQLModel.metadata.tables[table].columns
    names, marks = ", ".join(columns), ", ".join(f":{name}" for name in columns)
    statement = text(f"INSERT INTO {table} ({names}) VALUES ({marks}) {ending}")  # noqa: S608 - our own names
    return statement.bindparams(*(bindparam(name, type_=described[name].type) for name in columns))


def normalized_url(url: str) -> str:
    """The URL with the driver this project ships: psycopg for any way to write PostgreSQL."""
    parsed = make_url(url)
    if parsed.get_backend_name() in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    if parsed.get_backend_name() == "sqlite":
        return parsed.set(drivername="sqlite").render_as_string(hide_password=False)
    raise ValueError(f"{parsed.get_backend_name()} is not supported: use SQLite or PostgreSQL")


def _unmeasured(seconds: float) -> None:
    del seconds


class Database:
    """Transactions over SQLite or PostgreSQL."""

    def __init__(self, url: str) -> None:
        """Prepare, without connecting; `url` in any usual spelling of SQLite or PostgreSQL."""
        self.on_write: Callable[[float], None] = _unmeasured
        """Hears how many seconds each `write` took, from asking to its commit."""
        self.url = normalized_url(url)
        self.is_sqlite = self.url.startswith("sqlite")
        self.engine = _sqlite_engine(self.url) if self.is_sqlite else _postgres_engine(self.url)
        self._readers = ThreadPoolExecutor(POOL, thread_name_prefix="sql-read")
        self._writer = (
            _SqliteWriter(self.engine)
            if self.is_sqlite
            else _PooledWriter(self.engine, self._readers)
        )

    async def write(self, work: Callable[[Session], T], *, urgent: bool = False) -> T:
        """Run `work` in a transaction of its own and commit; its exception rolls it back.

        What a platform waits for is `urgent`: on SQLite it goes before everything that waits.
        """
        started = time.perf_counter()
        done = await asyncio.wrap_future(self._writer.submit(work, urgent=urgent))
        self.on_write(time.perf_counter() - started)
        return done

    async def read(self, work: Callable[[Session], T]) -> T:
        """Run `work` over one consistent view; what it writes is not kept."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self.read_now, work)

    def read_now(self, work: Callable[[Session], T]) -> T:
        """`read`, from a thread that may block."""
        with self.engine.connect() as connection, Session(connection) as session:
            return work(session)

    def write_now(self, work: Callable[[Session], T]) -> T:
        """`write`, from a thread that may block."""
        return self._writer.submit(work).result()

    def close(self) -> None:
        """Finish what was submitted and let go of every connection."""
        self._writer.close()
        self._readers.shutdown()
        self.engine.dispose()


def _postgres_engine(url: str) -> Engine:
    patience = {
        "connect_timeout": CONNECT_S,
        "tcp_user_timeout": GONE_S * 1000,  # what was sent and is not acknowledged
        "keepalives_idle": GONE_S // 2,  # while an answer is waited for
        "keepalives_interval": GONE_S // 8,
        "keepalives_count": 4,
    }
    given = make_url(url).query
    engine = create_engine(
        url,
        pool_size=POOL,
        max_overflow=0,
        pool_pre_ping=True,
        connect_args={name: value for name, value in patience.items() if name not in given},
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, entry: ConnectionPoolEntry) -> None:
        del entry
        with connection.cursor() as cursor:
            cursor.execute(f"SET idle_in_transaction_session_timeout = {IDLE_MS}")
        connection.commit()

    return engine


def _sqlite_engine(url: str) -> Engine:
    path = make_url(url).database
    if path:
        private_folder(Path(path).parent)
        Path(path).touch(mode=0o600)  # SQLite's files beside it are made alike
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=POOL + 1,
        max_overflow=0,
        connect_args={"check_same_thread": False, "timeout": BUSY_MS / 1000},
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, entry: ConnectionPoolEntry) -> None:
        del entry
        connection.isolation_level = None  # we say BEGIN ourselves; pysqlite guesses wrongly
        cursor = connection.cursor()
        for pragma in SQLITE_PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A write begins IMMEDIATE: a read lock that has to grow fails under concurrency.
        if connection.get_execution_options().get("gryph_writes", False):
            _begin_writing(connection)
        else:
            connection.exec_driver_sql("BEGIN")

    return engine


def _begin_writing(connection: Connection) -> None:
    """Get SQLite's write lock. Its own wait looks again after up to 100 ms, within which other
    processes take the lock several times.
    """
    sqlite: sqlite3.Connection = connection.connection.driver_connection  # pyright: ignore[reportAssignmentType]
    deadline = time.monotonic() + BUSY_MS / 1000
    sqlite.execute("PRAGMA busy_timeout=0")
    try:
        while time.monotonic() < deadline:
            try:
                sqlite.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorname != "SQLITE_BUSY":
                    break
                time.sleep(random.uniform(*LOCKED_LOOK_S))  # noqa: S311 - only to be out of step
            else:
                return
    finally:
        sqlite.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    connection.exec_driver_sql("BEGIN IMMEDIATE")  # fails as every statement does


Work = Callable[[Session], Any]


class _PooledWriter:
    def __init__(self, engine: Engine, pool: ThreadPoolExecutor) -> None:
        self._engine = engine
        self._pool = pool

    def submit(self, work: Callable[[Session], T], *, urgent: bool = False) -> "Future[T]":
        del urgent  # each transaction has a connection of its own
        return self._pool.submit(self._run, work)

    def _run(self, work: Callable[[Session], T]) -> T:
        with Session(self._engine, expire_on_commit=False) as session, session.begin():
            return work(session)

    def close(self) -> None:
        """The pool is closed by its owner."""


@dataclass(order=True)
class _Submitted:
    urgency: int
    number: int
    work: Work = field(compare=False)
    future: Future[Any] = field(compare=False)


_URGENT, _ORDINARY, _LAST = range(3)


def _nothing(session: Session) -> None:
    del session


class _SqliteWriter:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: queue.PriorityQueue[_Submitted] = queue.PriorityQueue()
        self._numbers = count()
        self._closed = False
        self._thread = threading.Thread(target=self._loop, name="sql-write", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Session], T], *, urgent: bool = False) -> "Future[T]":
        if self._closed:
            raise RuntimeError("the database is closed")
        future: Future[T] = Future()
        urgency = _URGENT if urgent else _ORDINARY
        self._waiting.put(_Submitted(urgency, next(self._numbers), work, future))
        return future

    def close(self) -> None:
        self._closed = True
        last = _Submitted(_LAST, next(self._numbers), _nothing, Future())
        self._waiting.put(last)
        self._thread.join()

    def _loop(self) -> None:
        while (first := self._waiting.get()).urgency is not _LAST:
            self._commit(first)

    def _commit(self, first: _Submitted) -> None:
        results: list[tuple[Future[Any], Any]] = []
        submitted: list[_Submitted] = []
        try:
            with (
                self._engine.connect().execution_options(gryph_writes=True) as connection,
                connection.begin(),
            ):
                for each in self._batch(first):
                    submitted.append(each)
                    if each.future.set_running_or_notify_cancel():
                        self._attempt(connection, each.work, each.future, results)
        except BaseException as error:  # noqa: BLE001 - handed to every waiting caller
            for each in submitted or [first]:
                if not each.future.done():
                    each.future.set_exception(error)
            return
        for future, result in results:
            future.set_result(result)

    def _batch(self, first: _Submitted) -> Iterator[_Submitted]:
        """What waits, the urgent first, while the commit can be put off."""
        deadline = time.monotonic() + BATCH_S
        yield first
        for _ in range(BATCH - 1):
            if time.monotonic() > deadline:
                return
            try:
                each = self._waiting.get_nowait()
            except queue.Empty:
                return
            if each.urgency is _LAST:
                self._waiting.put(each)
                return
            yield each

    @staticmethod
    def _attempt(
        connection: Connection,
        work: Work,
        future: Future[Any],
        results: list[tuple[Future[Any], Any]],
    ) -> None:
        session = Session(
            connection, join_transaction_mode="create_savepoint", expire_on_commit=False
        )
        try:
            with session, session.begin():
                result = work(session)
        except Exception as error:  # noqa: BLE001 - handed to the caller that submitted it
            future.set_exception(error)
        else:
            results.append((future, result))
