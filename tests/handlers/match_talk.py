"""A conversation in which people decide about matches."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from sqlmodel import Session, select

from handlers import Tier
from jobs.requests import Wanted
from storage.clock import utc_now
from storage.database import Database
from storage.ids import JobId
from storage.match_events import Event, Happened, note
from storage.tables.matching import MatchRow
from tests.fakes.chat import Chat, chatting
from tests.fakes.code_host import ScriptedHost
from tests.fakes.matching import Matching

ISSUE = Wanted(named="#12", number=12, title="Reconnect")
PULL = Wanted(named="#13", number=13, title="Faster", files=("src/a.py",), is_pull=True)
BOS = Wanted(named="#15", number=15, title="Safer", author="Bo", is_pull=True)


@asynccontextmanager
async def deciding(database: Database, valkey_url: str, folder: Path) -> AsyncGenerator[Chat]:
    """A conversation before a code host, in which Ana, Bo and Cy are named for everything."""
    tasks = {12: ISSUE, 13: PULL, 14: Wanted(named="#14", number=14), 15: BOS}
    host = ScriptedHost(tasks=tasks)
    async with chatting(database, valkey_url, folder, host=host) as chat:
        chat.work = Matching(database)
        chat.platform.tiers |= dict.fromkeys(
            ("ana", "bo", "dee", "Dee Dee", "zoe", "stranger"), Tier.READ
        )
        for name in ("ana", "bo"):
            await chat.link(name, name)
        yield chat


async def matched(chat: Chat, what: str = "#12") -> JobId:
    """Ann asks; Ana is named."""
    await chat.say(f"@gryph match {what}")
    return JobId((await chat.newest_job()).id)


async def happens(chat: Chat, event: Event, who: str | None = None) -> None:
    """Ann does something on the host."""
    happened = Happened(event, "o/r", 12, utc_now(), "ann", who)
    await chat.database.write(lambda s: note(s, happened))


def rows(chat: Chat, job: JobId, target: str = "#12") -> list[tuple[str, str]]:
    """Who was named for a task, and what became of it."""

    def read(session: Session) -> Sequence[MatchRow]:
        found = select(MatchRow).where(MatchRow.job_id == job, MatchRow.target == target)
        return session.exec(found).all()

    return [(row.person_key, row.state) for row in chat.database.read_now(read)]
