"""The gateway connection: what people say, press and react on Discord, taken in durably.

No privileged intent is needed: Discord delivers the text of mentions, of replies to us and of
direct messages without it. Of two gateway processes one holds the connection
(`GryphClient.stay_connected`); every one speaks (`GryphClient.open`).
"""

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import discord
import structlog
from discord.gateway import DiscordWebSocket
from discord.http import Route
from typing_extensions import override
from yarl import URL

from bot.discord.events import (
    Heard,
    edit_heard,
    interaction_heard,
    message_heard,
    reaction_heard,
)
from bot.discord.missed import Missed, Remembered
from bot.discord.pace import Pace
from bot.discord.recent import Recent
from bot.discord.refusals import Code, TokenedClient, outside_call
from bot.discord.slash import command_payload, payload_digest
from bot.face import Busy, Intake, NotTaken, Undeliverable
from bot.settings import GatewaySettings, MissingSetting
from bot.uplinks import Uplink
from handlers import Command, Platform

log = structlog.get_logger()

LONGEST_RATE_WAIT_S = 30.0
AUTHENTICATION_FAILED = 4004
"""The code with which Discord closes the connection of whoever shows a bad token."""
OFFERED_AGAIN_S = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Waits before an event that was not taken is offered to the intake again."""
ACKNOWLEDGED_AGAIN_S = (0.2, 0.6)


@dataclass(frozen=True)
class Memory:
    """What outlives restarts."""

    told: Remembered
    """A digest of the slash commands that Discord was told of."""
    heard: Remembered
    """How far we have heard."""


class GryphClient(TokenedClient):
    """Our account on Discord."""

    def __init__(
        self,
        settings: GatewaySettings,
        intake: Intake,
        commands: Mapping[str, Command],
        memory: Memory,
        pace: Pace | None = None,
    ) -> None:
        """Nothing is called before `open`; `pace` is the bot's."""
        super().__init__(
            intents=_intents(),
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,  # see `Recent`
            max_ratelimit_timeout=LONGEST_RATE_WAIT_S,
        )
        self.uplink = Uplink(Platform.DISCORD)
        self._settings = settings
        self._intake = intake
        self._commands = commands
        self._told = memory.told
        self._recent = Recent()
        self._missed = Missed(self, pace or Pace(None), memory.heard, self._take_message)

    async def open(self) -> None:
        """Log in, so that REST calls work; `close` undoes it. May be tried again when it failed,
        or after discord.py has closed the client.

        The addresses of the API and the gateway are discord.py's own class attributes: setting
        them holds for the whole process.

        Raises:
            MissingSetting: No token is set.
            TokenRefused: Discord does not take the token.
        """
        token = self._settings.discord_token
        if token is None:
            raise MissingSetting("GRYPH_DISCORD_TOKEN is missing.")
        Route.BASE = self._settings.discord_api_url.rstrip("/")
        if self._settings.discord_gateway_url is not None:
            DiscordWebSocket.DEFAULT_GATEWAY = URL(self._settings.discord_gateway_url)
        if self.is_closed():
            self.clear()
            self.loop = asyncio.get_running_loop()  # discord.py forgets it at its close
            self.http.connector = discord.utils.MISSING  # the old one is closed with its session
        try:
            await self.login(token.get_secret_value())
        except BaseException as error:
            await self.http.close()  # so that it may be tried again: each login opens a session
            self.http.connector = discord.utils.MISSING
            if isinstance(error, discord.LoginFailure):
                raise self.token.refused(str(error)) from error
            raise
        self.token.taken()

    async def stay_connected(self) -> None:
        """Once opened, hold the gateway connection, made again whenever it breaks, until cancelled.

        Afterwards REST calls still work and it may be called again, unless the client is closed.

        Raises:
            TokenRefused: Discord does not take the token any more.
        """
        reading_back = asyncio.ensure_future(self._missed.run())
        try:
            await self.connect(reconnect=True)
        except discord.ConnectionClosed as error:
            if error.code == AUTHENTICATION_FAILED:
                raise self.token.refused(f"Discord: {error}") from error
            raise
        finally:
            reading_back.cancel()
            if self.ws:  # discord.py types it as set always; before the first connection it is not
                await self.ws.close(code=1000)
            await asyncio.gather(reading_back, return_exceptions=True)

    @override
    async def setup_hook(self) -> None:
        """Tell Discord our slash commands when they changed since it was told last."""
        application = self.application_id
        assert application is not None, "the client has logged in"
        payload = command_payload(self._commands)
        digest = payload_digest({"application": application, **payload})
        if await self._told.get() == digest:
            return
        try:
            async with outside_call():
                await self.http.bulk_upsert_global_commands(application, [payload])
        except (Busy, Undeliverable) as error:
            log.warning("slash commands not updated", reason=str(error))
            return
        await self._told.set(digest)

    async def on_connect(self) -> None:
        """A new session has begun."""
        self.uplink.made()
        self._recent.forget()
        self._missed.began()

    async def on_resumed(self) -> None:
        """The session goes on over a new connection."""
        self.uplink.made()

    @override
    def dispatch(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        """discord.py's own; the end of a connection is announced while its cause is handled."""
        if event == "disconnect":
            self.uplink.lost(in_words(sys.exception()))
        super().dispatch(event, *args, **kwargs)

    async def on_ready(self) -> None:
        """The new session has named every server and channel."""
        self._missed.ready()

    async def on_message(self, message: discord.Message) -> None:
        """Somebody said something where we can read it."""
        self._missed.heard(message)
        self._recent.note(message)
        try:
            await self._take_message(message)
        except NotTaken as error:
            log.error("message not taken", reason=str(error))  # noqa: TRY400 - it is read back
            self._missed.lost()

    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        """Somebody changed a message."""
        message, before = payload.message, self._recent.find(payload.message_id)
        if before is not None or message.edited_at is not None:  # else it is no edit
            self._recent.note(message)
        await self._take(edit_heard(message, before, self._us, self._commands))

    async def on_raw_reaction_add(self, payload: discord.RawReactionActionEvent) -> None:
        """Somebody reacted."""
        await self._take_reaction(payload)

    async def on_raw_reaction_remove(self, payload: discord.RawReactionActionEvent) -> None:
        """Somebody took a reaction back."""
        await self._take_reaction(payload)

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """Somebody used the slash command or a button: stored first, then acknowledged."""
        heard = interaction_heard(interaction, self._commands)
        if heard is None:
            return
        try:
            await self._intake.accept(heard.event, heard.keys)
        except NotTaken as error:  # the person sees that it failed, and decides
            log.warning("interaction not taken", reason=str(error), key=heard.keys[0])
            return
        try:
            async with outside_call():
                await _acknowledge(interaction)
        except (Busy, Undeliverable) as error:
            log.warning("interaction not acknowledged", reason=str(error), key=heard.keys[0])

    async def _take_reaction(self, payload: discord.RawReactionActionEvent) -> None:
        await self._take(reaction_heard(payload, self._recent.find(payload.message_id), self))

    async def _take_message(self, message: discord.Message) -> None:
        await self._take(message_heard(message, self._us, self._commands))

    async def _take(self, heard: Heard | None) -> None:
        """Discord sends nothing twice, so what the database does not take is offered again."""
        if heard is None:
            return
        for wait_s in OFFERED_AGAIN_S:
            try:
                await self._intake.accept(heard.event, heard.keys)
            except NotTaken as error:
                log.warning("event not taken", reason=str(error), key=heard.keys[0])
                await asyncio.sleep(wait_s)
            else:
                return
        await self._intake.accept(heard.event, heard.keys)

    @property
    def _us(self) -> discord.ClientUser:
        assert self.user is not None, "events come after login"
        return self.user


async def _acknowledge(interaction: discord.Interaction) -> None:
    """Within the three seconds that the person waits a broken connection is tried again."""
    is_slash = interaction.type is discord.InteractionType.application_command
    for wait_s in (*ACKNOWLEDGED_AGAIN_S, None):
        try:
            await interaction.response.defer(thinking=is_slash)
        except aiohttp.ClientConnectionError:
            if wait_s is None:
                raise
            await asyncio.sleep(wait_s)
        except discord.HTTPException as error:
            if error.code != Code.ACKNOWLEDGED:  # the first answer was lost, or a rival was quicker
                raise
            return
        else:
            return


def in_words(cause: BaseException | None) -> str:
    """Why there is no connection, for whoever reads `/readyz`: no address, no body of an answer."""
    if isinstance(cause, discord.HTTPException):
        return f"Discord answered {cause.status}"
    if isinstance(cause, discord.DiscordException | Busy):
        return f"Discord: {cause}"
    if isinstance(cause, OSError | aiohttp.ClientError):
        return f"no way to Discord ({type(cause).__name__})"
    return "the connection broke"


async def run(client: GryphClient) -> None:
    """Log in and stay connected until cancelled; then log out."""
    try:
        await client.open()
        await client.stay_connected()
    finally:
        await client.close()


def _intents() -> discord.Intents:
    return discord.Intents(
        guilds=True,
        guild_messages=True,
        dm_messages=True,
        guild_reactions=True,
        dm_reactions=True,
    )
