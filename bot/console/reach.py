"""Whether the chat platforms take our credentials: one small call each."""

import time
from collections.abc import Mapping
from typing import Any

import httpx
import jwt
from pydantic import SecretStr, TypeAdapter

from bot.console.checks import TIMEOUT_S, Check, Verdict
from bot.console.plain import one_line
from bot.settings import GatewaySettings, MissingSetting

_JWT_LIFE_S = 300
_CLOCK_SKEW_S = 60
_OBJECT = TypeAdapter(dict[str, Any])


class _NotTaken(Exception):
    """The platform answered, and refused our credentials."""


async def slack(settings: GatewaySettings) -> Check:
    """Slack's `auth.test`, and with Socket Mode `apps.connections.open`."""
    try:
        if not settings.slack_on:
            return Check("slack", Verdict.OFF, "GRYPH_SLACK_BOT_TOKEN is not set")
        answer = await _slack_call(settings, "auth.test", settings.slack_bot_token)
    except (MissingSetting, _NotTaken, httpx.HTTPError) as error:
        remedy = "Reinstall the app and set GRYPH_SLACK_BOT_TOKEN anew."
        return _trouble("slack", error, remedy, "GRYPH_SLACK_BOT_TOKEN")
    who = f"{answer.get('user')} in {answer.get('team')}"
    if settings.slack_app_token is None:
        return _fine("slack", f"{who}, by HTTP")
    try:
        await _slack_call(settings, "apps.connections.open", settings.slack_app_token)
    except (_NotTaken, httpx.HTTPError) as error:
        remedy = "Make an app-level token with connections:write and set GRYPH_SLACK_APP_TOKEN."
        return _trouble("slack", error, remedy, "GRYPH_SLACK_APP_TOKEN")
    return _fine("slack", f"{who}, by Socket Mode")


async def discord(settings: GatewaySettings) -> Check:
    """Discord's own user."""
    if settings.discord_token is None:
        return Check("discord", Verdict.OFF, "GRYPH_DISCORD_TOKEN is not set")
    token = settings.discord_token.get_secret_value()
    try:
        url = settings.discord_api_url.rstrip("/") + "/users/@me"
        answer = await _call("GET", url, {"Authorization": f"Bot {token}"})
    except (_NotTaken, httpx.HTTPError) as error:
        remedy = "Reset the bot's token and set GRYPH_DISCORD_TOKEN."
        return _trouble("discord", error, remedy, "GRYPH_DISCORD_TOKEN")
    return _fine("discord", f"{answer.get('username')}")


async def github(settings: GatewaySettings) -> Check:
    """GitHub's `GET /app`, as the App."""
    try:
        if not settings.github_on:
            return Check("github", Verdict.OFF, "GRYPH_GITHUB_APP_ID is not set")
        url = settings.github_api_url.rstrip("/") + "/app"
        headers = {"Authorization": f"Bearer {_app_jwt(settings)}"}
        answer = await _call("GET", url, headers | {"Accept": "application/vnd.github+json"})
    except (MissingSetting, _NotTaken, httpx.HTTPError) as error:
        remedy = "Check the App's id and its private key."
        return _trouble("github", error, remedy, "GRYPH_GITHUB_APP_ID with its private key")
    return _fine("github", f"App {answer.get('slug') or answer.get('name')}")


async def _slack_call(
    settings: GatewaySettings, method: str, token: SecretStr | None
) -> dict[str, Any]:
    url = settings.slack_api_url.rstrip("/") + f"/{method}"
    answer = await _call("POST", url, _bearer(token))
    if answer.get("ok") is not True:
        raise _NotTaken(str(answer.get("error", "no reason given")))
    return answer


def _app_jwt(settings: GatewaySettings) -> str:
    now = int(time.time())
    claims = {
        "iss": settings.github_app_id,
        "iat": now - _CLOCK_SKEW_S,
        "exp": now + _JWT_LIFE_S,
    }
    try:
        return jwt.encode(claims, settings.github_key_pem(), algorithm="RS256")
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise _NotTaken("the private key is no RSA key in PEM") from error


def _bearer(token: SecretStr | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}


async def _call(method: str, url: str, headers: Mapping[str, str]) -> dict[str, Any]:
    async with httpx.AsyncClient(timeout=TIMEOUT_S) as http:
        answer = await http.request(method, url, headers=headers)
    if answer.is_error:
        raise _NotTaken(f"it answered {answer.status_code}")
    try:
        return _OBJECT.validate_json(answer.content)
    except ValueError as error:
        raise _NotTaken("it answered without JSON; is the address right?") from error


def _fine(name: str, found: str) -> Check:
    return Check(name, Verdict.OK, one_line(found))


def _trouble(name: str, error: Exception, remedy: str, setting: str) -> Check:
    if isinstance(error, MissingSetting):
        return Check(name, Verdict.BROKEN, one_line(str(error)), "Set it, or unset the others.")
    if isinstance(error, _NotTaken):
        return Check(
            name, Verdict.BROKEN, f"{setting} is not accepted: {one_line(str(error))}", remedy
        )
    found = f"does not answer: {type(error).__name__}"
    return Check(name, Verdict.BROKEN, found, "Check the network and the platform's status page.")
