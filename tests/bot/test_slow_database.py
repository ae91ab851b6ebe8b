"""The API while somebody else holds the database: an answer in time, and nothing twice later."""

import asyncio
import sqlite3
import time
from collections.abc import Generator
from contextlib import closing, contextmanager

import httpx
from sqlmodel import Session, select

from bot.intake import ACCEPT_S
from storage.tables.console import ConsoleConversationRow, ConsoleMessageRow
from tests.bot.console.gateway import Gateway


@contextmanager
def locked(gateway: Gateway) -> Generator[None]:
    """Another process is in the middle of a write."""
    with closing(sqlite3.connect(gateway.home / "gryph.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


def stored(session: Session) -> tuple[int, int]:
    """How many conversations and messages there are."""
    conversations = session.exec(select(ConsoleConversationRow.id)).all()
    return len(conversations), len(session.exec(select(ConsoleMessageRow.id)).all())


async def settled(gateway: Gateway) -> tuple[int, int]:
    """The same, once nothing waits to be written any more."""
    await gateway.database.write(lambda _: None)
    return await gateway.database.read(stored)


async def test_a_message_is_refused_in_time_and_taken_once_when_it_is_sent_again(
    gateway: Gateway, client: httpx.AsyncClient
) -> None:
    headers = gateway.token() | {"Idempotency-Key": "once"}

    async def post() -> httpx.Response:
        return await client.post("/api/v1/messages", headers=headers, json={"text": "help"})

    with locked(gateway):
        started = time.monotonic()
        refused = await asyncio.gather(post(), post(), post())
        assert time.monotonic() - started < 2 * ACCEPT_S
    for answer in refused:
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert "send it again" in answer.json()["detail"]
    assert await settled(gateway) == (0, 0)
    taken = [await post(), await post()]
    assert [answer.status_code for answer in taken] == [202, 202]
    assert taken[0].json() == taken[1].json()
    assert await settled(gateway) == (1, 1)
    assert len(gateway.intake.events) == 1


async def test_a_reader_is_told_in_time_too(gateway: Gateway, client: httpx.AsyncClient) -> None:
    headers = gateway.token()
    posted = await client.post("/api/v1/messages", headers=headers, json={"text": "help"})
    path = f"/api/v1/conversations/{posted.json()['conversation']}"
    with locked(gateway):
        started = time.monotonic()
        answer = await client.get(f"{path}/events", headers=headers)
        assert time.monotonic() - started < 2 * ACCEPT_S
        assert answer.status_code == 503
        assert (await client.get(path, headers=headers)).status_code == 200, "reading needs no lock"
