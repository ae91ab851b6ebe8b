"""GitHub's webhooks: the signature over the raw body first, then one durable write, then the
answer. Nothing is asked of the network before it.
"""

import hashlib
import hmac
import json
from typing import Annotated
from urllib.parse import parse_qs

import structlog
from fastapi import APIRouter, Header, HTTPException, Request, Response
from pydantic import ValidationError

from bot.answers import problems
from bot.face import Intake
from bot.github.events import EVENTS, heard
from bot.github.happenings import happened
from bot.github.mention import Mention
from bot.github.payloads import Delivery, Payload
from bot.settings import GatewaySettings, MissingSetting
from handlers import Event
from storage.clock import utc_now

log = structlog.get_logger()

PATH = "/github/webhook"
LARGEST_BODY_BYTES = 25 * 1024 * 1024
"""GitHub sends no larger payload."""
LONGEST_GUID = 100
_ACCEPTED = 202
_BAD_REQUEST, _UNAUTHORIZED, _BAD_MEDIA_TYPE = 400, 401, 415


def routes(settings: GatewaySettings, intake: Intake) -> APIRouter:
    """The webhook's route. Raises MissingSetting without a secret to check signatures with."""
    if not settings.github_webhook_secret:
        raise MissingSetting("GRYPH_GITHUB_WEBHOOK_SECRET is missing.")
    secret = settings.github_webhook_secret.get_secret_value().encode()
    mention = Mention(settings.github_mention)
    router = APIRouter(tags=["github"])

    @router.post(PATH, responses={_ACCEPTED: {"model": dict[str, str]}, **problems(401, 415)})
    async def webhook(
        request: Request,
        response: Response,
        x_github_event: Annotated[str, Header()] = "",
        x_github_delivery: Annotated[str, Header(max_length=LONGEST_GUID)] = "",
        x_hub_signature_256: Annotated[str, Header()] = "",
    ) -> dict[str, str]:
        """Take one delivery in."""
        body = await request.body()
        if not is_signed(body, x_hub_signature_256, secret):
            raise HTTPException(_UNAUTHORIZED, "the signature does not match")
        if not x_github_event or not x_github_delivery:
            raise HTTPException(_BAD_REQUEST, "X-GitHub-Event or X-GitHub-Delivery is missing")
        data = _data(body, request.headers.get("content-type", ""))
        if x_github_event == "ping":
            return {"status": "pong"}
        response.status_code = _ACCEPTED
        if x_github_event not in EVENTS:
            return {"status": "ignored"}
        delivery = Delivery(x_github_event, x_github_delivery, _payload(data), utc_now())
        found: list[tuple[Event, tuple[str, ...]]] = [
            (each.invocation, each.keys) for each in heard(delivery, mention)
        ]
        if told := happened(delivery):
            found.append(told)
        if not found:
            return {"status": "ignored"}
        accepted = [await intake.accept(event, keys) for event, keys in found]
        is_known = all(each is None for each in accepted)
        return {"status": "known already" if is_known else "accepted"}

    return router


def is_signed(body: bytes, signature: str, secret: bytes) -> bool:
    """Whether `signature` (X-Hub-Signature-256) was made over the raw body with our secret."""
    expected = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.encode())


def _data(body: bytes, content_type: str) -> object:
    media_type = content_type.partition(";")[0].strip().lower()
    try:
        if media_type == "application/json":
            return json.loads(body)
        if media_type == "application/x-www-form-urlencoded":
            return json.loads(parse_qs(body.decode(), max_num_fields=10)["payload"][0])
    except (ValueError, KeyError, RecursionError) as error:
        raise HTTPException(_BAD_REQUEST, "the body holds no JSON payload") from error
    raise HTTPException(_BAD_MEDIA_TYPE, "send application/json or a form with `payload`")


def _payload(data: object) -> Payload:
    try:
        return Payload.model_validate(data)
    except ValidationError as error:
        log.warning("github payload not understood", fields=[e["loc"] for e in error.errors()][:5])
        raise HTTPException(_BAD_REQUEST, "the payload lacks what its event needs") from error
