from collections.abc import AsyncIterator

import pytest

from tests.bot.discord.registry import REGISTRY
from tests.fakes.discord import DiscordWorld, discord_world


@pytest.fixture
async def world() -> AsyncIterator[DiscordWorld]:
    async with discord_world(REGISTRY) as opened:
        yield opened
