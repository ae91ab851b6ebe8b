"""What a caller may do on a Discord server: its own permissions, asked for now."""

import time
from collections.abc import Awaitable, Callable

import discord

from bot.discord.outbound import DIRECT
from bot.discord.pace import Pace
from bot.discord.refusals import TokenedClient, logged_in_call
from bot.face import Undeliverable
from bot.minute import Minute
from bot.settings import GatewaySettings
from handlers import Invocation, Place, Standing, Tier

RepositoryOf = Callable[[Place], Awaitable[str | None]]
"""The repository meant in a place, where one was chosen."""

_MEMBER_TIER = {"anyone": Tier.ANYONE, "read": Tier.READ, "write": Tier.WRITE}


class DiscordAuthority:
    """Reads server-wide permissions; a channel's own exceptions give nobody more."""

    def __init__(
        self,
        settings: GatewaySettings,
        client: TokenedClient,
        repository_of: RepositoryOf,
        pace: Pace | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`client` needs no gateway connection; `pace` is the bot's; `clock` gives seconds."""
        self._pace = pace or Pace(None)
        self._member_tier = _MEMBER_TIER[settings.discord_member_tier]
        self._client = client
        self._repository_of = repository_of
        self._servers: Minute[int, discord.Guild] = Minute(clock)

    async def standing(self, invocation: Invocation) -> Standing:
        """The caller's standing now. Raises Busy when Discord does not answer."""
        tier = await self._tier(invocation)
        return Standing(tier, await self._repository_of(invocation.place))

    async def _tier(self, invocation: Invocation) -> Tier:
        place, caller = invocation.place, invocation.caller
        if caller.is_bot or place.workspace == DIRECT:
            return Tier.ANYONE
        try:
            server = await self._server(int(place.workspace))
            async with logged_in_call(self._client, self._pace):
                member = await server.fetch_member(int(caller.account))
        except Undeliverable:
            return Tier.ANYONE  # they, or we, have left the server
        return self._tier_of(member)

    async def _server(self, number: int) -> discord.Guild:
        """With what its roles may do; at most a minute old."""
        known = self._servers.get(number)
        if known is not None:
            return known
        async with logged_in_call(self._client, self._pace):
            server = await self._client.fetch_guild(number, with_counts=False)
        return self._servers.put(number, server)

    def _tier_of(self, member: discord.Member) -> Tier:
        if member.bot:
            return Tier.ANYONE
        permissions = member.guild_permissions
        if permissions.administrator:
            return Tier.ADMIN
        return Tier.WRITE if permissions.manage_messages else self._member_tier
