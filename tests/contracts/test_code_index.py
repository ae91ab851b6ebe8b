"""What was read of files is kept, found by content, and bounded; on both databases."""

from datetime import UTC, datetime, timedelta

from storage import code_index
from storage.code_index import CodeKey, CodeRecord
from storage.database import Database

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOURS = timedelta(hours=1)
RECORD = CodeRecord(b"chunks", b"\x00\xff" * 47)


def keys(count: int, manner: str = "1 python") -> list[CodeKey]:
    return [CodeKey(f"{number:040x}", manner) for number in range(count)]


def put(database: Database, scope: str, some: list[CodeKey], at: datetime = NOW) -> None:
    records = dict.fromkeys(some, RECORD)
    database.write_now(lambda s: code_index.put(s, scope, records, at))


def there(database: Database, scope: str, some: list[CodeKey]) -> set[CodeKey]:
    return set(database.read_now(lambda s: code_index.take(s, scope, some, NOW)).records)


def test_records_are_found_by_content_and_manner(database: Database) -> None:
    some = keys(450)
    put(database, "o/r", some)
    taken = database.read_now(lambda s: code_index.take(s, "o/r", some, NOW))
    assert taken.records == dict.fromkeys(some, RECORD)
    assert taken.to_note == ()
    assert there(database, "o/r", keys(3, "2 python")) == set()
    assert there(database, "o/other", some) == set()
    assert there(database, "o/r", []) == set()


def test_what_is_there_stays_when_it_is_put_again(database: Database) -> None:
    (key,) = keys(1)
    put(database, "o/r", [key])
    other = {key: CodeRecord(b"", b"")}
    database.write_now(lambda s: code_index.put(s, "o/r", other, NOW))
    taken = database.read_now(lambda s: code_index.take(s, "o/r", [key], NOW))
    assert taken.records == {key: RECORD}
    assert database.read_now(code_index.total_bytes) == 100


def test_what_was_not_used_for_longest_goes_first(database: Database) -> None:
    old, used, new = keys(3)
    put(database, "o/a", [old, used], NOW - 3 * HOURS)
    put(database, "o/b", [new], NOW - 2 * HOURS)
    taken = database.read_now(lambda s: code_index.take(s, "o/a", [used], NOW))
    assert len(taken.to_note) == 1
    database.write_now(lambda s: code_index.note_use(s, taken.to_note, NOW))
    assert database.read_now(lambda s: code_index.take(s, "o/a", [used], NOW)).to_note == ()
    assert database.write_now(lambda s: code_index.trim(s, 300)) == 0
    assert database.write_now(lambda s: code_index.trim(s, 250)) == 1
    assert there(database, "o/a", [old, used]) == {used}
    assert database.write_now(lambda s: code_index.trim(s, 150)) == 1
    assert there(database, "o/b", [new]) == set()
    assert there(database, "o/a", [used]) == {used}


def test_much_is_trimmed_in_several_steps(database: Database) -> None:
    put(database, "o/r", keys(450))
    removed: list[int] = []
    while count := database.write_now(lambda s: code_index.trim(s, 2_000)):
        removed.append(count)
    assert removed == [200, 200, 30]
    assert database.read_now(code_index.total_bytes) == 2_000


def test_a_repository_is_forgotten_alone(database: Database) -> None:
    put(database, "o/a", keys(3))
    put(database, "o/b", keys(2))
    assert database.write_now(lambda s: code_index.forget(s, "o/a")) == 3
    assert there(database, "o/a", keys(3)) == set()
    assert there(database, "o/b", keys(2)) == set(keys(2))
