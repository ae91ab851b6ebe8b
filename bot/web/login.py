"""Logging in and out on the web, and what the page needs to know of who is there."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from importlib import resources
from typing import Annotated, Any

import httpx
import structlog
from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from sqlmodel import Session

from bot.auth import WebClient, role_of_tier
from bot.intake import written_soon
from bot.web import oauth
from bot.web.oauth import Attempt
from bot.web.providers import Identity, LoginFailed, Provider, redirect_uri
from bot.web.routes import HEADERS
from bot.web.sessions import WebSessions
from handlers import Platform
from storage import audit, people, sessions
from storage.audit import Entry
from storage.clock import utc_now
from storage.ids import PersonId
from storage.people import Account, LinkRefused

log = structlog.get_logger()

PROVIDER_TIMEOUT_S = 10.0
_OWN_PATH = re.compile(r"/(?:[\w.~!$&'()*+,;=:@%?-][\w.~!$&'()*+,;=:@%/?-]*)?", re.ASCII)
_NO_STORE = {"Cache-Control": "no-store"}


@dataclass(frozen=True)
class LoginParts:
    """What logging in is composed of."""

    providers: Mapping[Platform, Provider]
    sessions: WebSessions
    http: httpx.AsyncClient
    """Follows no redirects; its timeouts are the provider's."""
    public_url: str
    audit_key: bytes
    contact: str
    """Whom to ask for a role, in words."""


def login_router(parts: LoginParts) -> APIRouter:
    """The routes of logging in."""
    login = _Login(parts)
    router = APIRouter(include_in_schema=False)
    router.add_api_route("/login/{platform}", login.begin, methods=["GET"])
    router.add_api_route("/login/{platform}/callback", login.callback, methods=["GET"])
    router.add_api_route("/login/{platform}/link", login.link, methods=["POST"])
    router.add_api_route("/logout", login.logout, methods=["POST"])
    router.add_api_route("/api/v1/session", login.session, methods=["GET"])
    return router


def own_path(given: str) -> str:
    """Where to go after the login: a path of ours, or the start page."""
    return given if _OWN_PATH.fullmatch(given) else "/"


class _Login:
    def __init__(self, parts: LoginParts) -> None:
        self._parts = parts
        self._cookies = parts.sessions.cookies
        self._page = resources.files("bot.web").joinpath("message.html").read_text()

    async def begin(
        self, platform: str, after: Annotated[str, Query(alias="next", max_length=1024)] = "/"
    ) -> Response:
        """Send the browser to the platform."""
        provider = self._provider(platform)
        attempt = oauth.begin(provider.platform, own_path(after), utc_now())
        response = RedirectResponse(self._address(provider, attempt), 303, _NO_STORE)
        self._cookies.set_attempt(response, attempt)
        return response

    async def link(self, request: Request, platform: str) -> Response:
        """Let somebody who is logged in add an account; the page follows the address."""
        client = await self._parts.sessions.client(request)
        if client is None:
            raise HTTPException(401, "Log in first.")
        provider = self._provider(platform)
        attempt = oauth.begin(provider.platform, "/", utc_now(), client.person)
        address = self._address(provider, attempt)
        response = JSONResponse({"address": address}, headers=_NO_STORE)
        self._cookies.set_attempt(response, attempt)
        return response

    async def callback(self, request: Request, platform: str) -> Response:
        """The browser is back from the platform."""
        provider = self._provider(platform)
        try:
            secret, after = await self._finished(request, provider)
            response: Response = RedirectResponse(after, 303, _NO_STORE)
            self._cookies.set_secret(response, secret)
        except LoginFailed as error:
            log.info("login failed", platform=provider.platform, reason=str(error))
            response = self._message(str(error), f"/login/{provider.platform}")
        self._cookies.drop_attempt(response)
        return response

    async def logout(self, request: Request) -> Response:
        """End the session; the cookie alone does not suffice to do it."""
        response = JSONResponse({"person": None}, headers=_NO_STORE)
        if await self._parts.sessions.client(request) is not None:
            secret = self._cookies.secret(request)
            assert secret is not None
            await written_soon(self._parts.sessions.database, lambda s: self._log_out(s, secret))
        self._cookies.drop_secret(response)
        return response

    async def session(self, request: Request) -> Response:
        """Who is there, what they may do, and how others log in. Renews the session."""
        client = await self._parts.sessions.client(request)
        told: dict[str, Any] = {
            "logins": [
                {"platform": provider.platform, "label": provider.label}
                for provider in self._parts.providers.values()
            ],
            "contact": self._parts.contact,
            "person": None if client is None else _described(client),
        }
        response = JSONResponse(told, headers=_NO_STORE)
        fresh = await self._renewed(self._cookies.secret(request))
        if fresh is not None:
            self._cookies.set_secret(response, fresh)
        elif client is None and self._cookies.secret(request) is not None:
            self._cookies.drop_secret(response)
        return response

    async def _renewed(self, secret: str | None) -> str | None:
        """The page asks often, and seldom is there something to write."""
        if secret is None:
            return None
        database = self._parts.sessions.database
        if not await database.read(lambda s: sessions.is_renewal_due(s, secret, utc_now())):
            return None
        return await written_soon(database, lambda s: sessions.renew(s, secret, utc_now()))

    async def _finished(self, request: Request, provider: Provider) -> tuple[str, str]:
        """The new session's secret, and where to go on. Raises LoginFailed."""
        attempt = self._cookies.attempt(request)
        if attempt is None:
            raise LoginFailed("This login was not begun in this browser, or it took too long.")
        code = oauth.code_of(provider, attempt, request.query_params, utc_now())
        redirect_uri = self._redirect_uri(provider)
        identity = await oauth.finish(self._parts.http, provider, attempt, code, redirect_uri)
        old = self._cookies.secret(request)
        try:
            secret = await written_soon(
                self._parts.sessions.database,
                lambda s: self._log_in(s, identity, attempt, old),
            )
        except LinkRefused as error:
            raise LoginFailed(str(error)) from error
        return secret, attempt.next

    def _log_in(
        self, session: Session, identity: Identity, attempt: Attempt, old: str | None
    ) -> str:
        """In one transaction: the person, the accounts, the session, the audit line."""
        now = utc_now()
        ended = sessions.end(session, old) if old else None
        person = people.person_of(
            session,
            platform=identity.platform,
            account=identity.account,
            name=identity.name,
            now=now,
        )
        if attempt.link is not None:
            if ended is None or ended.person != attempt.link:
                raise LoginFailed("You were logged out meanwhile; log in and add it again.")
            person = people.join(session, attempt.link, person)
        account = f"web:{identity.platform}:{identity.account}"
        people.add_account(session, person, Account(Platform.CONSOLE, account, identity.name), now)
        secret = sessions.begin(session, person, account, identity.name, now)
        action = "login" if attempt.link is None else "link"
        self._note(session, identity.platform, identity.account, action, person)
        return secret

    def _log_out(self, session: Session, secret: str) -> None:
        ended = sessions.end(session, secret)
        if ended is not None:
            _, platform, account = ended.account.split(":", 2)
            self._note(session, platform, account, "logout", ended.person)

    def _note(
        self, session: Session, platform: str, account: str, action: str, person: PersonId
    ) -> None:
        entry = Entry(f"{platform}:{account}", action, f"person:{person}", {"face": "web"})
        audit.append(session, self._parts.audit_key, entry, utc_now())

    def _provider(self, platform: str) -> Provider:
        for provider in self._parts.providers.values():
            if provider.platform == platform:
                return provider
        raise HTTPException(404, "There is no such login here.")

    def _address(self, provider: Provider, attempt: Attempt) -> str:
        return oauth.address(provider, attempt, self._redirect_uri(provider))

    def _redirect_uri(self, provider: Provider) -> str:
        return redirect_uri(self._parts.public_url, provider.platform)

    def _message(self, text: str, again: str) -> Response:
        page = self._page.replace("{text}", escape(text)).replace("{again}", escape(again))
        return HTMLResponse(page, 403, {**HEADERS, **_NO_STORE})


def _described(client: WebClient) -> dict[str, Any]:
    _, _, account = client.web_account.partition(":")
    return {
        "name": client.name,
        "account": account,
        "csrf": client.csrf,
        "roles": [
            {"workspace": scope, "role": role_of_tier(tier)}
            for scope, tier in sorted(client.roles.items())
        ],
    }
