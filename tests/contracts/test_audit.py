"""The audit chain on both databases."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import Session, col, select

from storage import audit
from storage.audit import Entry, Verdict
from storage.database import Database
from storage.tables.trust import AuditRow

NOW = datetime(2026, 11, 24, 12, 0, 0, 123, tzinfo=UTC)
KEY = b"k" * 32


def entry(subject: int = 0, **detail: Any) -> Entry:
    return Entry("slack:U1", "command", f"test src/{subject}.py", detail)


def append(session: Session, number: int = 0) -> int:
    return audit.append(session, KEY, entry(number, number=number), NOW)


async def verdict(database: Database, key: bytes = KEY) -> Verdict:
    return await database.read(lambda s: audit.verify(s, key))


async def three_lines(database: Database) -> Verdict:
    for number in range(3):
        await database.write(lambda s, n=number: append(s, n))
    return await verdict(database)


async def test_an_empty_log_is_good(database: Database) -> None:
    assert await verdict(database) == Verdict(ok=True, rows=0, first_bad_seq=None, head="0" * 64)


async def test_lines_are_numbered_from_one_and_verify(database: Database) -> None:
    found = await three_lines(database)
    rows = await database.read(lambda s: s.exec(select(AuditRow).order_by(col(AuditRow.seq))).all())
    assert [row.seq for row in rows] == [1, 2, 3]
    assert found == Verdict(ok=True, rows=3, first_bad_seq=None, head=rows[-1].mac)
    assert len({row.mac for row in rows}) == 3


@pytest.mark.parametrize(
    "detail",
    [
        {
            "list": (1, 2.5, None, True),
            "text": "ü \u2028 \ud83d\ude00",
            "nested": {"b": 1, "a": {}},
        },
        {"keys": {10: "ten", 2: "two"}},
        {"float": 0.1, "large": 2**70, "small": 1e-300},
    ],
)
async def test_what_json_changes_on_its_way_still_verifies(
    database: Database, detail: dict[str, Any]
) -> None:
    await database.write(lambda s: audit.append(s, KEY, entry(**detail), NOW))
    assert (await verdict(database)).ok


async def test_writers_of_two_processes_leave_no_gap(database: Database, database_url: str) -> None:
    other = Database(database_url)
    try:
        writers = [database, other] * 20
        numbers = await asyncio.gather(*(writer.write(append) for writer in writers))
    finally:
        other.close()
    assert sorted(numbers) == list(range(1, 41))
    assert (await verdict(database)).ok


async def test_a_transaction_that_fails_uses_no_number(database: Database) -> None:
    def failing(session: Session) -> None:
        append(session)
        raise KeyError

    assert await database.write(append) == 1
    with pytest.raises(KeyError):
        await database.write(failing)
    assert await database.write(append) == 2


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit SET actor = 'someone' WHERE seq = 2",
        "UPDATE audit SET action = 'other' WHERE seq = 2",
        "UPDATE audit SET subject = 'other' WHERE seq = 2",
        "UPDATE audit SET detail = '{}' WHERE seq = 2",
        "UPDATE audit SET at = '2026-11-24 12:00:01' WHERE seq = 2",
        "UPDATE audit SET mac = (SELECT mac FROM audit WHERE seq = 1) WHERE seq = 2",
        "DELETE FROM audit WHERE seq = 2",
    ],
)
async def test_a_line_changed_or_removed_is_found(database: Database, change: str) -> None:
    await three_lines(database)
    await database.write(lambda s: s.connection().execute(text(change)))
    found = await verdict(database)
    assert (found.ok, found.rows, found.first_bad_seq) == (False, 1, 2)


async def test_swapped_lines_are_found(database: Database) -> None:
    await three_lines(database)

    def swap(session: Session) -> None:
        for old, new in ((2, 9), (3, 2), (9, 3)):
            statement = text("UPDATE audit SET seq = :new WHERE seq = :old")
            session.connection().execute(statement, {"old": old, "new": new})

    await database.write(swap)
    assert (await verdict(database)).first_bad_seq == 2


async def test_the_first_lines_cannot_be_cut_off(database: Database) -> None:
    await three_lines(database)
    await database.write(lambda s: s.connection().execute(text("DELETE FROM audit WHERE seq = 1")))
    assert (await verdict(database)).first_bad_seq == 1


async def test_a_log_cut_at_its_end_has_another_head(database: Database) -> None:
    whole = await three_lines(database)
    await database.write(lambda s: s.connection().execute(text("DELETE FROM audit WHERE seq = 3")))
    cut = await verdict(database)
    assert (cut.ok, cut.rows) == (True, 2)
    assert cut.head != whole.head


async def test_another_key_verifies_nothing(database: Database) -> None:
    await three_lines(database)
    assert (await verdict(database, b"x" * 32)).first_bad_seq == 1


async def test_a_log_longer_than_a_page_verifies_to_its_end(database: Database) -> None:
    def many(session: Session) -> None:
        for number in range(1003):
            append(session, number)

    await database.write(many)
    assert (await verdict(database)).rows == 1003
    forged = json.dumps({"number": 1001, "more": 1})
    statement = text("UPDATE audit SET detail = :detail WHERE seq = 1002")
    await database.write(lambda s: s.connection().execute(statement, {"detail": forged}))
    assert (await verdict(database)).first_bad_seq == 1002
