"""Makes the backup that shows what this version keeps, for later versions to bring forward.

`python -m tests.contracts.landed` writes `<revision>.backup` beside this file, once: with each
version that lands a new revision of the schema.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from storage import approvals, matches, people, vault
from storage.backups.make import Installation, make
from storage.clock import utc_now
from storage.database import Database
from storage.ids import JobId
from storage.matches import About, Named, Suggested
from storage.migrations import run
from storage.stores.local import LocalStore
from tests.fakes.chat import Chat, chatting
from tests.fakes.spine import AUDIT_KEY
from tests.fakes.valkey import running_valkey

HERE = Path(__file__).parent


async def talk(chat: Chat) -> None:
    """A conversation that leaves something in most tables."""
    chat.files["tests/test_a.py"] = b"def test_a():\n    assert True\n"
    lines = ("test src/a.py", "status", "tset src/b.py", "config repository=o/r")
    for line in (*lines, "config me capacity=3 away=1w"):
        await chat.say(f"@gryph {line}")
    (result,) = (each.key for each in chat.platform.messages if each.kind == "result")
    await chat.react("+1", result)
    job = JobId((await chat.newest_job()).id)
    ana = (Named("ana@home", "Ana Lovelace", "ana", ("4 of 6 files",)),)
    about = About(("src/a.py",), ("reconnect",), {"ana@home": 0.7})
    found = Suggested(job, "o/r", "#7", "#7", ana, 0.7, number=7, about=about)
    await chat.database.write(lambda s: matches.suggest(s, found, utc_now()))


async def fill(url: str, home: Path, redis_url: str) -> None:
    """Have the conversation, keep a secret and approve a commit."""
    database = Database(url)
    async with chatting(database, redis_url, home) as chat:
        await talk(chat)
    ring, now = vault.vault_keys(home), utc_now()
    await database.write(lambda s: vault.put(s, ring, "model", "a secret", now))
    bob = await database.write(
        lambda s: people.person_of(s, platform="github", account="7", name="bob", now=now)
    )
    await database.write(lambda s: approvals.approve(s, "o/r", 7, "a" * 40, bob, now))
    await asyncio.to_thread(database.close)


def main() -> None:
    """Make it, unless it was made before."""
    path = HERE / f"{run.newest()}.backup"
    if path.exists():
        sys.exit(f"{path.name} is there already: what landed does not change.")
    with tempfile.TemporaryDirectory() as name, running_valkey() as redis_url:
        home = Path(name)
        url = f"sqlite:///{home / 'gryph.db'}"
        run.upgrade(url)
        asyncio.run(fill(url, home, redis_url))
        (home / "keys" / "audit.key").write_text(AUDIT_KEY.hex())
        database = Database(url)
        make(Installation(home, database, LocalStore(home)), path, utc_now())
        database.close()


if __name__ == "__main__":
    main()
