"""A server on the fake Discord, and clients of ours that are connected to it over the wire."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from pydantic import SecretStr

from bot.discord.inbound import GryphClient, Memory
from bot.discord.pace import Pace
from bot.discord.rest import Rest
from bot.settings import GatewaySettings
from handlers import Invocation
from tests.bot.discord.registry import REGISTRY
from tests.fakes.discord import MemoryText
from tests.fakes.discord_wire.routes import TOKEN
from tests.fakes.discord_wire.server import Discord
from tests.fakes.discord_wire.world import Channel, Guild, User
from tests.fakes.intake import RecordingIntake

WAIT_S = 20


@dataclass
class Town:
    """One server with one channel, and ann in it."""

    discord: Discord
    guild: Guild
    channel: Channel
    ann: User
    told: MemoryText = field(default_factory=MemoryText)
    heard: MemoryText = field(default_factory=MemoryText)
    """What our clients remember."""
    intake: RecordingIntake = field(default_factory=RecordingIntake)
    """Where they put what they hear, if they have nothing of their own."""

    @property
    def heard_until(self) -> int:
        """The newest message that our clients remember; 0 when there is none."""
        return json.loads(self.heard.text or '{"message": 0}')["message"]

    def mention(self, words: str) -> int:
        """Ann mentions us; returns the message's id."""
        people = self.discord.people
        return people.say(self.ann, self.channel, f"{people.mention} {words}").id

    def said(self) -> list[str]:
        """What we said in the channel."""
        return [each.content for each in self.discord.world.ours(self.channel.id)]


class Client(GryphClient):
    """Ours, with what it took in."""

    def __init__(
        self, town: Town, intake: RecordingIntake | None = None, token: str = TOKEN
    ) -> None:
        """Not yet connected; `intake` is the town's unless given."""
        self.taken = intake or town.intake
        settings = GatewaySettings(
            discord_token=SecretStr(token),
            discord_api_url=town.discord.api_url,
            discord_gateway_url=town.discord.gateway.url,
        )
        super().__init__(settings, self.taken, REGISTRY, Memory(town.told, town.heard))
        self._connection.guild_ready_timeout = 0.1  # two seconds without a server, otherwise

    @property
    def heard(self) -> list[str]:
        """The lines it heard."""
        return [each.text for each in self.taken.events if isinstance(each, Invocation)]

    @property
    def rest(self) -> Rest:
        """Its calls."""
        return Rest(self, Pace(None))


async def until(holds: Callable[[], bool]) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(WAIT_S):
        while not holds():  # noqa: ASYNC110 - the other side of a socket
            await asyncio.sleep(0.01)


@asynccontextmanager
async def connected(town: Town, intake: RecordingIntake | None = None) -> AsyncGenerator[Client]:
    """A client of ours that listens."""
    before = len(town.discord.gateway.started)
    client = Client(town, intake)
    await client.open()
    listening = asyncio.ensure_future(client.stay_connected())
    try:
        await until(lambda: len(town.discord.gateway.started) > before and bool(client.guilds))
        yield client
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await client.close()
