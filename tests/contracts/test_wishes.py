"""Wishes on both databases."""

from datetime import UTC, datetime

from sqlmodel import Session

from storage import wishes
from storage.database import Database

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


async def test_a_wish_holds_until_it_is_replaced_or_unset(database: Database) -> None:
    def work(session: Session) -> list[str | bool | None]:
        seen: list[str | bool | None] = [wishes.get(session, "slack:T1:C1", "style")]
        for value in ("pytest", "unittest"):
            wishes.put(session, "slack:T1:C1", "style", value, NOW)
            seen.append(wishes.get(session, "slack:T1:C1", "style"))
        seen.append(wishes.unset(session, "slack:T1:C1", "style"))
        seen.append(wishes.get(session, "slack:T1:C1", "style"))
        seen.append(wishes.unset(session, "slack:T1:C1", "style"))
        return seen

    assert await database.write(work) == [None, "pytest", "unittest", True, None, False]


async def test_scopes_do_not_see_each_other(database: Database) -> None:
    def work(session: Session) -> dict[str, str]:
        wishes.put(session, "person:1", "style", "unittest", NOW)
        wishes.put(session, "person:1", "budget", "9", NOW)
        wishes.put(session, "person:2", "style", "pytest", NOW)
        return wishes.of_scope(session, "person:1")

    assert await database.write(work) == {"budget": "9", "style": "unittest"}
