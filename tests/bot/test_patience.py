"""An event whose handling fails is tried again; its gateways' ends are not held against it."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, select

from bot.dispatch import TRIED_FOR
from handlers import Invocation, Standing
from storage import inbox
from storage.clock import utc_now
from storage.database import Database
from storage.tables.inbox import InboxRow
from tests.fakes.chat import Chat, chatting
from tests.jobs.asked import ANN, PLACE
from tests.jobs.waiting import until


@pytest.fixture
async def chat(sqlite: Database, valkey_url: str, tmp_path: Path) -> AsyncGenerator[Chat]:
    async with chatting(sqlite, valkey_url, tmp_path) as chat:
        yield chat


async def broken(invocation: Invocation) -> Standing:
    raise RuntimeError(f"our fault, with {invocation.text}")


async def taken_for_the_ninth_time(chat: Chat, age: timedelta) -> InboxRow:
    """As it is after eight gateways were killed."""
    heard = utc_now() - age
    said = Invocation(
        caller=ANN, place=PLACE, text="@gryph test a.py", addressed=True, received_at=heard
    )

    def write(session: Session) -> None:
        inbox.claim(session, "slack", said.model_dump(mode="json"), ["e"], heard, holder=None)
        session.exec(select(InboxRow)).one().attempts = 8
        session.flush()

    await chat.database.write(write)
    await until(lambda: (row := _row(chat)).error is not None or row.handled_at is not None)
    return _row(chat)


def _row(chat: Chat) -> InboxRow:
    return chat.database.read_now(lambda s: s.exec(select(InboxRow)).one())


async def test_a_fresh_event_is_not_given_up_for_one_failure(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat.platform, "standing", broken)
    row = await taken_for_the_ninth_time(chat, timedelta(seconds=5))
    assert (row.attempts, row.handled_at) == (9, None)
    assert row.next_try_at <= utc_now() + timedelta(seconds=60)
    assert chat.platform.messages == []


async def hung(invocation: Invocation) -> Standing:
    await asyncio.sleep(3600)
    raise AssertionError(invocation.text)


async def test_an_event_that_hangs_makes_way_and_is_tried_again(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.dispatch.HANDLED_S", 0.3)
    monkeypatch.setattr(chat.platform, "standing", hung)
    row = await taken_for_the_ninth_time(chat, timedelta(seconds=5))
    assert (row.error, row.handled_at) == ("TimeoutError()", None)


async def test_a_line_longer_than_memory_is_handled_whole(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.intake.WAITING", 4)
    monkeypatch.setattr("bot.dispatch.LEAST_TAKEN", 2)
    said = Invocation(
        caller=ANN, place=PLACE, text="@gryph help", addressed=True, received_at=utc_now()
    )
    payload = said.model_dump(mode="json")

    def write(session: Session) -> None:
        for number in range(30):
            inbox.claim(session, "slack", payload, [f"e{number}"], utc_now(), holder=None)

    await chat.database.write(write)
    await until(lambda: len(chat.platform.messages) == 30)
    rows = chat.database.read_now(lambda s: s.exec(select(InboxRow)).all())
    assert {row.attempts for row in rows} == {1}


async def test_what_failed_for_long_is_given_up_and_its_person_is_told(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat.platform, "standing", broken)
    row = await taken_for_the_ninth_time(chat, TRIED_FOR + timedelta(seconds=5))
    assert row.handled_at is not None
    await until(lambda: len(chat.platform.messages) == 1)
    assert "I could not handle this" in chat.platform.messages[0].texts[-1]
