"""One login from its first redirect to the identity a platform vouches for (RFC 6749, 9700)."""

import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import cast

import httpx
from authlib.oauth2.rfc6749.parameters import (
    prepare_grant_uri,  # pyright: ignore[reportUnknownVariableType]
)
from authlib.oauth2.rfc7636 import (
    create_s256_code_challenge,  # pyright: ignore[reportUnknownVariableType]
)
from pydantic import BaseModel, ConfigDict

from bot.web.providers import Granted, Identity, LoginFailed, Provider, exchange
from handlers import Platform
from storage.ids import PersonId

ATTEMPT_S = 600
"""How long somebody may take at the platform."""
CODE_MAX_CHARS = 2048


class Attempt(BaseModel):
    """A login that was begun in one browser, which keeps it sealed in a cookie."""

    model_config = ConfigDict(frozen=True)

    platform: Platform
    state: str
    verifier: str
    nonce: str
    next: str
    begun_at: datetime
    link: PersonId | None = None
    """Who asked, logged in, to add an account."""


def begin(platform: Platform, after: str, now: datetime, link: PersonId | None = None) -> Attempt:
    """A new attempt, which ends at `after`."""
    return Attempt(
        platform=platform,
        state=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),
        nonce=secrets.token_urlsafe(32),
        next=after,
        begun_at=now,
        link=link,
    )


def address(provider: Provider, attempt: Attempt, redirect_uri: str) -> str:
    """Where to send the browser."""
    more = dict(provider.more)
    if provider.has_pkce:
        challenge = create_s256_code_challenge(attempt.verifier)  # pyright: ignore[reportUnknownVariableType]
        more["code_challenge"] = cast("str", challenge)
        more["code_challenge_method"] = "S256"
    else:
        more["nonce"] = attempt.nonce
    made = prepare_grant_uri(  # pyright: ignore[reportUnknownVariableType]
        provider.authorize_url,
        client_id=provider.client_id,
        response_type="code",
        redirect_uri=redirect_uri,
        scope=provider.scope or None,
        state=attempt.state,
        **more,
    )
    return cast("str", made)


def code_of(provider: Provider, attempt: Attempt, query: Mapping[str, str], now: datetime) -> str:
    """The code with which the browser came back. Raises LoginFailed."""
    is_ours = attempt.platform is provider.platform and hmac.compare_digest(
        query.get("state", "").encode(), attempt.state.encode()
    )
    if not is_ours:
        raise LoginFailed("This login was begun in another window or another browser; begin again.")
    if not timedelta(0) <= now - attempt.begun_at <= timedelta(seconds=ATTEMPT_S):
        raise LoginFailed("This login took too long; begin again.")
    if "error" in query:
        if query["error"] == "access_denied":
            raise LoginFailed(f"You declined at {provider.label}; nobody was logged in.")
        raise LoginFailed(f"{provider.label} refused the login; tell whoever runs this gateway.")
    code = query.get("code", "")
    if not 0 < len(code) <= CODE_MAX_CHARS:
        raise LoginFailed(f"{provider.label} sent no code; begin again.")
    return code


async def finish(
    http: httpx.AsyncClient, provider: Provider, attempt: Attempt, code: str, redirect_uri: str
) -> Identity:
    """Who it is. Raises LoginFailed."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    if provider.has_pkce:
        form["code_verifier"] = attempt.verifier
    tokens = await exchange(http, provider, form)
    return await provider.identify(http, Granted(tokens, attempt.nonce))
