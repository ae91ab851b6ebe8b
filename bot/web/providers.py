"""Who vouches for a person on the web: GitHub, Slack and Discord, each in its own dialect.

Authlib builds and reads the protocol's messages (RFC 6749, 7636); the calls are made with the
gateway's own HTTP client. Sources: docs.github.com "Authorizing OAuth apps", docs.slack.dev
"Sign in with Slack", docs.discord.com "OAuth2".
"""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
import jwt
from pydantic import BaseModel, ConfigDict, SecretStr, TypeAdapter, ValidationError

from bot.settings import GatewaySettings, MissingSetting
from handlers import Platform

M = TypeVar("M", bound=BaseModel)
_SERVER_ERROR = 500
_LEEWAY_S = 10
_OBJECT = TypeAdapter(dict[str, Any])


class LoginFailed(Exception):
    """Nobody was logged in; the message tells the person why and what to do."""


@dataclass(frozen=True)
class Identity:
    """An account as its platform vouches for it; `account` is the one the face's callers bear."""

    platform: Platform
    account: str
    name: str


@dataclass(frozen=True)
class Granted:
    """What the token endpoint gave for a code, and the nonce we had asked it to name."""

    tokens: Mapping[str, Any]
    nonce: str


Identify = Callable[[httpx.AsyncClient, Granted], Awaitable[Identity]]


@dataclass(frozen=True)
class Provider:
    """One platform to log in with."""

    platform: Platform
    label: str
    client_id: str
    client_secret: SecretStr
    authorize_url: str
    token_url: str
    scope: str
    has_pkce: bool
    identify: Identify
    more: Mapping[str, str] = field(default_factory=dict[str, str])
    """Further parameters of the authorization request."""


def providers(settings: GatewaySettings) -> dict[Platform, Provider]:
    """Those that are switched on.

    Raises:
        MissingSetting: One is half configured.
    """
    made = (_github(settings), _slack(settings), _discord(settings))
    return {provider.platform: provider for provider in made if provider is not None}


def redirect_uri(public_url: str, platform: Platform) -> str:
    """The one address to which a platform may send browsers back."""
    return f"{public_url.rstrip('/')}/login/{platform}/callback"


def _credentials(**wanted: str | SecretStr | None) -> bool:
    """Whether all are set; False when none is. Raises MissingSetting."""
    missing = [f"GRYPH_{name.upper()}" for name, value in wanted.items() if not value]
    given = [f"GRYPH_{name.upper()}" for name, value in wanted.items() if value]
    if missing and given:
        raise MissingSetting(
            f"{', '.join(missing)} missing: {given[0]} is set, and login needs all of them."
        )
    return not missing


def _github(settings: GatewaySettings) -> Provider | None:
    client, secret = settings.github_client_id, settings.github_client_secret
    if not _credentials(github_client_id=client, github_client_secret=secret):
        return None
    assert client is not None
    assert secret is not None
    base = settings.github_git_url.rstrip("/")
    user_url = settings.github_api_url.rstrip("/") + "/user"

    async def identify(http: httpx.AsyncClient, granted: Granted) -> Identity:
        user = _read(_GitHubUser, await _get(http, "GitHub", user_url, granted))
        return Identity(Platform.GITHUB, str(user.id), user.login)

    return Provider(
        Platform.GITHUB,
        "GitHub",
        client,
        secret,
        f"{base}/login/oauth/authorize",
        f"{base}/login/oauth/access_token",
        scope="",  # who somebody is, is public
        has_pkce=True,
        identify=identify,
    )


def _discord(settings: GatewaySettings) -> Provider | None:
    client, secret = settings.discord_client_id, settings.discord_client_secret
    if not _credentials(discord_client_id=client, discord_client_secret=secret):
        return None
    assert client is not None
    assert secret is not None
    api = settings.discord_api_url.rstrip("/")

    async def identify(http: httpx.AsyncClient, granted: Granted) -> Identity:
        user = _read(_DiscordUser, await _get(http, "Discord", f"{api}/users/@me", granted))
        if user.bot:
            raise LoginFailed("Discord says that this is a bot.")
        return Identity(Platform.DISCORD, user.id, user.global_name or user.username)

    return Provider(
        Platform.DISCORD,
        "Discord",
        client,
        secret,
        settings.discord_login_url.rstrip("/") + "/oauth2/authorize",
        f"{api}/oauth2/token",
        scope="identify",
        has_pkce=True,
        identify=identify,
    )


def _slack(settings: GatewaySettings) -> Provider | None:
    """With OpenID Connect; PKCE is not part of Slack's, the nonce binds the token to the browser.

    A user's id is only unique in their workspace, so the workspace has to be known.
    """
    client, secret = settings.slack_client_id, settings.slack_client_secret
    team = settings.slack_team_id
    if not (client or secret):
        return None
    _credentials(slack_client_id=client, slack_client_secret=secret, slack_team_id=team)
    assert client is not None
    assert secret is not None
    assert team is not None
    issuer = settings.slack_login_url.rstrip("/")

    async def identify(http: httpx.AsyncClient, granted: Granted) -> Identity:
        keys = await _call(http, "Slack", "GET", f"{issuer}/openid/connect/keys")
        claims = _verified(granted, keys, issuer=issuer, audience=client)
        if claims.team_id != team:
            raise LoginFailed("This is another Slack workspace than the one this gateway serves.")
        return Identity(Platform.SLACK, claims.user_id, claims.name or claims.user_id)

    return Provider(
        Platform.SLACK,
        "Slack",
        client,
        secret,
        f"{issuer}/openid/connect/authorize",
        settings.slack_api_url.rstrip("/") + "/openid.connect.token",
        scope="openid profile",
        has_pkce=False,
        identify=identify,
        more={"team": team},
    )


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _GitHubUser(_Answer):
    id: int
    login: str


class _DiscordUser(_Answer):
    id: str
    username: str
    global_name: str | None = None
    bot: bool = False


class _Claims(_Answer):
    nonce: str
    user_id: str
    team_id: str
    name: str = ""


def _verified(granted: Granted, keys: Mapping[str, Any], *, issuer: str, audience: str) -> _Claims:
    """The claims of the id token, checked as OpenID Connect Core 3.1.3.7 asks."""
    try:
        token = str(granted.tokens["id_token"])
        kid = jwt.get_unverified_header(token).get("kid")
        key = next(key for key in jwt.PyJWKSet.from_dict(dict(keys)).keys if key.key_id == kid)
        claims = jwt.decode(
            token,
            key,
            algorithms=["RS256"],
            audience=audience,
            issuer=issuer,
            leeway=_LEEWAY_S,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
        found = _Claims(
            nonce=claims["nonce"],
            user_id=claims["https://slack.com/user_id"],
            team_id=claims["https://slack.com/team_id"],
            name=str(claims.get("name", "")),
        )
    except (jwt.PyJWTError, KeyError, StopIteration, ValidationError) as error:
        raise LoginFailed("Slack's answer could not be verified; nobody was logged in.") from error
    if not hmac.compare_digest(found.nonce, granted.nonce):
        raise LoginFailed("Slack's answer belongs to another login; nobody was logged in.")
    return found


async def _get(http: httpx.AsyncClient, label: str, url: str, granted: Granted) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {granted.tokens['access_token']}"}
    return await _call(http, label, "GET", url, headers=headers)


async def exchange(
    http: httpx.AsyncClient, provider: Provider, form: Mapping[str, str]
) -> dict[str, Any]:
    """What the token endpoint gives for a code. Raises LoginFailed."""
    secret = provider.client_secret.get_secret_value()
    body = {**form, "client_id": provider.client_id, "client_secret": secret}
    found = await _call(http, provider.label, "POST", provider.token_url, data=body)
    if "error" in found or not isinstance(found.get("access_token"), str):
        raise LoginFailed(f"{provider.label} did not confirm the login; begin again.")
    return found


async def _call(
    http: httpx.AsyncClient,
    label: str,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    data: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """One call's JSON object. Raises LoginFailed."""
    accept = {"Accept": "application/json", **(headers or {})}
    try:
        answer = await http.request(method, url, headers=accept, data=data)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise LoginFailed(f"{label} does not answer; try again in a moment.") from error
    if answer.status_code >= _SERVER_ERROR:
        raise LoginFailed(f"{label} has trouble ({answer.status_code}); try again in a moment.")
    try:
        found = _OBJECT.validate_json(answer.content)
    except ValidationError as error:
        raise LoginFailed(f"{label} answered in no way we know; begin again.") from error
    if not answer.is_success:
        raise LoginFailed(f"{label} did not confirm the login; begin again.")
    return found


def _read(model: type[M], found: Mapping[str, Any]) -> M:
    try:
        return model.model_validate(found)
    except ValidationError as error:
        raise LoginFailed("The platform does not say who this is; begin again.") from error
