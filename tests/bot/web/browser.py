"""A person with a browser: cookies, redirects, and the platform they log in at."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from bot.web.sessions import CSRF_HEADER
from storage import people
from storage.clock import utc_now
from storage.ids import PersonId
from tests.bot.console.gateway import Gateway
from tests.fakes.identity import IdentityFake


class Browser:
    """Keeps cookies as browsers do; goes where it is sent only when told."""

    def __init__(self, gateway: Gateway, identity: IdentityFake) -> None:
        """A fresh browser, logged in nowhere."""
        self.gateway = gateway
        self.identity = identity
        self.http = gateway.client()

    async def get(self, path: str, **more: Any) -> httpx.Response:
        """One page of the gateway."""
        return await self.http.get(path, **more)

    async def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        """A request as our page makes it, with the session's token."""
        told = (await self.get("/api/v1/session")).json()["person"]
        headers = {CSRF_HEADER: told["csrf"]} if told else {}
        return await self.http.request(method, path, headers=headers, **more)

    async def at_platform(self, address: str) -> str:
        """Agree at the platform; the address it sends the browser back to."""
        async with httpx.AsyncClient() as outside:
            answer = await outside.get(address)
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    async def sent_away(self, platform: str, **query: str) -> str:
        """Press the button; the platform's address."""
        answer = await self.get(f"/login/{platform}", params=query)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def log_in(self, platform: str, **query: str) -> httpx.Response:
        """The whole way; what the gateway says at its end."""
        back = await self.at_platform(await self.sent_away(platform, **query))
        return await self.get(back)

    async def person(self) -> dict[str, Any] | None:
        """Who the gateway says is logged in."""
        return (await self.get("/api/v1/session")).json()["person"]

    @property
    def cookie(self) -> str | None:
        """The session's secret."""
        return self.http.cookies.get(self.gateway.web.sessions.cookies.session_name)


def query_of(address: str) -> Mapping[str, str]:
    """The parameters of an address."""
    return {key: values[0] for key, values in parse_qs(urlsplit(address).query).items()}


def grant(gateway: Gateway, platform: str, account: str, tier: int, scope: str) -> PersonId:
    """Give somebody a role; who that is."""

    def work(session: Any) -> PersonId:
        now = utc_now()
        person = people.person_of(
            session, platform=platform, account=account, name=account, now=now
        )
        people.grant(session, person, scope, tier, person, now)
        return person

    return gateway.database.write_now(work)
