from collections.abc import AsyncGenerator, AsyncIterator, Iterator

import pytest
from discord.gateway import DiscordWebSocket
from discord.http import Route

from tests.bot.discord.registry import REGISTRY
from tests.bot.discord.town import Town
from tests.fakes.discord import DiscordWorld, discord_world
from tests.fakes.discord_wire.server import Discord


@pytest.fixture
async def world() -> AsyncIterator[DiscordWorld]:
    async with discord_world(REGISTRY) as opened:
        yield opened


@pytest.fixture
def addresses_restored() -> Iterator[None]:
    """Clients put their settings' addresses into discord.py's classes."""
    base, gateway = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    yield
    Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = base, gateway


@pytest.fixture
async def town(addresses_restored: None) -> AsyncGenerator[Town]:
    del addresses_restored
    async with Discord.running() as discord:
        discord.gateway.start_every_s = 0.0
        ann = discord.world.add_user("ann")
        guild = discord.world.add_guild("Acme", [ann])
        yield Town(discord, guild, discord.world.add_channel(guild, "general"), ann)
