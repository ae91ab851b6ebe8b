"""Whatever is done to the audit log behind our back, the chain or an anchor outside tells."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import Session

from storage import anchors, audit
from storage.audit import Entry
from storage.database import Database

NOW = datetime(2026, 11, 24, 12, 0, 0, 123, tzinfo=UTC)
KEY = b"k" * 32
LINES = 6
Tampering = Callable[[Session], object]


def write(database: Database, lines: int, key: bytes = KEY, *, first: int = 0) -> None:
    for number in range(first, first + lines):
        entry = Entry(f"slack:U{number}", "command", f"test src/{number}.py", {"number": number})
        at = NOW + timedelta(seconds=number)
        database.write_now(lambda s, e=entry, a=at: audit.append(s, key, e, a))


def anchor(database: Database, path: Path, key: bytes = KEY) -> None:
    anchors.append(path, key, database.read_now(audit.head), NOW)


def troubles(database: Database, path: Path, *, is_whole: bool = True) -> list[str]:
    kept = anchors.read(path.read_text().splitlines())
    wanted = anchors.seqs_of(kept)
    verdict = database.read_now(lambda s: audit.verify(s, KEY, wanted))
    found = anchors.contradictions(kept, KEY, verdict, is_whole=is_whole)
    chain = [] if verdict.ok else [f"line {verdict.first_bad_seq}"]
    return chain + [trouble.text for trouble in found]


def sql(statement: str, **values: object) -> Tampering:
    return lambda session: session.connection().execute(text(statement), values)


def swap(one: int, other: int) -> Tampering:
    def work(session: Session) -> None:
        for old, new in ((one, 99), (other, one), (99, other)):
            sql("UPDATE audit SET seq = :new WHERE seq = :old", old=old, new=new)(session)

    return work


def close_up_after(gone: int) -> Tampering:
    """Take a line out and move those behind it up, so that no number is missing."""

    def work(session: Session) -> None:
        sql("DELETE FROM audit WHERE seq = :seq", seq=gone)(session)
        for seq in range(gone + 1, LINES + 1):
            sql("UPDATE audit SET seq = :new WHERE seq = :old", old=seq, new=seq - 1)(session)

    return work


def doubled(seq: int) -> Tampering:
    columns = "at, actor, action, subject, detail, mac"
    return sql(
        f"INSERT INTO audit (seq, {columns}) SELECT :at_end, {columns} FROM audit WHERE seq = :seq",  # noqa: S608 - constants
        seq=seq,
        at_end=LINES + 1,
    )


def invented(seq: int) -> Tampering:
    return sql(
        "INSERT INTO audit (seq, at, actor, action, subject, detail, mac) "
        "SELECT :seq, at, 'nobody', action, subject, detail, mac FROM audit WHERE seq = 1",
        seq=seq,
    )


def changed(column: str, value: str, seq: int) -> Tampering:
    return sql(f"UPDATE audit SET {column} = :value WHERE seq = :seq", value=value, seq=seq)  # noqa: S608


def campaign() -> dict[str, Tampering]:
    """Every kind of change to one row, at every row."""
    kinds: dict[str, Tampering] = {}
    for seq in range(1, LINES + 1):
        for column in ("actor", "action", "subject", "mac"):
            kinds[f"{column} of {seq} changed"] = changed(column, "something else", seq)
        detail = json.dumps({"number": 77})
        kinds[f"detail of {seq} changed"] = sql(
            "UPDATE audit SET detail = :d WHERE seq = :seq", d=detail, seq=seq
        )
        kinds[f"time of {seq} moved"] = sql(
            "UPDATE audit SET at = '2026-11-24 12:30:00' WHERE seq = :seq", seq=seq
        )
        kinds[f"line {seq} removed"] = sql("DELETE FROM audit WHERE seq = :seq", seq=seq)
        kinds[f"line {seq} removed, the rest moved up"] = close_up_after(seq)
        kinds[f"line {seq} doubled at the end"] = doubled(seq)
        kinds[f"cut from {seq} on"] = sql("DELETE FROM audit WHERE seq >= :seq", seq=seq)
        kinds[f"lines before {seq} cut"] = sql("DELETE FROM audit WHERE seq <= :seq", seq=seq)
        for other in range(seq + 1, LINES + 1):
            kinds[f"{seq} and {other} swapped"] = swap(seq, other)
    kinds["a line invented at the end"] = invented(LINES + 1)
    kinds["a line invented before the first"] = invented(0)
    kinds["everything removed"] = sql("DELETE FROM audit")
    return kinds


class _Undone(Exception):
    pass


def test_every_change_of_one_row_is_found(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    write(database, LINES)
    anchor(database, path)
    assert troubles(database, path) == []
    kept = anchors.read(path.read_text().splitlines())
    missed: list[str] = []
    for name, tampering in campaign().items():

        def attempt(session: Session, name: str = name, tampering: Tampering = tampering) -> None:
            tampering(session)
            session.flush()
            verdict = audit.verify(session, KEY, anchors.seqs_of(kept))
            found = anchors.contradictions(kept, KEY, verdict, is_whole=True)
            if verdict.ok and not found:
                missed.append(name)
            raise _Undone

        with pytest.raises(_Undone):
            database.write_now(attempt)
    assert missed == []
    assert len(campaign()) == 84
    assert troubles(database, path) == []


@pytest.mark.parametrize("kept", range(LINES))
def test_a_log_cut_at_its_end_is_found_by_its_anchor(
    database: Database, tmp_path: Path, kept: int
) -> None:
    write(database, LINES)
    anchor(database, tmp_path / "audit.log")
    database.write_now(sql("DELETE FROM audit WHERE seq > :seq", seq=kept))
    (trouble,) = troubles(database, tmp_path / "audit.log")
    assert f"ends after line {kept}" in trouble
    assert "had 6 lines" in trouble


def test_a_cut_log_that_has_grown_again_is_found(database: Database, tmp_path: Path) -> None:
    write(database, LINES)
    anchor(database, tmp_path / "audit.log")
    database.write_now(sql("DELETE FROM audit WHERE seq > 2"))
    write(database, 9, first=20)
    (trouble,) = troubles(database, tmp_path / "audit.log")
    assert "line 6 is not the one that was there" in trouble


@pytest.mark.parametrize("key", [KEY, b"x" * 32], ids=["with our key", "with another key"])
def test_a_log_replaced_as_a_whole_is_found(database: Database, tmp_path: Path, key: bytes) -> None:
    write(database, LINES)
    anchor(database, tmp_path / "audit.log")
    database.write_now(sql("DELETE FROM audit"))
    write(database, LINES, key, first=50)
    assert troubles(database, tmp_path / "audit.log") != []


def test_an_anchor_of_another_key_proves_nothing(database: Database, tmp_path: Path) -> None:
    write(database, LINES, b"x" * 32)
    anchor(database, tmp_path / "audit.log", b"x" * 32)
    assert (
        "not written with this installation's key" in troubles(database, tmp_path / "audit.log")[-1]
    )


def test_a_log_that_grows_keeps_all_its_anchors(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    for first in range(0, 12, 3):
        anchor(database, path)
        anchor(database, path)
        write(database, 3, first=first)
    kept = anchors.read(path.read_text().splitlines())
    assert [(each.number, each.seq) for each in kept] == [(1, 0), (2, 3), (3, 6), (4, 9)]
    assert troubles(database, path) == []
