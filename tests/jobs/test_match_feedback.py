"""What people decided about earlier matches is regarded in the next one, and told."""

from pathlib import Path

import pytest
from inline_snapshot import snapshot
from sqlmodel import Session

from jobs import match_history
from jobs.match_feedback import weight_of
from jobs.requests import Wanted
from storage import matches
from storage.database import Database
from storage.matches import Actor, MatchState
from storage.states import JobState
from storage.tables.jobs import JobRow
from storage.tables.matching import MatchRow
from tests.jobs.histories import ANN, BO, CY, often
from tests.jobs.match_bench import ASKED_AT, Bench, bench_of, open_by_changes, shown

GATEWAY, SOCKETS = "src/gateway/a.py", "src/gateway/sockets.py"


@pytest.fixture(autouse=True)
def ranking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(match_history, "open_matcher", open_by_changes)


@pytest.fixture
async def bench(sqlite: Database, tmp_path: Path) -> Bench:
    """Ann and Bo share the gateway, Cy has the docs; each task is asked about by the same job."""
    bench = await bench_of(
        sqlite,
        tmp_path,
        *often(ANN, 6, GATEWAY),
        *often(BO, 5, GATEWAY),
        *often(ANN, 6, SOCKETS),
        *often(BO, 5, SOCKETS),
        *often(CY, 20, "docs/index.md"),
    )

    def succeed(session: Session) -> None:
        session.get_one(JobRow, bench.desk.job).state = JobState.SUCCEEDED

    sqlite.write_now(succeed)
    return bench


def about(number: int, text: str) -> Wanted:
    return Wanted(named=f"#{number}", number=number, title=text)


def row_of(session: Session, bench: Bench, target: str) -> MatchRow:
    found = matches.hold(session, bench.desk.job, target)
    assert found is not None
    return found


def decline(bench: Bench, target: str, reason: str, login: str = "ann") -> None:
    """Whoever is named for it declines."""

    def write(session: Session) -> None:
        matches.decline(
            session, row_of(session, bench, target), Actor(login, logins=(login,)), reason, ASKED_AT
        )

    bench.database.write_now(write)


def take(bench: Bench, target: str) -> None:
    """Whoever is named for it takes it."""

    def write(session: Session) -> None:
        row = row_of(session, bench, target)
        row.state, row.decided_at = MatchState.TAKEN, ASKED_AT

    bench.database.write_now(write)


def test_whoever_declines_as_not_theirs_is_not_named_for_the_next_like_it(bench: Bench) -> None:
    assert bench.match(about(1, "a.py drops")).text == "Ann Lee for #1 a.py drops: likely"
    assert bench.match(about(2, "sockets.py drops")).text.startswith("Ann Lee")
    decline(bench, "#1", "not-mine")
    done = bench.match(about(2, "sockets.py drops"))
    assert done.text.startswith("Bo Ray (bo)")
    told = shown(done.reply)
    assert "declined 1 task like this in the last 90 days: not their area" in told
    assert bench.match(about(3, "index.md")).text.startswith("Cy for"), "another folder"


@pytest.mark.parametrize("reason", ["busy", "away", "I am on vacation"])
def test_who_has_no_time_is_named_for_the_next_one_all_the_same(bench: Bench, reason: str) -> None:
    bench.match(about(1, "a.py drops"))
    before = bench.match(about(2, "sockets.py drops"))
    decline(bench, "#1", reason)
    after = bench.match(about(2, "sockets.py drops"))
    assert after.reply == before.reply


def test_whoever_takes_what_somebody_declined_is_named_for_the_next_like_it(bench: Bench) -> None:
    bench.match(about(1, "a.py drops"))
    decline(bench, "#1", "busy")
    take(bench, "#1")
    bench.match(about(2, "a.py drops again"))
    take(bench, "#2")
    done = bench.match(about(3, "a.py drops too"))
    assert shown(done.reply).partition("As back-up")[0] == snapshot("""\
Who should take #3 a.py drops too
─────────────────────────────────

Bo Ray (bo), likely:

- changed this file in 5 tasks in the last 90 days, last on 29 November 2026
- 5 of the 11 tasks that changed it
- 10 earlier tasks in src/gateway/
- 10 tasks merged in the last 90 days
- took or was assigned 2 tasks like this in the last 90 days
- open load 2

""")


def test_what_is_asked_twice_is_decided_once(bench: Bench) -> None:
    bench.match(about(1, "a.py drops"))
    decline(bench, "#1", "busy")
    take(bench, "#1")
    told = shown(bench.match(about(1, "a.py drops")).reply)
    assert "like this" not in told, "it is this very one"


def test_several_tasks_together_regard_it_as_well(bench: Bench) -> None:
    bench.match(about(1, "a.py drops"))
    decline(bench, "#1", "not-mine")
    done = bench.batch(about(2, "sockets.py drops"), about(3, "index.md"))
    rows = bench.database.read_now(lambda s: matches.current(s, bench.desk.job))
    assert {row.target: row.name for row in rows} == snapshot(
        {"#1": "Bo Ray", "#2": "Bo Ray", "#3": "Cy"}
    )
    assert "not their area" not in shown(done.reply)


def test_whoever_declines_for_another_reason_is_not_told_to_lack_the_area(bench: Bench) -> None:
    bench.match(about(1, "a.py drops"))
    bench.match(about(2, "sockets.py drops"))
    decline(bench, "#1", "I must finish mine first")
    assert "not their area" not in shown(bench.match(about(2, "sockets.py drops")).reply)


async def test_decisions_of_another_repository_say_nothing(bench: Bench) -> None:
    bench.match(about(1, "a.py drops"))
    decline(bench, "#1", "not-mine")

    def move(session: Session) -> None:
        for row in matches.history(session, bench.desk.job, "#1"):
            row.repository = "o/other"

    bench.database.write_now(move)
    assert bench.match(about(2, "sockets.py drops")).text.startswith("Ann Lee")


def test_what_a_task_is_about_is_kept_in_bounds(bench: Bench) -> None:
    text = " ".join(f"word{letter}{number}x" for letter in "abcdef" for number in "abcdefghijkl")
    bench.match(Wanted(named="#1", number=1, title="a.py", text=f"{text} {text[::-1]}"))
    row = bench.database.read_now(lambda s: row_of(s, bench, "#1"))
    kept = matches.about_of(row)
    assert kept.files == (GATEWAY,)
    assert len(kept.words) <= 200
    assert sum(kept.believed.values()) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("reason", "weight"),
    [
        ("not-mine", 1.0),
        ("Not my area", 1.0),
        ("not mine", 1.0),
        ("this is not really my area", 1.0),
        ("Out of my domain, sorry", 1.0),
        ("I'm not that familiar with it", 1.0),
        ("no expertise in sockets", 1.0),
        ("unfamiliar code", 1.0),
        ("I must finish mine first", 0.5),
        ("ask Bo, the expert", 0.5),
        ("not now, mine is due", 0.5),
        ("Bo is in the area", 0.5),
        ("busy", 0.0),
        ("too busy until friday", 0.0),
        ("away", 0.0),
        ("", 0.5),
        ("ask Bo", 0.5),
        ("not my area, and I have no time", 0.5),
    ],
)
def test_a_refusal_says_as_much_as_its_reason(reason: str, weight: float) -> None:
    assert weight_of(reason) == weight
