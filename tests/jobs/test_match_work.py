"""Whom a history names for a task, and what is told of it."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from inline_snapshot import snapshot
from sqlmodel import Session

from engines.matching.types import Mode
from jobs import match_history, match_work
from jobs.desk import Declined
from jobs.match_people import Spread
from jobs.requests import OpenWork, Wanted
from storage import availability, matches, people, wishes
from storage.availability import Absence
from storage.clock import utc_now
from storage.database import Database
from tests.jobs.histories import ANN, BO, CY, Did, often, write_history
from tests.jobs.match_bench import ASKED_AT, Bench, account, bench_of, open_by_changes, shown

GATEWAY = "src/gateway.py"


@pytest.fixture(autouse=True)
def ranking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(match_history, "open_matcher", open_by_changes)


@pytest.fixture
async def bench(sqlite: Database, tmp_path: Path) -> Bench:
    """Ann works on the gateway, Bo on the parser, and Cy came once."""
    return await bench_of(
        sqlite,
        tmp_path,
        *often(ANN, 9, GATEWAY, "Reconnect the websocket"),
        *often(BO, 6, "src/parser.py"),
        Did(BO, 20, {GATEWAY: "Bo\n"}),
        Did(CY, 30, {"docs/index.md": "Hello\n"}),
    )


def test_who_changed_a_file_is_named_with_reasons_and_a_second(bench: Bench) -> None:
    done = bench.files(GATEWAY)
    assert done.text == snapshot("Ann Lee for src/gateway.py: very likely")
    assert shown(done.reply) == snapshot("""\
Who should work on src/gateway.py
─────────────────────────────────

Ann Lee, very likely:

- changed this file in 9 tasks in the last 90 days, last on 29 November 2026
- 9 of the 10 tasks that changed it
- 9 earlier tasks in src/
- 9 tasks merged in the last 90 days

To learn, Bo Ray (bo): Ann Lee alone knows this file.

- changed this file in 1 task in the last 90 days, last on 10 November 2026
- 1 of the 10 tasks that changed it
- 7 tasks merged in the last 90 days

- The history is short, 17 tasks: take the answer as a hint.

  Take             gryph ask "match J-ID take"
  Decline          gryph ask "match J-ID decline"
  Suggest someone  gryph ask "match J-ID suggest"\
""")


def test_a_folder_means_the_files_in_it_and_a_text_the_files_that_it_names(bench: Bench) -> None:
    assert bench.files("src").text == snapshot("Ann Lee for src: likely")
    assert bench.files("docs").text == snapshot("Ann Lee for docs: likely")
    told = bench.match(Wanted(named="", title="parser.py fails", text="parser.py fails"))
    assert told.text == snapshot("Bo Ray (bo) for “parser.py fails”: very likely")
    assert "- The text names `src/parser.py`." in told.reply.model_dump_json()


def test_a_word_that_is_no_path_says_what_it_is_about(bench: Bench) -> None:
    word = Wanted(named="websocket", files=("websocket",), may_be_text=True)
    assert bench.match(word).text == snapshot("Ann Lee for “websocket”: likely")
    with pytest.raises(Declined, match=r"Did you mean `/gryph match src/gateway.py`\?"):
        bench.files("lib/gateway.py")
    with pytest.raises(Declined, match=r"is not in this repository, and never was\.$"):
        bench.files("zzzzzz/qqqqqq")


def test_a_file_that_is_gone_is_known_by_who_changed_it(bench: Bench, tmp_path: Path) -> None:
    root = write_history(
        tmp_path / "moved",
        [*often(ANN, 6, "old.py"), *often(BO, 5, "b.py"), Did(BO, 0.5, {"old.py": None})],
    )
    bench.desk.root = root
    done = bench.files("old.py")
    assert done.text == snapshot("Ann Lee for old.py: very likely")
    assert "`old.py` is not there any more; who changed it counts." in shown(done.reply)


async def test_what_was_renamed_is_followed_and_a_folder_that_is_gone_is_known(
    sqlite: Database, tmp_path: Path
) -> None:
    moved = {f"lib/{name}.py": f"{name}\n" * 9 for name in "ab"}
    gone: dict[str, str | None] = {f"src/{name}.py": None for name in "ab"}
    bench = await bench_of(
        sqlite,
        tmp_path,
        *(Did(ANN, 40 - day, {f"src/{name}.py": f"{name}\n" * day for name in "ab"})
          for day in range(9, 3, -1)),
        *often(BO, 6, "docs/index.md"),
        Did(BO, 0.5, {**moved, **gone}),
        Did(BO, 0.4, {"docs/index.md": None}),
    )  # fmt: skip
    for asked, now in (("src/a.py", "`lib/a.py`"), ("src", "`lib/a.py`, `lib/b.py`")):
        told = shown(bench.files(asked).reply)
        assert f"`{asked}` was renamed: {now}." in told
        assert "6 of the 7 tasks that changed it" in told or asked == "src"
        assert f"`{asked}` was renamed: {now}." in shown(bench.who(asked).reply)
    assert "`docs` is not there any more; who changed it counts." in shown(bench.who("docs").reply)
    with pytest.raises(Declined, match="`docs` is not there any more: nothing of it is at risk"):
        bench.risks("docs")


def test_of_a_text_that_nobody_heard_of_it_is_not_sure(bench: Bench) -> None:
    done = bench.match(Wanted(named="", title="asdkjh qwepoi", text="asdkjh qwepoi"))
    assert done.text == snapshot("No confident candidate for “asdkjh qwepoi”; nearest is Ann Lee")
    assert "- No task of this history has a word of that, and no path" in shown(done.reply)
    for known in ("websockets", "the index", "fix src/parser"):
        said = shown(bench.match(Wanted(named="", title=known, text=known)).reply)
        assert "has a word of that" not in said
    assert "The text names `src/parser.py`." not in said
    named = bench.match(Wanted(named="", title="all", text="all of src/ is slow")).reply
    assert "The text names `src/parser.py`, `src/gateway.py`." in named.model_dump_json()


def test_what_stands_below_a_word_is_read_too(bench: Bench) -> None:
    below = "It breaks in src/parser.py, I think."
    word = Wanted(named="reconnect", files=("reconnect",), may_be_text=True, text=below)
    done = bench.match(word)
    assert done.text == snapshot("Bo Ray (bo) for “reconnect”: very likely")
    assert "The text names `src/parser.py`." in done.reply.model_dump_json()
    long = Wanted(named="", title="x", text="parser " * 400)
    assert "The ranking looks at the first 2,000 characters" in shown(bench.match(long).reply)


async def test_what_is_asked_instead_of_an_unknown_path_can_be_said(
    sqlite: Database, tmp_path: Path
) -> None:
    bench = await bench_of(sqlite, tmp_path, *often(ANN, 6, "docs/the plan.md"))
    with pytest.raises(Declined, match=r'Did you mean `/gryph match "docs/the plan.md"`'):
        bench.files("docs/theplan.md")


async def test_an_address_or_a_mention_in_a_name_is_not_told(
    sqlite: Database, tmp_path: Path
) -> None:
    dave, bob = "dave@secret.org <dave@secret.org>", "@channel **Bob** (b@x.org) <b@x.org>"
    bench = await bench_of(sqlite, tmp_path, *often(dave, 9, "a.py"), *often(bob, 6, "b.py"))
    asked = bench.files("b.py", person="dave")
    said = asked.reply.model_dump_json()
    assert "dave was asked for by name; by the history it is channel" in said
    assert bench.files("b.py").text == "channel **Bob** (b) for b.py: very likely"
    assert "secret" not in said
    assert "@" not in said


def test_of_a_pull_request_reviewers_are_named_but_never_its_author(bench: Bench) -> None:
    pull = Wanted(
        named="#13",
        number=13,
        title="Reconnect *faster*",
        files=(GATEWAY, "src/new.py"),
        more_files=7,
        author="ann",
        signed=("Ann Lee", "ann@lee.dev"),
        is_pull=True,
        is_open=False,
        assignees=("cy",),
    )
    done = bench.match(pull, mode="reviewer")
    assert shown(done.reply) == snapshot("""\
Who should review #13 Reconnect *faster*
────────────────────────────────────────

Bo Ray (bo), a fair chance:

- changed 1 of the 2 files in the last 90 days, last on 10 November 2026
- 1 of the 10 tasks that changed them
- 7 earlier tasks in src/
- 7 tasks merged in the last 90 days

- It changes 7 more files than were looked at.
- #13 is closed.
- #13 is assigned to cy already.
- The history tells of hardly any reviews: named is who would be able to do it as well.
- The history is short, 17 tasks: take the answer as a hint.\
""")
    known_by_login = pull.model_copy(update={"author": "Bo", "signed": None})
    assert bench.match(known_by_login, mode="reviewer").text == snapshot(
        "Ann Lee for #13 Reconnect *faster*: a fair chance"
    )


def test_who_is_away_full_or_has_declined_is_left_out_and_told(bench: Bench) -> None:
    bo = account(bench.database, "bo", login="bo")
    bench.database.write_now(lambda s: wishes.put(s, f"person:{bo}", "capacity", "2", utc_now()))
    work = (OpenWork(login="Bo", tasks=1),)
    assert "open load 1 of 2" in shown(bench.files("src/parser.py", open_work=work).reply)
    full = bench.files("src/parser.py", open_work=(OpenWork(login="bo", tasks=2),))
    assert full.text == snapshot("No confident candidate for src/parser.py; nearest is Ann Lee")
    assert "Left out: Bo Ray (bo) (at the limit: 2 of 2)." in shown(full.reply)
    today = ASKED_AT.date()
    absence = Absence(today, today + timedelta(days=3))
    bench.database.write_now(lambda s: availability.add_absence(s, bo, absence))
    assert "Left out: Bo Ray (bo) (away until 3 December)." in shown(
        bench.files("src/parser.py").reply
    )
    bench.database.write_now(lambda s: wishes.put(s, f"person:{bo}", "matching", "off", utc_now()))
    assert "Bo Ray (bo) (opted out)" in shown(bench.files("src/parser.py").reply)


async def test_of_two_who_are_as_likely_the_one_with_less_to_do_is_named(
    sqlite: Database, tmp_path: Path
) -> None:
    bench = await bench_of(sqlite, tmp_path, *often(BO, 10, "a.py"), *often(ANN, 10, "a.py"))
    assert bench.files("a.py").text == "Bo Ray (bo) for a.py: likely"
    done = bench.files("a.py", open_work=(OpenWork(login="bo", tasks=3),))
    assert done.text == "Ann Lee for a.py: likely"
    assert "it would be Bo Ray (bo), who has more to do already." in shown(done.reply)
    assert "open load 3" in shown(done.reply)


async def test_where_the_load_is_to_be_spread_who_has_most_of_it_is_spared(
    sqlite: Database, tmp_path: Path
) -> None:
    people = (BO, ANN, CY, "Dee <dee@x.org>")
    shares = zip(people, (30, 26, 24, 22), strict=True)
    bench = await bench_of(
        sqlite, tmp_path, *(did for who, times in shares for did in often(who, times, "a.py"))
    )
    assert bench.files("a.py").text.startswith("Bo Ray (bo)")
    done = bench.files("a.py", spread=True)
    told = shown(done.reply)
    assert not done.text.startswith("Bo Ray (bo)")
    found = re.search(r"would be Bo Ray \(bo\), who is the likeliest for (\d+) of the", told)
    assert found is not None
    recent = bench.recent(Mode.AUTHOR)
    assert f"of the newest {len(recent)} tasks; the load is to be spread here." in told
    bo = sum(one.candidates[0].person.name == "Bo Ray" for one in recent)
    assert int(found[1]) == bo


def test_nobody_who_is_likely_is_spared_for_a_long_shot(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spread_of(*_: object) -> Spread:
        return Spread({"ann@lee.dev": 0.9}, {"ann@lee.dev": 80}, 100)

    monkeypatch.setattr(match_work, "spread_of", spread_of)
    assert bench.files(GATEWAY, spread=True).text == "Ann Lee for src/gateway.py: very likely"
    told = shown(bench.files("src", spread=True).reply)
    assert "If load did not count it would be Ann Lee, who is the likeliest for 80 of" in told


def test_with_few_tasks_there_is_nothing_to_spread(bench: Bench) -> None:
    assert bench.files(GATEWAY, spread=True).reply == bench.files(GATEWAY).reply


def test_whoever_is_asked_for_by_name_is_named_with_a_warning(bench: Bench) -> None:
    for name in ("bo", "Bo", "Bo Ray"):
        assert bench.files(GATEWAY, person=name).text == "Bo Ray (bo) for src/gateway.py, as asked"
    told = shown(bench.files(GATEWAY, person="cy").reply)
    assert told.partition("As back-up")[0] == snapshot("""\
Who should work on src/gateway.py
─────────────────────────────────

Cy, as asked; by the history a long shot:

- 1 task merged in the last 90 days

⚠ Cy was asked for by name, though the history ranks only people with more work in it.

""")
    with pytest.raises(Declined, match="Nobody who is called zoe has worked in this repository"):
        bench.files(GATEWAY, person="zoe")


def test_the_author_of_a_change_is_not_asked_to_review_it(bench: Bench) -> None:
    pull = Wanted(named="#13", number=13, files=(GATEWAY,), author="bo", is_pull=True)
    with pytest.raises(Declined, match="#13 is Bo Ray's own, so somebody else has to review it"):
        bench.match(pull, mode="reviewer", person="bo")


def test_what_is_closed_is_nobodys_to_take(bench: Bench) -> None:
    closed = Wanted(named="#12", number=12, title="Reconnect", is_open=False)
    assert "Take" not in shown(bench.match(closed).reply)
    (row,) = bench.database.read_now(lambda s: matches.current(s, bench.desk.job))
    assert row.finished_at is not None


def test_a_login_that_the_history_does_not_tell_is_that_of_who_has_linked_it(bench: Bench) -> None:
    ann, other = account(bench.database, "Ann Lee"), account(bench.database, "ann-l", login="ann-l")
    with pytest.raises(Declined):
        bench.files("src/parser.py", person="ann-l")
    bench.database.write_now(lambda s: people.join(s, ann, other))
    assert bench.files("src/parser.py", person="ann-l").text.startswith("Ann Lee for")


async def test_where_one_person_worked_alone_that_is_said(sqlite: Database, tmp_path: Path) -> None:
    bench = await bench_of(sqlite, tmp_path, *often(ANN, 7, GATEWAY))
    bench.files(GATEWAY, unasked=True)
    assert not bench.database.read_now(lambda s: matches.current(s, bench.desk.job))
    assert shown(bench.files(GATEWAY).reply) == snapshot("""\
Who should work on src/gateway.py
─────────────────────────────────

Only Ann Lee has worked here, so there is nobody else to name.

- changed this file in 7 tasks in the last 90 days, last on 29 November 2026
- 7 of the 7 tasks that changed it
- 7 earlier tasks in src/
- 7 tasks merged in the last 90 days

- The history is short, 7 tasks: take the answer as a hint.

  Take             gryph ask "match J-ID take"
  Decline          gryph ask "match J-ID decline"
  Suggest someone  gryph ask "match J-ID suggest"\
""")
    signed = ("Ann", "ann@lee.dev")
    own = Wanted(named="#1", number=1, author="ann", signed=signed, is_pull=True)
    assert "Only Ann Lee has worked here, and it is theirs." in shown(
        bench.match(own, mode="reviewer").reply
    )


async def test_where_nobody_did_enough_nobody_is_named(sqlite: Database, tmp_path: Path) -> None:
    bench = await bench_of(sqlite, tmp_path, *often(ANN, 3, GATEWAY), *often(BO, 2, "b.py"))
    done = bench.files(GATEWAY)
    assert done.text == snapshot("Nobody to name for src/gateway.py")
    assert shown(done.reply) == snapshot("""\
Who should work on src/gateway.py
─────────────────────────────────

No confident candidate: nobody has had 5 tasks merged here, which is the least that I name people by. Those who did most are Ann Lee (3 tasks), Bo Ray (bo) (2 tasks).

- The history is short, 5 tasks: take the answer as a hint.\
""")


async def test_a_history_of_bots_names_nobody(sqlite: Database, tmp_path: Path) -> None:
    bot = "dependabot[bot] <49699333+dependabot[bot]@users.noreply.github.com>"
    bench = await bench_of(sqlite, tmp_path, *often(bot, 7, "requirements.txt"))
    with pytest.raises(Declined, match="Nobody is in this history but bots"):
        bench.files("requirements.txt")


async def test_other_peoples_code_is_told_as_such(sqlite: Database, tmp_path: Path) -> None:
    bench = await bench_of(
        sqlite, tmp_path, *often(ANN, 6, "vendor/lib.py"), *often(BO, 6, "src/a.py")
    )
    assert "looks like other people's code" in shown(bench.files("vendor/lib.py").reply)


def test_a_history_that_is_cut_off_is_told_as_such(bench: Bench) -> None:
    bench.desk.depth = 10_000
    assert "only the last 10,000 commits are kept here" in shown(bench.files(GATEWAY).reply)


def test_paths_are_seen_from_the_folder_that_is_worked_in(bench: Bench) -> None:
    bench.desk.prefix = "src/"
    assert bench.files("gateway.py").text == snapshot("Ann Lee for gateway.py: very likely")
    with pytest.raises(Declined, match=r"Did you mean `/gryph match gateway.py`\?"):
        bench.files("src/gateway.py")


def test_no_address_is_told_or_kept_in_a_file(bench: Bench) -> None:
    done = bench.files(GATEWAY, person="cy")
    (kept,) = [one for one in bench.desk.kept if one.name == "match.json"]
    said = done.reply.model_dump_json() + kept.content.decode()
    assert "lee.dev" not in said
    assert "@" not in said
    (task,) = json.loads(kept.content)["tasks"]
    assert [one["name"] for one in task["named"]] == ["Cy", "Ann Lee"]


def test_whom_it_names_is_noted_for_those_who_decide(bench: Bench) -> None:
    bench.files("src/parser.py", GATEWAY)
    (row,) = bench.database.read_now(lambda s: matches.current(s, bench.desk.job))
    assert (row.target, row.name, row.login, row.mode) == snapshot(
        ("path:src/gateway.py src/parser.py", "Ann Lee", None, "author")
    )
    assert [one.name for one in matches.ranking_of(row)] == snapshot(["Ann Lee", "Bo Ray"])


def test_whom_it_does_not_name_is_known_to_those_who_decide(bench: Bench) -> None:
    bo = account(bench.database, "bo", login="bo")
    bench.database.write_now(lambda s: wishes.put(s, f"person:{bo}", "matching", "off", utc_now()))
    bench.match(Wanted(named="#1", number=1, title="parser.py", author="Cy"))
    (row,) = bench.database.read_now(lambda s: matches.current(s, bench.desk.job))
    assert [one.name for one in matches.ranking_of(row)] == ["Ann Lee"]
    others = matches.known_of(row)[1:]
    assert [(one.name, one.login) for one in others] == [("Bo Ray", "bo"), ("Cy", None)]
    assert matches.about_of(row).author == "Cy"


def test_whoever_took_it_already_is_told_first(bench: Bench) -> None:
    def take(session: Session) -> None:
        (row,) = matches.current(session, bench.desk.job)
        matches.take(session, row, matches.Actor("bo", None, ("bo",)), ASKED_AT)

    bench.files("src/parser.py")
    bench.database.write_now(take)
    told = shown(bench.files("src/parser.py").reply).splitlines()
    assert told[3] == "Bo Ray took this on 30 November 2026 (`J-ID`)."
    assert "took this" not in shown(bench.files("src/parser.py", mode="reviewer").reply)


def test_files_are_the_same_task_in_whichever_order_they_are_named(bench: Bench) -> None:
    bench.files(GATEWAY, "src/parser.py")

    def decline(session: Session) -> None:
        (row,) = matches.current(session, bench.desk.job)
        matches.decline(session, row, matches.Actor("ann", None, ("ann",)), "busy", utc_now())

    bench.database.write_now(decline)
    told = shown(bench.files("src/parser.py", GATEWAY).reply)
    assert "Left out: Ann Lee (has declined)." in told


def test_who_declined_this_very_task_is_not_named_again(bench: Bench) -> None:
    bench.files(GATEWAY)

    def decline(session: Session) -> None:
        (row,) = matches.current(session, bench.desk.job)
        matches.decline(session, row, matches.Actor("ann", None, ("ann",)), "busy", utc_now())

    bench.database.write_now(decline)
    told = shown(bench.files(GATEWAY).reply)
    assert "Left out: Ann Lee (has declined)." in told
    assert bench.files("src/parser.py", GATEWAY).text.startswith("Ann Lee")
