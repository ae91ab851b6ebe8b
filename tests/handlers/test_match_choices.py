"""What people decide about a match, and what they read."""

from collections.abc import AsyncGenerator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from inline_snapshot import snapshot
from sqlmodel import Session, select

from handlers import Tier
from jobs.requests import Wanted
from storage import people
from storage.clock import utc_now
from storage.database import Database
from storage.ids import JobId
from storage.match_events import Event, Happened, note
from storage.tables.matching import MatchRow
from storage.tables.people import AccountRow
from storage.tables.trust import AuditRow
from tests.fakes.chat import Chat, chatting
from tests.fakes.code_host import ScriptedHost
from tests.fakes.matching import Matching

ISSUE = Wanted(named="#12", number=12, title="Reconnect")
PULL = Wanted(named="#13", number=13, title="Faster", files=("src/a.py",), is_pull=True)


@pytest.fixture
async def chat(sqlite: Database, valkey_url: str, tmp_path: Path) -> AsyncGenerator[Chat]:
    host = ScriptedHost(tasks={12: ISSUE, 13: PULL, 14: Wanted(named="#14", number=14)})
    async with chatting(sqlite, valkey_url, tmp_path, host=host) as chat:
        chat.work = Matching(sqlite)
        chat.platform.tiers |= dict.fromkeys(("ana", "bo", "dee", "stranger"), Tier.READ)
        for name in ("ana", "bo"):
            await chat.link(name, name)
        yield chat


async def matched(chat: Chat, what: str = "#12") -> JobId:
    """Ann asks; Ana is named."""
    await chat.say(f"@gryph match {what}")
    return JobId((await chat.newest_job()).id)


def rows(chat: Chat, job: JobId, target: str = "#12") -> list[tuple[str, str]]:
    def read(session: Session) -> Sequence[MatchRow]:
        found = select(MatchRow).where(MatchRow.job_id == job, MatchRow.target == target)
        return session.exec(found).all()

    return [(row.person_key, row.state) for row in chat.database.read_now(read)]


async def test_buttons_stand_under_the_match(chat: Chat) -> None:
    assert await chat.say("@gryph match #12") == snapshot("""\
[match succeeded: named]
---
Ana Lovelace

  Take             gryph ask "match J-ID take"
  Decline          gryph ask "match J-ID decline"
  Suggest someone  gryph ask "match J-ID suggest"
  Assign           gryph ask "match J-ID assign"\
""")


async def test_the_one_who_is_named_takes_it_however_often_they_press(chat: Chat) -> None:
    job = await matched(chat)
    first = await chat.say(f"/gryph match {job} take", by="ana")
    assert first == snapshot("""\
Ana Lovelace takes `#12`.

  Assign  gryph ask "match J-ID assign"\
""")
    assert await chat.say(f"@gryph match take {job}", by="ana") == first
    assert rows(chat, job) == [("ana@home", "taken")]


async def test_somebody_else_may_take_it_and_nobody_after_them(chat: Chat) -> None:
    job = await matched(chat)
    answer = await chat.say(f"@gryph match take {job}", by="bo")
    assert "Bo Diddley takes `#12`, for which Ana Lovelace was named." in answer
    assert "Bo Diddley has `#12` already" in await chat.say(f"@gryph match take {job}", by="ana")
    assert rows(chat, job) == [("ana@home", "reassigned"), ("bo@home", "taken")]


async def test_whoever_is_not_known_to_the_repository_is_told_how_to_be(chat: Chat) -> None:
    job = await matched(chat)
    answer = await chat.say(f"@gryph match take {job}", by="dee")
    assert "dee takes `#12`" in answer
    assert "link github:YOUR-LOGIN" in answer


async def test_a_refusal_names_the_next_and_asks_why(chat: Chat) -> None:
    job = await matched(chat)
    assert await chat.say(f"/gryph match {job} decline", by="ana") == snapshot("""\
Ana Lovelace passes. Now named for `#12`: Bo Diddley.

- reviewed 3 of 5

  Take             gryph ask "match J-ID take"
  Decline          gryph ask "match J-ID decline 2"
  Suggest someone  gryph ask "match J-ID suggest"
  Assign           gryph ask "match J-ID assign"

Why?

  Too busy     gryph ask "match J-ID decline busy"
  Away         gryph ask "match J-ID decline away"
  Not my area  gryph ask "match J-ID decline not-mine"\
""")
    again = await chat.say(f"/gryph match {job} decline busy", by="ana")
    assert "Ana Lovelace passes (busy). Now named for `#12`: Bo Diddley." in again
    assert rows(chat, job) == [("ana@home", "declined"), ("bo@home", "open")]


async def test_pressing_decline_twice_passes_over_one_person(chat: Chat) -> None:
    job = await matched(chat)
    for _ in range(3):
        answer = await chat.say(f"/gryph match {job} decline", by="ann")
        assert "Ana Lovelace is passed over. Now named for `#12`: Bo Diddley." in answer
    assert rows(chat, job) == [("ana@home", "declined"), ("bo@home", "open")]
    await chat.say(f"/gryph match {job} decline 2 on another project", by="ann")
    answer = await chat.say(f"/gryph match {job} decline 3", by="ann")
    assert "Nobody else of the ranking is left" in answer
    assert await chat.say(f"/gryph match {job} decline 3", by="ann") == answer
    assert [state for _, state in rows(chat, job)] == ["declined"] * 3


async def test_only_who_has_a_say_declines_for_others(chat: Chat) -> None:
    job = await matched(chat)
    answer = await chat.say(f"@gryph match decline {job}", by="bo")
    assert "Only Ana Lovelace, who asked for" in answer
    assert rows(chat, job) == [("ana@home", "open")]


async def test_in_its_thread_a_match_needs_no_id(chat: Chat) -> None:
    chat.thread = "17.1"
    job = await matched(chat)
    assert "Ana Lovelace takes" in await chat.say("@gryph match take", by="ana")
    chat.thread = "18.1"
    assert "Which match?" in await chat.say("@gryph match take", by="ana")
    assert rows(chat, job) == [("ana@home", "taken")]


async def test_suggesting_offers_the_rest_of_the_ranking(chat: Chat) -> None:
    job = await matched(chat)
    assert await chat.say(f"@gryph match suggest {job}") == snapshot("""\
Who else? Say `/gryph match suggest J-ID @somebody`, or choose of the ranking:

  Bo Diddley  gryph ask "match suggest J-ID bo"
  Cy Twombly  gryph ask "match suggest J-ID Cy Twombly"\
""")


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ("@bo", "bo@home"),
        ("Bo", "bo@home"),
        ("cy twombly", "cy@home"),
        ("@U-bo", "bo@home"),
        ("@newcomer", "login:newcomer"),
    ],
)
async def test_whom_people_name_is_named(chat: Chat, said: str, key: str) -> None:
    job = await matched(chat)
    answer = await chat.say(f"@gryph match suggest {job} {said}", by="dee")
    assert "is named for `#12` now." in answer
    assert rows(chat, job) == [("ana@home", "reassigned"), (key, "open")]
    assert await chat.say(f"@gryph match suggest {job} {said}", by="dee") == answer
    assert len(rows(chat, job)) == 2


async def test_who_is_meant_has_to_be_clear(chat: Chat) -> None:
    job = await matched(chat)
    answer = await chat.say(f"@gryph match suggest {job} some body else")
    assert "I know nobody called `some body else`" in answer
    assert rows(chat, job) == [("ana@home", "open")]


async def test_an_explicit_wish_wins_with_a_warning(chat: Chat) -> None:
    job = await matched(chat)
    await chat.say("@gryph config me away=1w capacity=1 matching=off", by="bo")
    await chat.say(f"@gryph match take {await matched(chat, '#14')}", by="bo")
    answer = await chat.say(f"@gryph match suggest {job} @bo")
    assert "Bo Diddley is named for `#12` now. Bo Diddley is away until " in answer
    assert "has asked not to be named, holds 1 of at most 1; asked anyway." in answer
    await chat.say(f"@gryph match decline {job}", by="bo")
    answer = await chat.say(f"@gryph match suggest {job} @bo")
    assert "declined this before; asked anyway." in answer


async def test_assigning_needs_write_access_on_the_host(chat: Chat) -> None:
    job = await matched(chat)
    answer = await chat.say(f"@gryph match assign {job}", by="dee")
    assert "link your GitHub account" in answer
    assert "has no write access" in await chat.say(f"@gryph match assign {job}", by="bo")
    assert chat.platform.assigned == []
    chat.platform.tiers["bo"] = Tier.WRITE
    answer = await chat.say(f"@gryph match assign {job}", by="bo")
    assert answer == "Ana Lovelace is assigned to o/r#12."
    assert await chat.say(f"@gryph match assign {job}", by="bo") == answer
    (first, _) = chat.platform.assigned
    assert (first.number, first.login, first.is_review) == (12, "ana", False)
    assert first.requested_by.name == "bo"
    assert rows(chat, job) == [("ana@home", "assigned")]


async def test_of_a_pull_request_a_review_is_asked_for(chat: Chat) -> None:
    chat.platform.tiers["bo"] = Tier.WRITE
    job = await matched(chat, "#13")
    answer = await chat.say(f"@gryph match assign {job} @cy", by="bo")
    assert "I do not know Cy Twombly's account" in answer
    answer = await chat.say(f"@gryph match assign {job} @newcomer", by="bo")
    assert answer == "newcomer is asked to review o/r#13."
    assert chat.platform.assigned[0].is_review
    assert rows(chat, job, "#13")[-1] == ("login:newcomer", "assigned")


async def test_what_is_on_no_host_cannot_be_assigned(chat: Chat) -> None:
    job = await matched(chat, "src/a.py")
    assert "there is nothing to assign" in await chat.say(f"@gryph match assign {job}")
    assert "takes `src/a.py`" in await chat.say(f"@gryph match take {job}", by="ana")


async def test_of_several_tasks_one_has_to_be_named(chat: Chat) -> None:
    job = await matched(chat, "#12 #14")
    assert "Which of them?" in await chat.say(f"@gryph match take {job}", by="ana")
    assert "Ana Lovelace takes `#14`" in await chat.say(f"/gryph match {job} take #14", by="ana")
    assert "decline #12 2" in await chat.say(f"/gryph match {job} decline #12", by="ana")
    assert rows(chat, job, "#14") == [("ana@home", "taken")]
    assert rows(chat, job) == [("ana@home", "declined"), ("bo@home", "open")]


async def test_what_is_closed_is_over(chat: Chat) -> None:
    job = await matched(chat)
    closed = Happened(Event.CLOSED, "o/r", 12, utc_now(), "ann")
    await chat.database.write(lambda s: note(s, closed))
    assert "is closed by now" in await chat.say(f"@gryph match take {job}", by="ana")


async def test_a_job_that_named_nobody_or_is_out_of_reach_is_none(chat: Chat) -> None:
    job = await matched(chat, "who src/a.py")
    assert "named nobody" in await chat.say(f"@gryph match take {job}")
    assert "I know no job" in await chat.say("@gryph match take J000000")


async def test_decisions_are_audited(chat: Chat) -> None:
    job = await matched(chat)
    await chat.say(f"@gryph match decline {job} busy", by="ana")
    lines = await chat.database.read(lambda s: s.exec(select(AuditRow)).all())
    last = max(lines, key=lambda line: line.seq)
    assert (last.actor, last.action) == ("slack:U-ana", "match")
    assert last.detail["line"] == f"match decline {job} busy"


async def test_how_a_match_came_about_is_explained_without_addresses(chat: Chat) -> None:
    told = await chat.say(f"@gryph explain {await matched(chat)}")
    assert "@home" not in told
    assert told.partition("Who was named")[2].partition("When (UTC)")[0] == snapshot("""\
 for #12
─────────────────────

Looked at: 1 file and 2 words that tell something.

Person        By the history alone  Why
Ana Lovelace                  70 %  4 of 6 files changed in the last 90 days
Bo Diddley                    25 %  reviewed 3 of 5
Cy Twombly

Left out: Dee Dee: away until 4 December.

""")


async def test_what_became_of_matches_is_told_in_numbers(chat: Chat) -> None:
    assert "Nobody has been named" in await chat.say("@gryph match outcomes")
    await chat.say(f"@gryph match take {await matched(chat)}", by="ana")
    await chat.say(f"@gryph match take {await matched(chat, '#14')}", by="bo")
    await chat.say(f"@gryph match decline {await matched(chat, '#13')} busy", by="ana")

    def wait(session: Session) -> None:
        for row in session.exec(select(MatchRow)).all():
            if row.responded_at is not None:
                row.responded_at = row.suggested_at + timedelta(minutes=90)

    await chat.database.write(wait)
    assert await chat.say("@gryph match outcomes") == snapshot("""\
3 tasks of o/r for which somebody was named
───────────────────────────────────────────

What became of them                  Tasks
Done by who was named               1 of 2
Done by somebody else               1 of 2
Nobody has it, as far as is known        1
Somebody declined                        1
Time to the first response, median   1.5 h\
""")


async def test_a_linked_name_is_enough_where_no_login_is_known(chat: Chat) -> None:
    def write(session: Session) -> None:
        now = utc_now()
        person = people.person_of(session, platform="slack", account="U-dee", name="dee", now=now)
        other = AccountRow(
            person_id=person, platform="discord", account="9", name="Cy Twombly", linked_at=now
        )
        session.add(other)

    job = await matched(chat)
    await chat.database.write(write)
    assert "Cy Twombly takes `#12`" in await chat.say(f"@gryph match take {job}", by="dee")
