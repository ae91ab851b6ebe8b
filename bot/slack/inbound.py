"""Slack's events, slash commands and buttons, by HTTP or Socket Mode, into the intake.

Both store the event durably and then acknowledge, with no network call in between. Socket Mode is
slack-bolt's. HTTP is read here without it: bolt parses a body before it verifies it, answers what
it did not expect with 500, which asks for a redelivery, and takes a slash command whose text holds
the word "payload" for an interaction without one.
"""

import asyncio
import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
import structlog
from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from pydantic import TypeAdapter, ValidationError
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from typing_extensions import override

from bot.face import Intake, NotTaken
from bot.settings import GatewaySettings, MissingSetting
from bot.slack.api import REFUSED_TOKEN
from bot.slack.normalize import normalize
from bot.slack.sdk_log import sdk_logger
from bot.tokens import Token
from bot.uplinks import Uplink
from handlers import Platform
from storage.clock import utc_now

log = structlog.get_logger()

PATHS = ("/slack/events", "/slack/commands", "/slack/interactions")
SIGNATURE_LIFE_S = 5 * 60
SOCKET_PING_S = 5.0
_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"
_MOST_FIELDS = 100
_BAD_REQUEST, _UNAUTHORIZED, _BAD_MEDIA_TYPE = 400, 401, 415
_OBJECT = TypeAdapter(dict[str, Any])
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_sdk_log = sdk_logger("socket")


def routes(settings: GatewaySettings, intake: Intake) -> APIRouter:
    """Slack's three request addresses; none of them without a signing secret."""
    router = APIRouter()
    secret = settings.slack_signing_secret
    if secret is None:
        return router
    door = _Door(secret.get_secret_value(), intake)
    for path in PATHS:
        router.add_api_route(path, door.take, methods=["POST"], include_in_schema=False)
    return router


def app_token() -> Token:
    """The token that Socket Mode is opened with, not refused so far."""
    return Token("GRYPH_SLACK_APP_TOKEN", "Make an app-level token anew and set it.")


async def socket_mode(
    settings: GatewaySettings,
    intake: Intake,
    standing: Token | None = None,
    uplink: Uplink | None = None,
) -> None:
    """Receive through Socket Mode until cancelled; lost connections are made anew. `standing` is
    told whether Slack takes the app-level token, and `uplink` whether we are connected.

    Raises:
        MissingSetting: There is no app-level token.
    """
    token = settings.slack_app_token
    if token is None:
        raise MissingSetting("GRYPH_SLACK_APP_TOKEN is missing: Socket Mode needs it.")
    uplink = uplink or Uplink(Platform.SLACK)
    client = _TicketOffice(standing or app_token(), uplink, settings.slack_api_url)
    handler = AsyncSocketModeHandler(
        _bolt_app(intake),
        token.get_secret_value(),
        logger=_sdk_log,
        web_client=client,
        ping_interval=SOCKET_PING_S,
    )
    uplink.wanted()
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_look_after(handler.client, uplink))
            await handler.connect_async()
    finally:
        uplink.unwanted()
        await handler.close_async()


class _TicketOffice(AsyncWebClient):
    """Gets a ticket for each connection; the SDK comes back every few seconds, whatever is said."""

    def __init__(self, token: Token, uplink: Uplink, base_url: str) -> None:
        super().__init__(base_url=base_url, retry_handlers=[], logger=_sdk_log)  # pyright: ignore[reportUnknownMemberType] - bare dicts
        self._standing = token
        self._uplink = uplink

    @override
    async def apps_connections_open(self, *, app_token: str, **kwargs: Any) -> AsyncSlackResponse:
        self._standing.check()
        try:
            answer = await super().apps_connections_open(app_token=app_token, **kwargs)  # pyright: ignore[reportUnknownMemberType] - bare kwargs
        except SlackApiError as error:
            code = str(error.response["error"])  # pyright: ignore[reportUnknownArgumentType] - untyped
            self._uplink.lost(f"Slack: {code}")
            if code in REFUSED_TOKEN:
                raise self._standing.refused(code) from error
            raise
        except (aiohttp.ClientError, TimeoutError) as error:
            self._uplink.lost(f"no way to Slack ({type(error).__name__})")
            raise
        self._standing.taken()
        if not self._uplink.is_up:
            self._uplink.lost("Slack gave a ticket, and its socket did not open")
        return answer


async def _look_after(client: SocketModeClient, uplink: Uplink) -> None:
    """Tell `uplink`, and drop used tickets: one is good once, and the SDK would try a refused one
    again for ever.
    """
    while True:
        await asyncio.sleep(SOCKET_PING_S)
        if await client.is_connected():
            uplink.made()
            continue
        client.wss_uri = None
        if uplink.is_up:
            uplink.lost("the socket closed")


class _Door:
    """Lets in what Slack has signed: HMAC-SHA256 over `v0:timestamp:body`, raw bytes.

    https://docs.slack.dev/authentication/verifying-requests-from-slack
    """

    def __init__(self, secret: str, intake: Intake) -> None:
        self._secret = secret.encode()
        self._intake = intake

    async def take(self, request: Request) -> Response:
        """Verify, store, acknowledge. Raises NotTaken."""
        body = await request.body()
        if not self._signed(body, request.headers):
            return Response("bad signature", _UNAUTHORIZED)
        payload = _payload(body, request.headers.get("content-type", ""))
        if payload.get("type") == "url_verification":
            return JSONResponse({"challenge": str(payload.get("challenge", ""))})
        await _accept(self._intake, payload)
        return Response()

    def _signed(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Whether Slack signed exactly these bytes within the last five minutes."""
        timestamp = headers.get("x-slack-request-timestamp", "")
        if not _TIMESTAMP.fullmatch(timestamp):
            return False
        if abs(int(time.time()) - int(timestamp)) > SIGNATURE_LIFE_S:
            return False
        signed = b"v0:%b:%b" % (timestamp.encode(), body)
        wanted = f"v0={hmac.new(self._secret, signed, hashlib.sha256).hexdigest()}"
        return hmac.compare_digest(wanted.encode(), headers.get("x-slack-signature", "").encode())


def _payload(body: bytes, content_type: str) -> dict[str, Any]:
    """The JSON, wherever it stands, or a slash command's form. Raises HTTPException."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in (_JSON, _FORM):
        raise HTTPException(_BAD_MEDIA_TYPE, "send application/json or a form")
    try:
        text = body.decode()
        if media_type == _JSON:
            return _OBJECT.validate_python(json.loads(text))
        fields = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS))
        held = json.loads(fields["payload"]) if "payload" in fields else fields
        return _OBJECT.validate_python(held)
    except (ValueError, RecursionError) as error:
        raise HTTPException(_BAD_REQUEST, "the body holds no payload") from error


def _bolt_app(intake: Intake) -> AsyncApp:
    """Bolt with one middleware: everything that is left after its own is ours to take."""

    async def authorize(team_id: str | None, enterprise_id: str | None) -> AuthorizeResult:
        return AuthorizeResult(team_id=team_id, enterprise_id=enterprise_id)

    async def take(body: dict[str, Any]) -> BoltResponse:
        try:
            await _accept(intake, body)
        except NotTaken as error:  # anything but 200 is not acknowledged, and sent again
            log.warning("slack event not taken", reason=str(error))
            return BoltResponse(status=503, body="")
        return BoltResponse(status=200, body="")

    app = AsyncApp(
        name="gryph",
        logger=_sdk_log,
        client=AsyncWebClient(),  # else bolt looks for a token in variables of its own
        authorize=authorize,
        signing_secret="checked before",  # noqa: S106 - no secret: bolt wants one to exist
        request_verification_enabled=False,
        ignoring_self_events_enabled=False,
    )
    app.use(take)  # pyright: ignore[reportUnknownMemberType] - bolt leaves its arguments untyped
    return app


async def _accept(intake: Intake, payload: Mapping[str, Any]) -> None:
    try:
        delivery = normalize(payload, utc_now())
    except ValidationError as error:
        kinds = [f"{'.'.join(map(str, e['loc']))}: {e['type']}" for e in error.errors()]
        log.warning("slack payload not understood", problems=kinds)
        return
    if delivery is not None:
        await intake.accept(delivery.event, delivery.keys)
