"""An event whose handling fails is tried again; its gateways' ends are not held against it."""

import asyncio
import itertools
import re
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, select

from bot.dispatch import TRIED_FOR
from bot.face import Busy
from bot.trigger import Trigger
from handlers import Invocation, Standing
from jobs.requests import JobRequest
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


async def test_a_line_that_cannot_be_handled_takes_nothing_from_those_that_were(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.dispatch.TRIED_FOR", timedelta(0))
    monkeypatch.setattr("bot.dispatch.LONGEST_WAIT_S", 0.05)
    works = Trigger.hold

    async def hold(self: Trigger, request: JobRequest, invocation: Invocation) -> JobRequest:
        if getattr(request, "path", "") == "b.py":
            raise RuntimeError("our fault")
        return await works(self, request, invocation)

    monkeypatch.setattr(Trigger, "hold", hold)
    await chat.send("@gryph test a.py\n@gryph test b.py")
    await until(lambda: _row(chat).handled_at is not None)
    await chat.until_quiet()
    assert [job.line for job in await chat.jobs()] == ["test a.py"]
    assert "I could not handle this" in chat.read()


async def test_one_command_counts_once_however_often_it_is_tried(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.dispatch.LONGEST_WAIT_S", 0.05)
    works, tries = Trigger.hold, itertools.count(1)

    async def hold(self: Trigger, request: JobRequest, invocation: Invocation) -> JobRequest:
        if next(tries) <= 2:
            raise Busy("503", retry_after_s=0.1)
        return await works(self, request, invocation)

    before = left(await chat.say("@gryph quota"))
    monkeypatch.setattr(Trigger, "hold", hold)
    await chat.send("@gryph test a.py")
    await until(lambda: any("3 tests" in each.texts[-1] for each in chat.platform.messages))
    assert left(await chat.say("@gryph quota")) == before - 2


def left(quota: str) -> int:
    """Commands that the caller has left."""
    found = re.search(r"You: (\d+) of", quota)
    assert found is not None, quota
    return int(found[1])
