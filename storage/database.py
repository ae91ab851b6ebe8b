"""One door to SQL: whole transactions as functions, run off the event loop.

On SQLite all writes of a process go through one thread that commits whatever is waiting in one
transaction (a savepoint each, so that one failure stays alone): concurrent writers were measured
slower than one, and the commit is what costs. On PostgreSQL each transaction has a connection of
a pool. See docs/decisions/0002-transactions-as-functions.md.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, DateTime, Dialect, Engine, create_engine, event, literal
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool
from sqlalchemy.types import TypeDecorator
from sqlmodel import Session, SQLModel
from typing_extensions import override

T = TypeVar("T")

BATCH = 64
"""Most transactions that share one commit on SQLite."""
BUSY_MS = 10_000
"""How long SQLite waits for another process's write lock."""
POOL = 8


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
    dialect = session.get_bind().dialect.name
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = insert(table).values(**values).on_conflict_do_nothing()
    done = session.connection().execute(statement.returning(literal(1)))
    return done.first() is not None


def normalized_url(url: str) -> str:
    """The URL with the driver this project ships: psycopg for any way to write PostgreSQL."""
    parsed = make_url(url)
    if parsed.get_backend_name() in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    if parsed.get_backend_name() == "sqlite":
        return parsed.set(drivername="sqlite").render_as_string(hide_password=False)
    raise ValueError(f"{parsed.get_backend_name()} is not supported: use SQLite or PostgreSQL")


class Database:
    """Transactions over SQLite or PostgreSQL."""

    def __init__(self, url: str) -> None:
        """Prepare, without connecting; `url` in any usual spelling of SQLite or PostgreSQL."""
        self.url = normalized_url(url)
        self.is_sqlite = self.url.startswith("sqlite")
        self.engine = _sqlite_engine(self.url) if self.is_sqlite else _postgres_engine(self.url)
        self._readers = ThreadPoolExecutor(POOL, thread_name_prefix="sql-read")
        self._writer = (
            _SqliteWriter(self.engine)
            if self.is_sqlite
            else _PooledWriter(self.engine, self._readers)
        )

    async def write(self, work: Callable[[Session], T]) -> T:
        """Run `work` in a transaction of its own and commit; its exception rolls it back."""
        return await asyncio.wrap_future(self._writer.submit(work))

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
    return create_engine(url, pool_size=POOL, max_overflow=0, pool_pre_ping=True)


def _sqlite_engine(url: str) -> Engine:
    path = make_url(url).database
    if path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
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
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A write begins IMMEDIATE: a read lock that has to grow fails under concurrency.
        writes = connection.get_execution_options().get("gryph_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


Work = Callable[[Session], Any]


class _PooledWriter:
    def __init__(self, engine: Engine, pool: ThreadPoolExecutor) -> None:
        self._engine = engine
        self._pool = pool

    def submit(self, work: Callable[[Session], T]) -> "Future[T]":
        return self._pool.submit(self._run, work)

    def _run(self, work: Callable[[Session], T]) -> T:
        with Session(self._engine, expire_on_commit=False) as session, session.begin():
            return work(session)

    def close(self) -> None:
        """The pool is closed by its owner."""


class _SqliteWriter:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: queue.SimpleQueue[tuple[Work, Future[Any]] | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._loop, name="sql-write", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Session], T]) -> "Future[T]":
        if self._closed:
            raise RuntimeError("the database is closed")
        future: Future[T] = Future()
        self._waiting.put((work, future))
        return future

    def close(self) -> None:
        self._closed = True
        self._waiting.put(None)
        self._thread.join()

    def _loop(self) -> None:
        while (first := self._waiting.get()) is not None:
            batch = [first]
            last = False
            while len(batch) < BATCH and not self._waiting.empty():
                following = self._waiting.get()
                if following is None:
                    last = True
                    break
                batch.append(following)
            self._commit([(w, f) for w, f in batch if f.set_running_or_notify_cancel()])
            if last:
                return

    def _commit(self, batch: list[tuple[Work, Future[Any]]]) -> None:
        results: list[tuple[Future[Any], Any]] = []
        try:
            with (
                self._engine.connect().execution_options(gryph_writes=True) as connection,
                connection.begin(),
            ):
                for work, future in batch:
                    self._attempt(connection, work, future, results)
        except BaseException as error:  # noqa: BLE001 - handed to every waiting caller
            for future, _ in results:
                future.set_exception(error)
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for future, result in results:
            future.set_result(result)

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
