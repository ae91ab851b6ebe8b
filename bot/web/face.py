"""The web's parts, composed: pages, logins, sessions."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import httpx
from fastapi import APIRouter

from bot.settings import GatewaySettings
from bot.web.login import PROVIDER_TIMEOUT_S, LoginParts, login_router
from bot.web.providers import Provider, providers
from bot.web.routes import web_router
from bot.web.sessions import Cookies, WebSessions
from handlers import Platform
from storage import audit
from storage.database import Database
from storage.vault import KeyRing


@dataclass(frozen=True)
class Web:
    """What the gateway serves to browsers."""

    routers: tuple[APIRouter, ...]
    sessions: WebSessions
    providers: Mapping[Platform, Provider]
    http: httpx.AsyncClient
    close: Callable[[], Awaitable[None]]


def web_of(settings: GatewaySettings, database: Database, public_url: str) -> Web:
    """Compose it.

    Raises:
        MissingSetting: A login is half configured.
    """
    keys = KeyRing.open(settings.home / "keys" / "web.key")
    sessions = WebSessions(database, Cookies(keys, is_https=public_url.startswith("https://")))
    http = httpx.AsyncClient(timeout=PROVIDER_TIMEOUT_S, follow_redirects=False)
    parts = LoginParts(
        providers=providers(settings),
        sessions=sessions,
        http=http,
        public_url=public_url,
        audit_key=audit.load_key(settings.home),
        contact=settings.operator_contact,
    )
    routers = (web_router(), login_router(parts))
    return Web(routers, sessions, parts.providers, http, http.aclose)
