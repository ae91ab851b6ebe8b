"""Who knows which files, and which are at risk."""

from pathlib import Path

import pytest
from inline_snapshot import snapshot

from jobs import match_history
from jobs.desk import Declined
from storage import wishes
from storage.clock import utc_now
from storage.database import Database
from tests.jobs.histories import ANN, BO, CY, Did, often, write_history
from tests.jobs.match_bench import Bench, account, bench_of, open_by_changes, shown


@pytest.fixture(autouse=True)
def ranking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(match_history, "open_matcher", open_by_changes)


@pytest.fixture
async def bench(sqlite: Database, tmp_path: Path) -> Bench:
    """Ann and Bo share one file, Ann has one for herself, and Cy, who has gone, had another."""
    return await bench_of(
        sqlite,
        tmp_path,
        *often(ANN, 6, "src/shared.py"),
        *(Did(BO, day + 0.5, {"src/shared.py": f"Bo {day}"}) for day in range(6)),
        *often(ANN, 4, "src/own.py"),
        *(Did(CY, 200 + day, {"lib/old.py": f"Cy {day}"}) for day in range(4)),
    )


def test_who_knows_a_file_with_shares_and_the_bus_factor(bench: Bench) -> None:
    done = bench.who("src/shared.py")
    assert done.text == snapshot("Bus factor 2 of src/shared.py: 2 active people know it")
    assert shown(done.reply) == snapshot("""\
Who knows src/shared.py
───────────────────────

Bus factor 2 of src/shared.py: 2 active people know it.

Person       Share  Tasks              Last  Here now
Bo Ray (bo)   50 %      6  30 November 2026  yes
Ann Lee       50 %      6  29 November 2026  yes

- The history is short, 20 tasks: take the answer as a hint.\
""")


def test_who_knows_a_folder_and_all_of_it(bench: Bench) -> None:
    assert shown(bench.who("src").reply) == snapshot("""\
Who knows src
─────────────

Bus factor 2 of src: once 2 people leave, nobody knows more than half of the files.

Person       Share  Tasks              Last  Here now         Knows
Ann Lee       62 %     10  29 November 2026  yes       2 of 2 files
Bo Ray (bo)   38 %      6  30 November 2026  yes       1 of 2 files

- The history is short, 20 tasks: take the answer as a hint.\
""")
    assert bench.who(".").text == snapshot(
        "Bus factor 1 of this repository: once one person leaves, nobody knows more than half of the files"
    )
    assert bench.who("lib/old.py").text == snapshot(
        "Bus factor 0 of lib/old.py: no active person knows it"
    )


def test_which_files_are_at_risk_and_who_could_learn_them(bench: Bench) -> None:
    done = bench.risks()
    assert done.text == snapshot(
        "2 files that are changed often have at most one active person who knows them"
    )
    assert shown(done.reply) == snapshot("""\
Files at risk
─────────────

2 files that are changed often have at most one active person who knows them.

`lib/`: 1 file, 4 changes in a year

File      Known to                  Changes in 90 days  Could learn it
`old.py`  nobody any more (was Cy)                   0  nobody near it

`src/`: 1 file, 4 changes in a year

File      Known to  Changes in 90 days  Could learn it
`own.py`  Ann Lee                    4  Bo Ray (bo)

- The history is short, 20 tasks: take the answer as a hint.\
""")
    assert bench.risks("lib").text == snapshot(
        "1 file in lib that is changed often has at most one active person who knows it"
    )
    assert bench.risks("src/shared.py").text == snapshot(
        "No file in src/shared.py that is changed often is known to fewer than two active people."
    )


def test_who_wants_no_matches_is_not_named_as_one_who_could_learn(bench: Bench) -> None:
    bo = account(bench.database, "bo", login="bo")
    assert "Bo" in shown(bench.risks("src").reply)
    bench.database.write_now(lambda s: wishes.put(s, f"person:{bo}", "matching", "off", utc_now()))
    assert "Bo" not in shown(bench.risks("src").reply)


def test_a_path_that_is_nowhere_is_told(bench: Bench) -> None:
    with pytest.raises(Declined, match=r"Did you mean `/gryph match who src/own.py`\?"):
        bench.who("own.py")
    with pytest.raises(Declined, match=r"Did you mean `/gryph match risks src/own.py`\?"):
        bench.risks("own.py")


def test_where_one_person_worked_alone_there_is_nothing_to_compare(
    bench: Bench, tmp_path: Path
) -> None:
    bench.desk.root = write_history(tmp_path / "alone", often(ANN, 6, "src/a.py"))
    assert bench.who("src/a.py").text == snapshot("Only Ann Lee has worked here")
    assert bench.risks().text == snapshot(
        "Only Ann Lee has worked here: nobody else knows anything."
    )
