"""Who is named is assigned on the code host, once, and what is said of it is so."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from sqlmodel import Session

from handlers import Assignment, Tier, UserError
from storage import matches
from storage.clock import utc_now
from storage.database import Database
from storage.match_events import Event, Happened, note
from storage.matches import Actor
from tests.fakes.chat import Chat
from tests.handlers.match_talk import deciding, happens, matched, rows


@pytest.fixture
async def chat(sqlite: Database, valkey_url: str, tmp_path: Path) -> AsyncGenerator[Chat]:
    async with deciding(sqlite, valkey_url, tmp_path) as chat:
        yield chat


async def test_assigning_needs_write_access_on_the_host(chat: Chat) -> None:
    job = await matched(chat)
    answer = await chat.say(f"@gryph match assign {job}", by="dee")
    assert "link your GitHub account" in answer
    assert "has no write access" in await chat.say(f"@gryph match assign {job}", by="bo")
    assert chat.platform.assigned == []
    chat.platform.tiers["bo"] = Tier.WRITE
    answer = await chat.say(f"@gryph match assign {job}", by="bo")
    assert answer == "Ana Lovelace is assigned to o/r#12."
    answer = await chat.say(f"@gryph match assign {job}", by="bo")
    assert answer == "Ana Lovelace is assigned to `o/r#12` already."
    (first,) = chat.platform.assigned
    assert (first.number, first.login, first.is_review) == (12, "ana", False)
    assert first.requested_by.name == "bo"
    assert rows(chat, job) == [("ana@home", "assigned")]


async def test_what_is_closed_is_not_assigned(chat: Chat) -> None:
    chat.platform.tiers["bo"] = Tier.WRITE
    job = await matched(chat)
    await happens(chat, Event.CLOSED)
    assert "is closed by now" in await chat.say(f"@gryph match assign {job}", by="bo")
    assert chat.platform.assigned == []
    assert rows(chat, job) == [("ana@home", "expired")]


@pytest.mark.parametrize(
    ("meanwhile", "told", "states"),
    [
        ("decline", " Meanwhile Bo Diddley was named for it.", ["declined", "open"]),
        ("take", " Meanwhile Bo Diddley took it.", ["reassigned", "taken"]),
        ("close", "", ["assigned"]),
    ],
)
async def test_what_happens_while_the_host_is_asked_stays_and_is_told(
    chat: Chat, meanwhile: str, told: str, states: list[str]
) -> None:
    chat.platform.tiers["bo"] = Tier.WRITE
    job = await matched(chat)
    assign = chat.platform.assign

    def write(session: Session) -> None:
        row = matches.hold(session, job, "#12")
        assert row is not None
        if meanwhile == "decline":
            matches.decline(session, row, Actor("Ana", None, ("ana",)), "busy", utc_now())
        elif meanwhile == "take":
            matches.take(session, row, Actor("Bo", None, ("bo",)), utc_now())
        else:
            note(session, Happened(Event.CLOSED, "o/r", 12, utc_now(), "ann"))

    async def slowly(assignment: Assignment) -> str:
        await chat.database.write(write)
        return await assign(assignment)

    chat.platform.assign = slowly
    answer = await chat.say(f"@gryph match assign {job}", by="bo")
    assert answer == f"Ana Lovelace is assigned to o/r#12.{told}"
    assert [one.login for one in chat.platform.assigned] == ["ana"]
    assert [state for _, state in rows(chat, job)] == states


async def test_who_declines_what_they_were_assigned_still_is_on_the_host(chat: Chat) -> None:
    chat.platform.tiers["bo"] = Tier.WRITE
    job = await matched(chat)
    await chat.say(f"@gryph match assign {job}", by="bo")
    answer = await chat.say(f"@gryph match decline {job} busy", by="ana")
    assert "passes (busy). On GitHub Ana Lovelace is still assigned; that is changed" in answer
    for choice in ("suggest", "assign"):
        job = await matched(chat, "#13")
        await chat.say(f"@gryph match assign {job}", by="bo")
        answer = await chat.say(f"@gryph match {choice} {job} @newcomer", by="bo")
        assert "On GitHub Ana Lovelace is still asked to review it; that is changed" in answer


async def test_of_a_pull_request_a_review_is_asked_for(chat: Chat) -> None:
    chat.platform.tiers["bo"] = Tier.WRITE
    job = await matched(chat, "#13")
    answer = await chat.say(f"@gryph match assign {job} @cy", by="bo")
    assert "I do not know Cy Twombly's account" in answer
    answer = await chat.say(f"@gryph match assign {job} @newcomer", by="bo")
    assert answer.startswith("newcomer is asked to review o/r#13.")
    assert chat.platform.assigned[0].is_review
    assert rows(chat, job, "#13")[-1] == ("login:newcomer", "assigned")


async def test_what_is_on_no_host_cannot_be_assigned(chat: Chat) -> None:
    job = await matched(chat, "src/a.py")
    assert "there is nothing to assign" in await chat.say(f"@gryph match assign {job}")
    assert "takes `src/a.py`" in await chat.say(f"@gryph match take {job}", by="ana")


async def test_what_the_host_refuses_leaves_all_as_it_was(chat: Chat) -> None:
    chat.platform.tiers["bo"] = Tier.WRITE
    job = await matched(chat)
    await chat.say(f"@gryph match take {job}", by="ana")

    async def refuses(assignment: Assignment) -> str:
        raise UserError(f"GitHub does not let `{assignment.login}` be assigned.")

    chat.platform.assign = refuses
    answer = await chat.say(f"@gryph match assign {job} @ghosty", by="bo")
    assert "GitHub does not let `ghosty` be assigned." in answer
    assert rows(chat, job) == [("ana@home", "taken")]


async def test_what_somebody_has_by_another_answer_is_not_assigned_past_them(chat: Chat) -> None:
    chat.platform.tiers["bo"] = Tier.WRITE
    first, second = await matched(chat), await matched(chat)
    await chat.say(f"@gryph match take {first}", by="bo")
    answer = await chat.say(f"@gryph match assign {second}", by="bo")
    assert "Bo Diddley has `#12` already" in answer
    assert chat.platform.assigned == []
    answer = await chat.say(f"@gryph match assign {second} @bo", by="bo")
    assert answer.startswith("Bo Diddley is assigned to o/r#12.")
