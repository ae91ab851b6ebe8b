"""What a Slack user may do: what their workspace says of them."""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

import structlog

from bot.minute import Minute
from bot.settings import GatewaySettings
from bot.slack.api import Refusal, SlackApi
from handlers import Invocation, Place, Standing, Tier

log = structlog.get_logger()

_NOBODY = ("deleted", "is_bot", "is_restricted", "is_ultra_restricted", "is_stranger")
_ADMIN = ("is_admin", "is_owner", "is_primary_owner")

RepositoryOf = Callable[[Place], Awaitable[str | None]]


class SlackAuthority:
    """Tiers by users.info, remembered for a minute; whoever is not a full member has none."""

    def __init__(
        self,
        settings: GatewaySettings,
        repository_of: RepositoryOf,
        *,
        api: SlackApi,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`repository_of` knows which repository a channel has chosen."""
        self._member_tier = Tier[settings.slack_member_tier.upper()]
        self._repository_of = repository_of
        self._api = api
        self._team: str | None = None
        self._known: Minute[str, Tier] = Minute(clock)

    async def standing(self, invocation: Invocation) -> Standing:
        """The caller's standing now (at most a minute old). Raises Busy."""
        caller = invocation.caller
        tier = Tier.ANYONE if caller.is_bot else await self._tier(caller.account)
        return Standing(tier=tier, repository=await self._repository_of(invocation.place))

    async def _tier(self, account: str) -> Tier:
        known = self._known.get(account)
        return self._known.put(account, await self._asked(account)) if known is None else known

    async def _asked(self, account: str) -> Tier:
        try:
            team = await self._own_team()
            answer = await self._api.call("users.info", {"user": account})
        except Refusal as refusal:
            log.warning("slack does not tell who a user is", error=str(refusal))
            return Tier.ANYONE
        return self._by_flags(cast("dict[str, Any]", answer["user"]), team)

    async def _own_team(self) -> str:
        if self._team is None:
            self._team = str((await self._api.call("auth.test", {}))["team_id"])
        return self._team

    def _by_flags(self, user: Mapping[str, Any], team: str) -> Tier:
        if any(user.get(flag) for flag in _NOBODY) or not _belongs(user, team):
            return Tier.ANYONE
        if any(user.get(flag) for flag in _ADMIN):
            return Tier.ADMIN
        return self._member_tier


def _belongs(user: Mapping[str, Any], team: str) -> bool:
    """Whether the user is of our workspace, not of one that shares a channel with it."""
    organisation: Mapping[str, Any] = user.get("enterprise_user") or {}
    return user.get("team_id") == team or team in organisation.get("teams", [])
