"""Keeps our Discord client logged in, and connected where it should be, through outages."""

import asyncio

import aiohttp
import discord
import structlog

from bot.discord.inbound import GryphClient
from bot.face import Busy

log = structlog.get_logger()

RETRY_S = 30.0


class Connection:
    """One process' use of Discord: every gateway speaks, the leader also listens."""

    def __init__(self, client: GryphClient) -> None:
        """Nothing is called before `stay_logged_in`."""
        self._client = client
        self._logged_in = asyncio.Event()

    async def stay_logged_in(self) -> None:
        """Log in, trying until it works, so that messages can be posted; until cancelled."""
        try:
            while not self._logged_in.is_set():
                try:
                    await self._client.open()
                except (Busy, discord.DiscordException, aiohttp.ClientError, OSError) as error:
                    log.error("no login at Discord", error=str(error), again_in_s=RETRY_S)  # noqa: TRY400
                    await asyncio.sleep(RETRY_S)
                else:
                    self._logged_in.set()
            await asyncio.Event().wait()
        finally:
            await self._client.close()

    async def listen(self) -> None:
        """Hold the gateway connection, once logged in; until cancelled."""
        await self._logged_in.wait()
        is_shut = False
        while True:
            is_shut = is_shut or self._client.is_closed()  # discord.py does, on a fatal answer
            try:
                if is_shut:
                    await self._client.reopen()
                    is_shut = False
                await self._client.stay_connected()
            except (Busy, discord.DiscordException, aiohttp.ClientError, OSError) as error:
                log.error("Discord's gateway lost", error=str(error), again_in_s=RETRY_S)  # noqa: TRY400
            await asyncio.sleep(RETRY_S)
