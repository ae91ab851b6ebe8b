"""Discord's refusals, told apart: try again later, never again, or a fault of ours.

https://docs.discord.com/developers/topics/opcodes-and-status-codes
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from enum import IntEnum
from http import HTTPStatus
from typing import Any

import aiohttp
import discord

from bot.discord.pace import Pace
from bot.face import Busy, Undeliverable
from bot.fence import still_ours
from bot.tokens import Token

CALL_TIMEOUT_S = 30.0
LATER_S = 5.0
_CONNECTS_ANEW = "Session is closed"
"""What aiohttp says while discord.py has closed one session and not yet opened the next."""


class Code(IntEnum):
    """Discord's own error codes that mean something to us."""

    UNKNOWN_MESSAGE = 10008
    UNKNOWN_WEBHOOK = 10015
    """Of an interaction: it has not been acknowledged."""
    ACKNOWLEDGED = 40060
    MISSING_PERMISSIONS = 50013
    NOT_IN_THIS_CHANNEL = 50024
    TOKEN_EXPIRED = 50027
    THREAD_ARCHIVED = 50083
    THREAD_EXISTS = 160004
    THREAD_LOCKED = 160005
    TOO_MANY_THREADS = 160006


_GONE = {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}
_CLOSED = {Code.THREAD_ARCHIVED, Code.THREAD_LOCKED, Code.NOT_IN_THIS_CHANNEL}


@asynccontextmanager
async def outside_call() -> AsyncGenerator[None]:
    """Bounds what is awaited inside and raises `Busy` or `Undeliverable` for refusals.

    A request that Discord finds malformed is our fault and rises as it is. No message names an
    address: those of interactions hold their token.
    """
    still_ours()
    try:
        async with asyncio.timeout(CALL_TIMEOUT_S):
            yield
    except discord.RateLimited as error:
        raise Busy("Discord: rate limit", retry_after_s=error.retry_after) from error
    except discord.HTTPException as error:
        raise _translated(error) from error
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise Busy(f"Discord: {type(error).__name__}", retry_after_s=LATER_S) from error
    except RuntimeError as error:
        if str(error) != _CONNECTS_ANEW:
            raise
        raise Busy("Discord: connecting anew", retry_after_s=LATER_S) from error


class TokenedClient(discord.Client):
    """A client that knows whether Discord takes its token."""

    def __init__(self, **options: Any) -> None:
        """`options` are discord.py's."""
        super().__init__(**options)
        self.token = Token("GRYPH_DISCORD_TOKEN", "Reset the bot's token and set it anew.")


@asynccontextmanager
async def logged_in_call(
    client: TokenedClient, pace: Pace, *, calls: int = 1
) -> AsyncGenerator[None]:
    """As `outside_call`; `Busy` too while `client` is not logged in, or when so many calls
    would be too many, and `TokenRefused`.
    """
    client.token.check()
    if client.user is None or client.is_closed():
        raise Busy("Discord: not logged in", retry_after_s=LATER_S)
    await pace.call(calls)
    try:
        async with outside_call():
            try:
                yield
            except discord.HTTPException as error:
                await pace.refused(error)
                raise
    except _Unauthorized as refused:
        raise client.token.refused(str(refused)) from refused
    client.token.taken()


class _Unauthorized(Busy):
    """Discord does not take a token: ours, or one of an interaction."""


def _translated(error: discord.HTTPException) -> Exception:
    reason = f"Discord: {error.status} {error.code} {error.text}"
    if error.status in _GONE or error.code in _CLOSED:
        return Undeliverable(reason)
    if error.status == HTTPStatus.UNAUTHORIZED:
        return _Unauthorized(reason)
    if error.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Busy(reason, retry_after_s=_retry_after_s(error))
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Busy(reason, retry_after_s=LATER_S)
    return error


def _retry_after_s(error: discord.HTTPException) -> float:
    given = error.response.headers.get("Retry-After", "")
    try:
        return max(float(given), 1.0)
    except ValueError:
        return LATER_S
