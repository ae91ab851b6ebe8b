"""Several tasks, given out together."""

from pathlib import Path

import pytest
from inline_snapshot import snapshot
from sqlmodel import Session

from jobs import match_history
from jobs.desk import Declined
from jobs.requests import Wanted
from storage import matches, wishes
from storage.clock import utc_now
from storage.database import Database
from tests.jobs.histories import ANN, BO, often
from tests.jobs.match_bench import ASKED_AT, Bench, account, bench_of, open_by_changes, shown


@pytest.fixture(autouse=True)
def ranking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(match_history, "open_matcher", open_by_changes)


@pytest.fixture
async def bench(sqlite: Database, tmp_path: Path) -> Bench:
    """Ann and Bo have a file each, and share a third."""
    return await bench_of(
        sqlite,
        tmp_path,
        *often(ANN, 9, "src/gateway.py"),
        *often(BO, 8, "src/parser.py"),
        *often(ANN, 5, "src/shared.py"),
        *often(BO, 4, "src/shared.py"),
    )


def about(number: int, text: str, **more: object) -> Wanted:
    values = {"named": f"#{number}", "number": number, "title": text, **more}
    return Wanted.model_validate(values)


def test_each_goes_to_who_knows_it_and_what_both_know_to_who_has_less(bench: Bench) -> None:
    done = bench.batch(
        about(1, "gateway.py drops"),
        about(2, "gateway.py hangs"),
        about(3, "parser.py is *slow*"),
        about(4, "shared.py"),
        about(5, "Old", is_open=False),
        about(6, "Mine", assignees=("zoe",)),
    )
    assert done.text == snapshot("4 of 4 tasks of Milestone v1 given to 2 people")
    assert shown(done.reply) == snapshot("""\
Who should take what of Milestone v1
────────────────────────────────────

4 of 4 tasks of Milestone v1 given to 2 people.

Task                    Person       How sure     Why
#1 gateway.py drops     Ann Lee      very likely  changed this file in 9 tasks in the last 90 days,
                                                  last on 29 November 2026
#2 gateway.py hangs     Ann Lee      very likely  changed this file in 9 tasks in the last 90 days,
                                                  last on 29 November 2026
#3 parser.py is *slow*  Bo Ray (bo)  very likely  changed this file in 8 tasks in the last 90 days,
                                                  last on 29 November 2026
#4 shared.py            Bo Ray (bo)  likely       changed this file in 4 tasks in the last 90 days,
                                                  last on 29 November 2026

- Closed, and left alone: #5.
- Assigned already, and left alone: #6 (zoe).
- The history is short, 26 tasks: take the answer as a hint.

`/gryph match take J-ID #1` takes one; `decline`, `suggest` and `assign` work alike.\
""")
    rows = bench.database.read_now(lambda s: matches.current(s, bench.desk.job))
    assert {row.target: row.name for row in rows} == snapshot(
        {"#1": "Ann Lee", "#2": "Ann Lee", "#3": "Bo Ray", "#4": "Bo Ray"}
    )


def test_who_has_no_room_gets_none_and_why_is_told(bench: Bench) -> None:
    for who, login in (("ann", "ann"), ("bo", "bo")):
        person = account(bench.database, who, login=login)
        scope = f"person:{person}"
        bench.database.write_now(
            lambda s, scope=scope: wishes.put(s, scope, "capacity", "0", utc_now())
        )
    told = shown(bench.batch(about(3, "parser.py"), about(4, "parser.py too")).reply)
    assert told == snapshot("""\
Who should take what of Milestone v1
────────────────────────────────────

Nobody for 2 tasks of Milestone v1.

Task              Person  How sure  Why
#3 parser.py      nobody            Bo Ray: takes nothing now
#4 parser.py too  nobody            Bo Ray: takes nothing now

- The history is short, 26 tasks: take the answer as a hint.\
""")


def test_where_nothing_is_left_to_give_out_that_is_told(bench: Bench) -> None:
    with pytest.raises(Declined, match="All of Milestone v1 is closed, assigned or taken already"):
        bench.batch(about(1, "a", assignees=("zoe",)))


def test_what_somebody_took_is_left_alone(bench: Bench) -> None:
    def take(session: Session) -> None:
        row = matches.hold(session, bench.desk.job, "#3")
        assert row is not None
        matches.take(session, row, matches.Actor("bo", None, ("bo",)), ASKED_AT)

    tasks = (about(3, "parser.py"), about(4, "shared.py"))
    bench.batch(*tasks)
    bench.database.write_now(take)
    done = bench.batch(*tasks)
    assert done.text == "1 of 1 task of Milestone v1 given to 1 person"
    assert "Taken already, and left alone: #3 (Bo Ray)." in shown(done.reply)
    assert "parser.py" not in shown(done.reply)
    with pytest.raises(Declined, match="assigned or taken already"):
        bench.batch(tasks[0])
