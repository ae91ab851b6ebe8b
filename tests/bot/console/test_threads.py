"""The threads' storage when several gateways write at once."""

import asyncio
from collections.abc import Iterator

import pytest
from sqlmodel import Session

from storage import console
from storage.clock import utc_now
from storage.console import MessageKind, NewMessage, NoConversation
from storage.database import Database
from tests.bot.console.gateway import Gateway


@pytest.fixture
def elsewhere(gateway: Gateway) -> Iterator[Database]:
    """The same database as another gateway opens it."""
    database = Database(gateway.database.url)
    yield database
    database.close()


async def test_the_same_key_from_two_gateways_is_one_message_and_changes_have_one_order(
    gateway: Gateway, elsewhere: Database
) -> None:
    def begin(session: Session) -> None:
        console.open_conversation(session, "C1", "api:ann", utc_now())

    async def add(database: Database, number: int) -> int | None:
        new = NewMessage("C1", f"key {number}", MessageKind.ANSWER, {"number": number})
        row = await database.write(lambda session: console.add(session, new, utc_now()))
        return row.id

    databases = (gateway.database, elsewhere)
    await asyncio.gather(*(database.write(begin) for database in databases))
    ids = await asyncio.gather(
        *(add(database, number) for number in range(10) for database in databases)
    )
    assert ids[::2] == ids[1::2]
    rows = gateway.database.read_now(lambda s: console.changed_after(s, "C1", 0, 100))
    assert [row.change for row in rows] == list(range(1, 11))


async def test_a_message_for_a_thread_nobody_began_is_refused(gateway: Gateway) -> None:
    new = NewMessage("C1", "key", MessageKind.ANSWER, {})
    with pytest.raises(NoConversation):
        await gateway.database.write(lambda session: console.add(session, new, utc_now()))
