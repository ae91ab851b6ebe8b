from pathlib import Path

from bot.commands import COMMANDS
from storage.database import Database
from tests.acceptance.permissions import cells, chosen, run, visits
from tests.acceptance.permissions_expected import ASKS
from tests.acceptance.permissions_page import PAGE, page

SOME = 60


async def test_nobody_gets_more_or_less_than_the_table_says(
    sqlite: Database, tmp_path: Path, valkey_url: str
) -> None:
    assert await run(sqlite, tmp_path, valkey_url, chosen(SOME, seed=7)) == []


def test_every_verb_is_in_the_table() -> None:
    assert {ask.partition(" ")[0] for ask in ASKS} == set(COMMANDS)
    assert len(cells()) > 1_000
    assert len(visits()) > 500


def test_the_page_says_what_the_table_says() -> None:
    assert PAGE.read_text() == page()
