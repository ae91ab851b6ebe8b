"""What people decide about a match, and what they read."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import pytest
from inline_snapshot import snapshot
from sqlmodel import Session, select

from storage import people
from storage.clock import utc_now
from storage.database import Database
from storage.match_events import Event
from storage.tables.matching import MatchRow
from storage.tables.people import AccountRow
from storage.tables.trust import AuditRow
from tests.fakes.chat import Chat
from tests.handlers.match_talk import deciding, happens, matched, rows


@pytest.fixture
async def chat(sqlite: Database, valkey_url: str, tmp_path: Path) -> AsyncGenerator[Chat]:
    async with deciding(sqlite, valkey_url, tmp_path) as chat:
        yield chat


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


async def test_what_somebody_took_from_one_answer_nobody_takes_from_another(chat: Chat) -> None:
    first, second = await matched(chat), await matched(chat)
    await chat.say(f"@gryph match take {first}", by="ana")
    answer = await chat.say(f"@gryph match take {second}", by="bo")
    assert "Ana Lovelace has `#12` already (`J-ID`)" in answer
    assert rows(chat, second) == [("ana@home", "open")]
    answer = await chat.say(f"@gryph match suggest {second} @cy")
    assert "Cy Twombly is named for `#12` now. Ana Lovelace has it already (`J-ID`)." in answer
    assert "already" not in await chat.say(f"@gryph match suggest {second} @ana")
    assert "Ana Lovelace takes" in await chat.say(f"@gryph match take {second}", by="ana")
    for job in (first, second):
        await chat.say(f"@gryph match decline {job} busy", by="ana")
    assert "Bo Diddley takes" in await chat.say(f"@gryph match take {second}", by="bo")


async def test_who_takes_it_after_all_has_not_declined_it(chat: Chat) -> None:
    job = await matched(chat)
    await chat.say(f"@gryph match decline {job}", by="ana")
    await chat.say(f"@gryph match take {job}", by="ana")
    answer = await chat.say(f"@gryph match suggest {await matched(chat)} @bo")
    assert "Bo Diddley is named" in answer
    answer = await chat.say(f"@gryph match suggest {await matched(chat)} @ana")
    assert "declined this before" not in answer


async def test_one_file_may_be_worked_on_by_several(chat: Chat) -> None:
    first, second = await matched(chat, "src/a.py"), await matched(chat, "src/a.py")
    await chat.say(f"@gryph match take {first}", by="ana")
    assert "Bo Diddley takes" in await chat.say(f"@gryph match take {second}", by="bo")


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

  Why: too busy     gryph ask "match J-ID decline busy"
  Why: away         gryph ask "match J-ID decline away"
  Why: not my area  gryph ask "match J-ID decline not-mine"\
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
    await chat.say(f"/gryph match {job} decline 2", by="ann")
    answer = await chat.say(f"/gryph match {job} decline 3", by="ann")
    assert "Nobody else of the ranking is left" in answer
    assert await chat.say(f"/gryph match {job} decline 3", by="ann") == answer
    assert [state for _, state in rows(chat, job)] == ["declined"] * 3


@pytest.mark.parametrize("by", ["ann", "ana"])
async def test_a_reason_may_begin_with_a_number(chat: Chat, by: str) -> None:
    job = await matched(chat)
    answer = await chat.say(f"@gryph match decline {job} 2 weeks on another project", by=by)
    assert "(2 weeks on another project). Now named for `#12`: Bo Diddley." in answer
    assert rows(chat, job) == [("ana@home", "declined"), ("bo@home", "open")]


async def test_why_somebody_was_passed_over_may_be_said_later(chat: Chat) -> None:
    job = await matched(chat)
    for turn in ("", " 2"):
        await chat.say(f"/gryph match {job} decline{turn}", by="ann")
    for _ in range(2):
        answer = await chat.say(f"@gryph match decline {job} 2 too busy", by="ann")
        assert "Bo Diddley is passed over (too busy). Now named for `#12`: Cy Twombly." in answer
    assert [state for _, state in rows(chat, job)] == ["declined", "declined", "open"]
    answer = await chat.say(f"@gryph match decline {job} on holiday until May", by="ann")
    assert answer.startswith("Cy Twombly is passed over (on holiday until May).")
    kept = select(MatchRow.reason).where(MatchRow.job_id == job)
    assert chat.database.read_now(lambda s: s.exec(kept).all()) == [
        "",
        "too busy",
        "on holiday until May",
    ]


async def test_an_old_refusal_tells_what_came_after_it(chat: Chat) -> None:
    job = await matched(chat)
    await chat.say(f"@gryph match suggest {job} @bo", by="ann")
    answer = await chat.say(f"/gryph match {job} decline", by="ann")
    assert "Ana Lovelace is not named any more. Now named for `#12`: Bo Diddley." in answer
    await chat.say(f"/gryph match {job} decline", by="bo")
    await chat.say(f"@gryph match suggest {job} @bo", by="ann")
    answer = await chat.say(f"/gryph match {job} decline 2", by="ann")
    assert "Bo Diddley was passed over before. Now named for `#12`: Bo Diddley." in answer
    assert "decline 4" in answer
    await chat.say(f"@gryph match take {job}", by="ana")
    answer = await chat.say(f"/gryph match {job} decline 2", by="ann")
    assert answer == "Bo Diddley is passed over. Ana Lovelace has `#12` now."
    answer = await chat.say(f"/gryph match {job} decline", by="bo")
    assert "Bo Diddley passes. Ana Lovelace has `#12` now." in answer
    assert "Nobody was named as number 7" in await chat.say(
        f"/gryph match {job} decline 7", by="ann"
    )


async def test_only_who_has_a_say_declines_for_others(chat: Chat) -> None:
    job = await matched(chat)
    answer = await chat.say(f"@gryph match decline {job}", by="bo")
    assert "Only Ana Lovelace, whoever asked for" in answer
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

  Bo Diddley  gryph ask "match suggest J-ID 2"
  Cy Twombly  gryph ask "match suggest J-ID 3"\
""")


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ("@bo", "bo@home"),
        ("Bo", "bo@home"),
        ("cy twombly", "cy@home"),
        ("@U-bo", "bo@home"),
        ("Dee", "dee@home"),
        ("@Dee Dee", "dee@home"),
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
    answer = await chat.say(f"@gryph match suggest {job} Robert")
    assert "I know nobody called `Robert` here: name an account" in answer
    for nobody in ("@", ".", "!", "<@>"):
        assert "Whom?" in await chat.say(f"@gryph match suggest {job} {nobody}")
    assert rows(chat, job) == [("ana@home", "open")]


async def test_of_a_login_that_nobody_has_seen_that_is_said(chat: Chat) -> None:
    job = await matched(chat)
    answer = await chat.say(f"@gryph match suggest {job} @robert")
    assert "robert has not been seen here before; asked anyway." in answer
    await chat.link("zoe", "zoe")
    assert "not been seen" not in await chat.say(f"@gryph match suggest {job} @zoe")


async def test_who_was_left_out_is_named_with_a_warning_as_anybody_is(chat: Chat) -> None:
    job = await matched(chat)
    await chat.link("Dee Dee", "deedee")
    await chat.say("@gryph config me away=1w", by="Dee Dee")
    answer = await chat.say(f"@gryph match suggest {job} @Dee Dee")
    assert "Dee Dee is named for `#12` now. Dee Dee is away until " in answer
    assert rows(chat, job)[-1] == ("dee@home", "open")


async def test_who_was_left_out_and_takes_it_is_no_stranger(chat: Chat) -> None:
    job = await matched(chat)
    await chat.link("Dee Dee", "deedee")
    answer = await chat.say(f"@gryph match take {job}", by="Dee Dee")
    assert "Dee Dee takes `#12`, for which Ana Lovelace was named." in answer
    assert "I cannot tell" not in answer
    assert rows(chat, job)[-1] == ("dee@home", "taken")


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


async def test_nobody_reviews_what_they_wrote_themselves(chat: Chat) -> None:
    job = await matched(chat, "#15")
    answer = await chat.say(f"@gryph match take {job}", by="bo")
    assert answer == "`#15` is Bo Diddley's own, so somebody else has to review it."
    answer = await chat.say(f"@gryph match suggest {job} @bo", by="ana")
    assert "is Bo Diddley's own" in answer
    assert rows(chat, job, "#15") == [("ana@home", "open")]


async def test_of_several_tasks_one_has_to_be_named(chat: Chat) -> None:
    job = await matched(chat, "#12 #14")
    assert "Which of them?" in await chat.say(f"@gryph match take {job}", by="ana")
    assert "Ana Lovelace takes `#14`" in await chat.say(f"/gryph match {job} take #14", by="ana")
    assert "decline #12 2" in await chat.say(f"/gryph match {job} decline #12", by="ana")
    assert rows(chat, job, "#14") == [("ana@home", "taken")]
    assert rows(chat, job) == [("ana@home", "declined"), ("bo@home", "open")]


async def test_what_is_closed_is_over_and_what_is_opened_again_is_not(chat: Chat) -> None:
    job = await matched(chat)
    await happens(chat, Event.CLOSED)
    assert "is closed by now" in await chat.say(f"@gryph match take {job}", by="ana")
    await happens(chat, Event.REOPENED)
    assert rows(chat, job) == [("ana@home", "open")]
    await happens(chat, Event.ASSIGNED, "bo")
    assert rows(chat, job) == [("ana@home", "reassigned"), ("bo@home", "assigned")]


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
    await matched(chat)
    await matched(chat, "#13")

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


async def test_who_declines_gives_up_what_they_took_from_another_answer(chat: Chat) -> None:
    first, second = await matched(chat), await matched(chat)
    await chat.say(f"@gryph match take {first}", by="ana")
    await chat.say(f"@gryph match decline {second} busy", by="ana")
    assert [state for _, state in rows(chat, first)] == ["declined", "open"]
    assert "Bo Diddley takes `#12`." in await chat.say(f"@gryph match take {second}", by="bo")


async def test_a_group_is_nobody_and_a_place_in_the_ranking_somebody(chat: Chat) -> None:
    job = await matched(chat)
    for said in ("<!here>", "@everyone", "@Channel"):
        answer = await chat.say(f"@gryph match suggest {job} {said}")
        assert answer == "That is nobody in particular: name one person."
    assert "Cy Twombly is named" in await chat.say(f"@gryph match suggest {job} 3", by="ann")
    assert "I know nobody called `7`" in await chat.say(f"@gryph match suggest {job} 7", by="ann")


async def test_a_name_that_stands_for_a_mention_is_whose_account_it_is(chat: Chat) -> None:
    job = await matched(chat)
    answer = await chat.say(f"@gryph match suggest {job} @cy", cy="U-bo")
    assert answer.startswith("Bo Diddley is named for `#12` now."), "whoever is called cy here"
    answer = await chat.say(f"@gryph match suggest {job} @ana", ana="U-nobody")
    assert answer.startswith("I cannot tell who of the repository `@ana` is")
    answer = await chat.say("@gryph match #12 @ana", ana="U-nobody")
    assert answer.startswith("I cannot tell who of the repository `@ana` is")
