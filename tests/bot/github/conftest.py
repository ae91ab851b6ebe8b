from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.bot.github.town import Town, town


@pytest.fixture
async def here(tmp_path: Path) -> AsyncGenerator[Town]:
    async with town(tmp_path) as opened:
        yield opened
