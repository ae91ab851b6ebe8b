"""Commands are tested as conversations."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from storage.database import Database
from tests.fakes.chat import Chat, chatting


@pytest.fixture
async def chat(sqlite: Database, valkey_url: str, tmp_path: Path) -> AsyncGenerator[Chat]:
    """A whole spine in this process, with a scripted platform in front and scripted work behind."""
    async with chatting(sqlite, valkey_url, tmp_path) as chat:
        yield chat
