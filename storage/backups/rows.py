"""Tables as lines of JSON and back, for either database and any revision of the schema.

The tables are read off the database itself and not off this version's classes, so that a backup
of an earlier version can be restored and brought up to date.
"""

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any, cast

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    DateTime,
    LargeBinary,
    MetaData,
    Table,
    func,
    null,
    select,
    text,
)

NOT_KEPT = frozenset({"alembic_version", "code_records", "drafts", "leases", "processes"})
"""The revision is noted beside, what was read of code can be read again, and the others are those
of the moment.
"""
_AT_ONCE = 500


def tables_of(connection: Connection) -> list[Table]:
    """What a backup holds, each table after those it refers to."""
    metadata = MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name not in NOT_KEPT]


def dump(connection: Connection, table: Table) -> Iterator[bytes]:
    """The table's rows, a line each, in the order of their keys."""
    rows = connection.execution_options(yield_per=_AT_ONCE).execute(
        select(table).order_by(*table.primary_key.columns)
    )
    for row in rows.mappings():
        line = json.dumps(dict(row), default=_spelled, separators=(",", ":"))
        yield line.encode() + b"\n"


def load(connection: Connection, table: Table, lines: Iterable[bytes]) -> int:
    """Insert the rows; how many.

    Raises:
        ValueError: A line is no row of this table.
    """
    readers = {column.name: _reader(column) for column in table.columns}
    pending = (_row(readers, line) for line in lines)
    count = 0
    while some := list(islice(pending, _AT_ONCE)):
        connection.execute(table.insert(), some)
        count += len(some)
    return count


def continue_numbers(connection: Connection, tables: Iterable[Table]) -> None:
    """On PostgreSQL, have the next row numbered after the loaded ones; SQLite does by itself."""
    if connection.dialect.name != "postgresql":
        return
    for table in tables:
        column = table.autoincrement_column
        if column is None:
            continue
        newest = connection.execute(select(func.max(column))).scalar()
        if newest is not None:
            names = {"table": table.name, "column": column.name, "newest": newest}
            connection.execute(
                text("SELECT setval(pg_get_serial_sequence(:table, :column), :newest)"), names
            )


def _spelled(value: object) -> str:
    if isinstance(value, datetime):  # SQLite has no zone: what is kept there is UTC
        aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value
        return aware.astimezone(UTC).isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} cannot be kept in a backup")


def _row(readers: Mapping[str, Callable[[Any], Any]], line: bytes) -> dict[str, Any]:
    row: object = json.loads(line)
    if not isinstance(row, dict) or row.keys() != readers.keys():
        raise ValueError("a row does not have the columns of its table")
    values = cast("dict[str, Any]", row)
    return {name: read(values[name]) for name, read in readers.items()}


def _reader(column: Column[Any]) -> Callable[[Any], Any]:
    kind = column.type
    if isinstance(kind, JSON):
        # In a column that may be empty an absent value is SQL's NULL, not JSON's.
        return (lambda value: null() if value is None else value) if column.nullable else _as_it_is
    if isinstance(kind, DateTime):
        return lambda value: None if value is None else datetime.fromisoformat(value)
    if isinstance(kind, LargeBinary):
        return lambda value: None if value is None else base64.b64decode(value)
    return _as_it_is


def _as_it_is(value: Any) -> Any:
    return value
