"""Cookies of the web, and who a request that bears one comes from."""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from fastapi import HTTPException, Request, Response
from sqlmodel import Session

from bot.auth import WebClient
from bot.web.oauth import ATTEMPT_S, Attempt
from handlers import Platform, Tier
from storage import people, sessions
from storage.clock import utc_now
from storage.database import Database
from storage.sessions import WebSession
from storage.vault import KeyRing, Unsealable

CSRF_HEADER: Final = "X-Gryph-CSRF"
HOME_SCOPE: Final = f"{Platform.CONSOLE}:local"
"""The workspace in which commands on the web are given."""
STREAM_LONGEST = timedelta(minutes=5)
"""A reader of a thread has to show again that they may, once in this time."""
_SAFE = ("GET", "HEAD", "OPTIONS")
_COOKIE_MAX_CHARS = 4096
_SEALED_FOR = "web login"


@dataclass(frozen=True)
class Cookies:
    """The two cookies: who is logged in, and the login that was begun.

    Behind https their names bind them to this host and to https (`__Host-`, RFC 6265bis).
    """

    keys: KeyRing
    is_https: bool

    @property
    def session_name(self) -> str:
        """Name of the session's cookie."""
        return "__Host-gryph" if self.is_https else "gryph"

    @property
    def attempt_name(self) -> str:
        """Name of the begun login's cookie."""
        return "__Host-gryph-login" if self.is_https else "gryph-login"

    def secret(self, request: Request) -> str | None:
        """The session's secret that the browser shows."""
        found = request.cookies.get(self.session_name, "")
        return found if 0 < len(found) <= _COOKIE_MAX_CHARS else None

    def set_secret(self, response: Response, secret: str) -> None:
        """Let the browser show this from now on, until it or the session ends."""
        self._set(response, self.session_name, secret, sessions.LONGEST)

    def drop_secret(self, response: Response) -> None:
        """Let the browser forget who is logged in."""
        self._set(response, self.session_name, "", timedelta(0))

    def attempt(self, request: Request) -> Attempt | None:
        """The login that this browser began."""
        sealed = request.cookies.get(self.attempt_name, "")
        if not 0 < len(sealed) <= _COOKIE_MAX_CHARS:
            return None
        try:
            return Attempt.model_validate_json(self.keys.unseal(_SEALED_FOR, sealed))
        except (Unsealable, ValueError):
            return None

    def set_attempt(self, response: Response, attempt: Attempt) -> None:
        """Let the browser keep it, unreadable to it."""
        sealed = self.keys.seal(_SEALED_FOR, attempt.model_dump_json())
        self._set(response, self.attempt_name, sealed, timedelta(seconds=ATTEMPT_S))

    def drop_attempt(self, response: Response) -> None:
        """A login is finished once, whatever came of it."""
        self._set(response, self.attempt_name, "", timedelta(0))

    def _set(self, response: Response, name: str, value: str, life: timedelta) -> None:
        response.set_cookie(
            name,
            value,
            max_age=int(life.total_seconds()),
            path="/",
            secure=self.is_https,
            httponly=True,
            samesite="lax",
        )


class WebSessions:
    """Reads who is logged in; what they may do is asked of their roles each time."""

    def __init__(self, database: Database, cookies: Cookies) -> None:
        """Sessions lie in `database`."""
        self.database = database
        self.cookies = cookies

    async def client(self, request: Request) -> WebClient | None:
        """Who is logged in with this browser.

        Raises:
            HTTPException: The request would change something and does not show that it comes from
                our own page.
        """
        secret = self.cookies.secret(request)
        if secret is None:
            return None
        found = await self.database.read(lambda s: _client(s, secret, utc_now()))
        if found is not None and request.method not in _SAFE:
            _check_origin(request, found)
        return found


def _client(session: Session, secret: str, now: datetime) -> WebClient | None:
    found = sessions.find(session, secret, now)
    return None if found is None else client_of(session, found, now)


def client_of(session: Session, found: WebSession, now: datetime) -> WebClient:
    """The person behind a session, with the roles they have at this moment."""
    roles = {each.scope: Tier(each.tier) for each in people.roles(session, found.person)}
    accounts = people.accounts_of(session, found.person)
    mine = (each.account for each in accounts if each.platform == Platform.CONSOLE)
    tiers = (tier for scope, tier in roles.items() if scope in (HOME_SCOPE, people.EVERYWHERE))
    return WebClient(
        name=found.name,
        tier=max(tiers, default=Tier.ANYONE),
        expires_at=min(found.expires_at, now + STREAM_LONGEST),
        person=found.person,
        web_account=found.account,
        accounts=frozenset(mine),
        roles=roles,
        csrf=found.csrf,
    )


def _check_origin(request: Request, client: WebClient) -> None:
    """A page elsewhere can neither read the token nor add a header of its own."""
    shown = request.headers.get(CSRF_HEADER, "")
    elsewhere = request.headers.get("sec-fetch-site", "same-origin") != "same-origin"
    if elsewhere or not hmac.compare_digest(shown.encode(), client.csrf.encode()):
        raise HTTPException(403, f"This needs the {CSRF_HEADER} of your session; reload the page.")
