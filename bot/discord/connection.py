"""Keeps our Discord client logged in, and connected where it should be, through outages.

discord.py closes a client whose connection Discord ends for good (a token that was revoked, say);
until it is logged in again nothing can be said either. So that is the business of every gateway,
while only the leader listens.
"""

import asyncio

import aiohttp
import discord
import structlog

from bot.discord.inbound import GryphClient, in_words
from bot.face import Busy
from bot.tokens import TokenRefused

log = structlog.get_logger()

RETRY_S = 30.0
LONGEST_RETRY_S = 600.0
"""Discord allows 1,000 logins a day."""
STEADY_S = 60.0
"""A connection that held for so long was a good one: the next wait is a short one."""
_TROUBLE = (Busy, discord.DiscordException, aiohttp.ClientError, OSError)


class Connection:
    """One process' use of Discord: every gateway speaks, the leader also listens."""

    def __init__(self, client: GryphClient) -> None:
        """Nothing is called before `stay_logged_in`."""
        self._client = client
        self._logged_in = asyncio.Event()
        self._shut = asyncio.Event()
        self._wait_s = RETRY_S

    async def stay_logged_in(self) -> None:
        """Log in, trying until it works, so that messages can be posted, and again whenever the
        client was shut; until cancelled.
        """
        try:
            while True:
                await self._log_in()
                self._logged_in.set()
                await self._shut.wait()
                self._shut.clear()
                await self._rest()
        finally:
            await self._client.close()

    async def _log_in(self) -> None:
        while True:
            try:
                await self._client.open()
            except TokenRefused as refused:  # of which the token itself has told, once
                self._client.uplink.lost(str(refused))
            except _TROUBLE as error:
                log.error("no login at Discord", error=str(error), again_in_s=self._wait_s)  # noqa: TRY400
                self._client.uplink.lost(in_words(error))
            else:
                return
            await self._rest()

    async def listen(self) -> None:
        """Hold the gateway connection, whenever logged in; until cancelled."""
        self._client.uplink.wanted()
        try:
            while True:
                await self._logged_in.wait()
                await self._connect()
                if self._logged_in.is_set():
                    await self._rest()
        finally:
            self._client.uplink.unwanted()

    async def _connect(self) -> None:
        """Until the connection ends for good, or cannot be made."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        try:
            await self._client.stay_connected()
        except TokenRefused as refused:
            self._client.uplink.lost(str(refused))
        except _TROUBLE as error:
            log.error("Discord's gateway lost", error=str(error), again_in_s=self._wait_s)  # noqa: TRY400
            self._client.uplink.lost(in_words(error))
        finally:
            if loop.time() - began_s > STEADY_S:
                self._wait_s = RETRY_S
            if self._client.is_closed():
                self._logged_in.clear()
                self._shut.set()

    async def _rest(self) -> None:
        """Wait, each time for longer."""
        wait_s, self._wait_s = self._wait_s, min(2 * self._wait_s, LONGEST_RETRY_S)
        await asyncio.sleep(wait_s)
