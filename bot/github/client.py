"""GitHub's API as the App sees it: every call under a token for one repository and one purpose.

A token is asked for with the permissions needed and no more, kept until five minutes before it
ends, and asked for anew when GitHub no longer takes it.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import structlog

from bot.budgets import Budgets
from bot.face import Busy
from bot.fence import still_ours
from bot.github.identity import AppIdentity
from bot.github.pace import Allowance, Pace
from bot.github.transport import (
    NOT_FOUND,
    UNAUTHORIZED,
    UNPROCESSABLE,
    Answer,
    Limited,
    Refused,
    Transport,
)
from bot.github.wire import InstallationAnswer, TokenAnswer
from bot.settings import GatewaySettings, MissingSetting
from bot.tokens import Token
from storage.clock import utc_now

log = structlog.get_logger()

Permissions = tuple[tuple[str, str], ...]
READ: Permissions = (("contents", "read"), ("metadata", "read"), ("pull_requests", "read"))
COMMENT: Permissions = (("issues", "write"), ("pull_requests", "write"))
CHECKS: Permissions = (("checks", "write"),)
PUSH: Permissions = (("contents", "write"), ("pull_requests", "write"))
CHECKOUT: Permissions = (("contents", "read"),)

_RANK = {"read": 1, "write": 2, "admin": 3}

RENEW_BEFORE_END = timedelta(minutes=5)
FRESH_TOKEN_PAUSE_S = 60.0
"""Wait when GitHub does not take a token that it has just given."""
MOST_KEPT = 2_000
"""Tokens and installation ids held at once."""


_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Reach:
    """What a call needs: one repository, the permissions, and the installation if it is known."""

    repository: str
    permissions: Permissions
    installation: str | None = None


@dataclass(frozen=True)
class _Token:
    value: str
    expires_at: datetime


class GitHubClient:
    """Calls GitHub as the App, or as its installation on one repository."""

    def __init__(
        self,
        identity: AppIdentity,
        transport: Transport,
        now: Callable[[], datetime] = utc_now,
        renewed: Callable[[AppIdentity], AppIdentity] = lambda identity: identity,
        *,
        budgets: Budgets | None = None,
        allowance: Allowance = Allowance(),  # noqa: B008 - frozen
    ) -> None:
        """`now` is the clock that tokens end by; `renewed` looks for a rotated key when GitHub
        does not take the one we have; `budgets` are shared with other gateways.
        """
        self._budgets = budgets or Budgets(None)
        self._allowance = allowance
        self.identity = identity
        self._renewed = renewed
        self.token = Token(
            "GRYPH_GITHUB_PRIVATE_KEY",
            "Make a new private key for the App, check its id, and this machine's clock.",
        )
        self._transport = transport
        self._now = now
        self._installations: dict[str, str] = {}
        self._tokens: dict[Reach, _Token] = {}
        self._paces: dict[str, Pace] = {}
        self._locks: dict[Reach, asyncio.Lock] = {}

    @classmethod
    def of(cls, settings: GatewaySettings, budgets: Budgets | None = None) -> "GitHubClient":
        """As configured. Raises MissingSetting."""

        def renewed(known: AppIdentity) -> AppIdentity:
            try:
                return AppIdentity.of(settings)
            except MissingSetting as error:
                log.warning("github key not read anew", reason=str(error))
                return known

        transport = Transport(settings.github_api_url)
        allowance = Allowance(settings.github_writes_per_minute, settings.github_writes_per_hour)
        return cls(
            AppIdentity.of(settings),
            transport,
            renewed=renewed,
            budgets=budgets,
            allowance=allowance,
        )

    async def close(self) -> None:
        """Let go of the connections."""
        await self._transport.close()

    async def get(self, reach: Reach, path: str, params: Mapping[str, str] | None = None) -> Answer:
        """Read `path`. Raises Busy, Refused."""
        await (await self._pace(reach)).read()
        return await self._call(reach, "GET", path, params=params)

    async def write(self, reach: Reach, method: str, path: str, body: Mapping[str, Any]) -> Answer:
        """Change something, within our own pace. Raises Busy, Refused."""
        await (await self._pace(reach)).write()
        return await self._call(reach, method, path, body=body)

    async def graphql(self, reach: Reach, query: str, variables: Mapping[str, Any]) -> Answer:
        """Read by GraphQL. Raises Busy, Refused."""
        address = self._transport.api_url.removesuffix("/v3") + "/graphql"
        body = {"query": query, "variables": dict(variables)}
        await (await self._pace(reach)).read()
        return await self._call(reach, "POST", address, body=body)

    async def as_app(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Answer:
        """A call that belongs to the App itself. Raises Busy, Refused."""
        self.token.check()
        token = self.identity.token(self._now())
        try:
            answer = await self._transport.send(method, path, token, body=body, params=params)
        except Refused as refused:
            if refused.status == UNAUTHORIZED:
                self.identity = self._renewed(self.identity)
                raise self.token.refused(str(refused)) from refused
            self.token.taken()
            raise
        self.token.taken()
        return answer

    async def has_room_for_progress(self, reach: Reach) -> bool:
        """Whether an edit that could as well be left out may be made now."""
        return await (await self._pace(reach)).has_room_for_progress()

    async def checkout_token(self, repository: str) -> tuple[str, datetime]:
        """A token that reads the contents of `repository` and nothing else, and its end.

        Raises:
            Busy: GitHub does not answer now.
            Undeliverable: The App is not installed there.
        """
        token = await self._fresh_token(Reach(repository, CHECKOUT))
        return token.value, token.expires_at

    async def _call(
        self,
        reach: Reach,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Answer:
        token = await self._token(reach)
        still_ours()
        try:
            return await self._transport.send(method, path, token.value, body=body, params=params)
        except Limited as limited:
            await (await self._pace(reach)).close_for(limited.retry_after_s)
            raise
        except Refused as refused:
            if refused.status != UNAUTHORIZED:
                raise
        self._tokens.pop(reach, None)
        token = await self._token(reach)
        still_ours()
        try:
            return await self._transport.send(method, path, token.value, body=body, params=params)
        except Refused as refused:
            if refused.status != UNAUTHORIZED:
                raise
            raise Busy(str(refused), retry_after_s=FRESH_TOKEN_PAUSE_S) from refused

    async def _pace(self, reach: Reach) -> Pace:
        installation = reach.installation or await self._installation(reach.repository)
        make = partial(Pace, self._budgets, installation, self._allowance)
        return _bounded(self._paces, installation, make)

    async def _token(self, reach: Reach) -> _Token:
        async with _bounded(self._locks, reach, asyncio.Lock):
            held = self._tokens.get(reach)
            if held is not None and held.expires_at - self._now() > RENEW_BEFORE_END:
                return held
            fresh = await self._fresh_token(reach)
            self._tokens.pop(reach, None)
            return _bounded(self._tokens, reach, lambda: fresh)

    async def _fresh_token(self, reach: Reach) -> _Token:
        installation = reach.installation or await self._installation(reach.repository)
        try:
            return await self._ask_token(installation, reach)
        except Refused as refused:
            if refused.status == NOT_FOUND:
                return await self._reinstalled_token(reach, installation, refused)
            if refused.status == UNPROCESSABLE:
                return await self._narrower_token(reach, installation, refused)
            raise

    async def _ask_token(self, installation: str, reach: Reach) -> _Token:
        body = {
            "repositories": [reach.repository.partition("/")[2]],
            "permissions": dict(reach.permissions),
        }
        path = f"/app/installations/{installation}/access_tokens"
        answer = (await self.as_app("POST", path, body=body)).one(TokenAnswer)
        return _Token(answer.token, answer.expires_at)

    async def _reinstalled_token(self, reach: Reach, known: str, refused: Refused) -> _Token:
        """The App was installed again under a new id since we learnt the old one."""
        self._installations.pop(reach.repository, None)
        current = await self._installation(reach.repository)
        if current == known:
            raise refused
        return await self._ask_token(current, reach)

    async def _narrower_token(self, reach: Reach, installation: str, refused: Refused) -> _Token:
        """Named fallback: a token with what the owner granted of what we wished for."""
        answer = await self.as_app("GET", f"/app/installations/{installation}")
        granted = answer.one(InstallationAnswer).permissions
        usable = tuple(
            (name, level)
            for name, level in reach.permissions
            if _RANK.get(granted.get(name, ""), 0) >= _RANK[level]
        )
        if not usable or usable == reach.permissions:
            raise refused
        missing = sorted(name for name, _ in set(reach.permissions) - set(usable))
        log.warning("github permissions missing", repository=reach.repository, missing=missing)
        return await self._ask_token(installation, replace(reach, permissions=usable))

    async def _installation(self, repository: str) -> str:
        known = self._installations.get(repository)
        if known is not None:
            return known
        answer = await self.as_app("GET", f"/repos/{repository}/installation")
        found = str(answer.one(InstallationAnswer).id)
        return _bounded(self._installations, repository, lambda: found)


def _bounded(kept: dict[_Key, _Value], key: _Key, make: Callable[[], _Value]) -> _Value:
    """The value kept under `key`, made where missing; the oldest goes when there are too many."""
    if key not in kept:
        if len(kept) >= MOST_KEPT:
            del kept[next(iter(kept))]
        kept[key] = make()
    return kept[key]
