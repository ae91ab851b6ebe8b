"""GitHub, Slack and Discord as those who vouch for a person, on loopback.

Each dialect enforces what the platform does: the registered redirect URI, the client's secret,
codes for one use, PKCE where it was begun with, Slack's signed id token with its nonce. It can
misbehave: see `Misbehaviour`.
"""

import asyncio
import base64
import hashlib
import secrets
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs, urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse

from tests.fakes.served import served

CLIENT, SECRET, TEAM = "client-1", "secret-1", "T1"


class Misbehaviour(StrEnum):
    """What can go wrong at a platform, or be done wrong by who pretends to be one."""

    NONE = "none"
    DECLINED = "declined"
    BROKEN_APP = "broken app"
    TOKEN_500 = "token endpoint answers 500"
    TOKEN_HANGS = "token endpoint hangs"
    TOKEN_HTML = "token endpoint answers HTML"
    TOKEN_REFUSED = "token endpoint refuses"
    TOKEN_EMPTY = "token endpoint gives no token"
    USER_500 = "user endpoint answers 500"
    USER_ODD = "user endpoint names nobody"
    WRONG_STATE = "another state"
    NO_CODE = "no code"
    WRONG_ISSUER = "another issuer"
    WRONG_NONCE = "another nonce"
    WRONG_AUDIENCE = "another audience"
    WRONG_KEY = "signed by another key"
    UNSIGNED = "not signed"
    HS256 = "signed with the public key as a secret"
    EXPIRED = "expired"
    OTHER_TEAM = "another workspace"
    IS_BOT = "a bot"


@dataclass
class _Code:
    redirect_uri: str
    challenge: str | None
    nonce: str | None
    account: str


@dataclass
class World:
    """One platform's state; `account` is who sits at the browser."""

    redirect_uris: tuple[str, ...] = ()
    account: str = "583231"
    name: str = "ann"
    misbehaves: Misbehaviour = Misbehaviour.NONE
    codes: dict[str, _Code] = field(default_factory=dict[str, _Code])
    tokens: dict[str, str] = field(default_factory=dict[str, str])
    seen: list[str] = field(default_factory=list[str])
    """Paths asked for."""


class IdentityFake:
    """The application with its three worlds."""

    def __init__(self) -> None:
        """Everybody behaves."""
        self.url = ""
        self.github, self.slack, self.discord = World(), World(account="U7"), World()
        self.key = rsa.generate_private_key(65537, 2048)
        self.other_key = rsa.generate_private_key(65537, 2048)
        self.app = FastAPI()
        add = self.app.add_api_route
        add("/login/oauth/authorize", self._authorize(self.github, pkce=True))
        add("/login/oauth/access_token", self._github_token, methods=["POST"])
        add("/user", self._github_user)
        add("/openid/connect/authorize", self._authorize(self.slack, pkce=False))
        add("/api/openid.connect.token", self._slack_token, methods=["POST"])
        add("/openid/connect/keys", self._slack_keys)
        add("/oauth2/authorize", self._authorize(self.discord, pkce=True))
        add("/api/v10/oauth2/token", self._discord_token, methods=["POST"])
        add("/api/v10/users/@me", self._discord_user)

    def settings(self) -> dict[str, Any]:
        """Settings of a gateway whose people log in here."""
        return {
            "github_client_id": CLIENT,
            "github_client_secret": SECRET,
            "github_git_url": self.url,
            "github_api_url": self.url,
            "slack_client_id": CLIENT,
            "slack_client_secret": SECRET,
            "slack_team_id": TEAM,
            "slack_login_url": self.url,
            "slack_api_url": f"{self.url}/api/",
            "discord_client_id": CLIENT,
            "discord_client_secret": SECRET,
            "discord_login_url": self.url,
            "discord_api_url": f"{self.url}/api/v10",
        }

    def world(self, platform: str) -> World:
        """One platform's state."""
        return {"github": self.github, "slack": self.slack, "discord": self.discord}[platform]

    @staticmethod
    def _authorize(world: World, *, pkce: bool) -> Any:
        async def authorize(request: Request) -> Response:
            query = request.query_params
            if query.get("client_id") != CLIENT or query.get("response_type") != "code":
                return PlainTextResponse("unknown client", 404)
            redirect_uri = query.get("redirect_uri", "")
            if redirect_uri not in world.redirect_uris:
                return PlainTextResponse("redirect_uri is not registered", 400)
            if pkce and query.get("code_challenge_method", "S256") != "S256":
                return PlainTextResponse("bad challenge method", 400)
            back: dict[str, str] = {"state": query.get("state", "")}
            if world.misbehaves is Misbehaviour.WRONG_STATE:
                back["state"] = secrets.token_urlsafe(8)
            if world.misbehaves is Misbehaviour.DECLINED:
                back["error"] = "access_denied"
            elif world.misbehaves is Misbehaviour.BROKEN_APP:
                back["error"] = "redirect_uri_mismatch<script>"
            elif world.misbehaves is not Misbehaviour.NO_CODE:
                back["code"] = secrets.token_hex(10)
                challenge = query.get("code_challenge") if pkce else None
                nonce = query.get("nonce")
                world.codes[back["code"]] = _Code(redirect_uri, challenge, nonce, world.account)
            return RedirectResponse(f"{redirect_uri}?{urlencode(back)}", 302)

        return authorize

    @staticmethod
    async def _redeemed(world: World, request: Request) -> _Code | str:
        """The code that is used up by this, or the error the platform names."""
        form = {key: values[0] for key, values in parse_qs((await request.body()).decode()).items()}
        code = world.codes.pop(form.get("code", ""), None)
        if form.get("client_id") != CLIENT or form.get("client_secret") != SECRET:
            return "invalid_client"
        if form.get("grant_type") != "authorization_code" or code is None:
            return "invalid_grant"
        if form.get("redirect_uri") != code.redirect_uri:
            return "redirect_uri_mismatch"
        if code.challenge is not None:
            digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            if base64.urlsafe_b64encode(digest).decode().rstrip("=") != code.challenge:
                return "invalid_grant"
        return code

    @staticmethod
    async def _wrong(world: World) -> Response | None:
        match world.misbehaves:
            case Misbehaviour.TOKEN_500:
                return PlainTextResponse("oops", 502)
            case Misbehaviour.TOKEN_HANGS:
                await asyncio.sleep(1.0)  # longer than the test's client waits
                return PlainTextResponse("late")
            case Misbehaviour.TOKEN_HTML:
                return PlainTextResponse("<html>unicorn</html>")
            case Misbehaviour.TOKEN_REFUSED:
                return JSONResponse({"error": "bad_verification_code"})
            case Misbehaviour.TOKEN_EMPTY:
                return JSONResponse({"ok": True})
            case _:
                return None

    async def _github_token(self, request: Request) -> Response:
        """GitHub answers errors with 200, and a form unless JSON is asked for."""
        code = await self._redeemed(self.github, request)
        if (wrong := await self._wrong(self.github)) is not None:
            return wrong
        if isinstance(code, str):
            return JSONResponse({"error": code, "error_description": "The code is incorrect."})
        if request.headers.get("accept") != "application/json":
            return PlainTextResponse("access_token=gho_x&token_type=bearer")
        return JSONResponse(self._granted(self.github, code))

    async def _discord_token(self, request: Request) -> Response:
        code = await self._redeemed(self.discord, request)
        if (wrong := await self._wrong(self.discord)) is not None:
            return wrong
        if isinstance(code, str):
            return JSONResponse({"error": code}, 401 if code == "invalid_client" else 400)
        return JSONResponse({**self._granted(self.discord, code), "expires_in": 604800})

    async def _slack_token(self, request: Request) -> Response:
        code = await self._redeemed(self.slack, request)
        if (wrong := await self._wrong(self.slack)) is not None:
            return wrong
        if isinstance(code, str):
            return JSONResponse({"ok": False, "error": code})
        return JSONResponse({"ok": True, **self._granted(self.slack, code)} | self._id_token(code))

    @staticmethod
    def _granted(world: World, code: _Code) -> dict[str, Any]:
        token = secrets.token_hex(16)
        world.tokens[token] = code.account
        return {"access_token": token, "token_type": "bearer"}

    def _id_token(self, code: _Code) -> dict[str, Any]:
        wrong, now = self.slack.misbehaves, int(time.time())
        expired = wrong is Misbehaviour.EXPIRED
        claims: dict[str, Any] = {
            "iss": "https://evil.test" if wrong is Misbehaviour.WRONG_ISSUER else self.url,
            "aud": "another" if wrong is Misbehaviour.WRONG_AUDIENCE else CLIENT,
            "sub": code.account,
            "iat": now - 7200 if expired else now,
            "exp": now - 3600 if expired else now + 300,
            "nonce": "another" if wrong is Misbehaviour.WRONG_NONCE else code.nonce,
            "name": self.slack.name,
            "https://slack.com/user_id": code.account,
            "https://slack.com/team_id": "T9" if wrong is Misbehaviour.OTHER_TEAM else TEAM,
        }
        headers = {"kid": "k1"}
        if wrong is Misbehaviour.UNSIGNED:
            return {"id_token": jwt.encode(claims, "", algorithm="none", headers=headers)}
        if wrong is Misbehaviour.HS256:
            public = str(self._public()["n"])
            return {"id_token": jwt.encode(claims, public, algorithm="HS256", headers=headers)}
        key = self.other_key if wrong is Misbehaviour.WRONG_KEY else self.key
        return {"id_token": jwt.encode(claims, key, algorithm="RS256", headers=headers)}

    def _public(self) -> dict[str, Any]:
        numbers = self.key.public_key().public_numbers()
        parts = {"n": _spelled(numbers.n), "e": _spelled(numbers.e)}
        return {"kty": "RSA", "kid": "k1", "use": "sig", "alg": "RS256", **parts}

    async def _slack_keys(self) -> Response:
        return JSONResponse({"keys": [self._public()]})

    async def _github_user(self, request: Request) -> Response:
        account = self._account(self.github, request)
        if account is None:
            return JSONResponse({"message": "Bad credentials"}, 401)
        if self.github.misbehaves is Misbehaviour.USER_500:
            return PlainTextResponse("oops", 503)
        if self.github.misbehaves is Misbehaviour.USER_ODD:
            return JSONResponse({"message": "hello"})
        return JSONResponse({"id": int(account), "login": self.github.name, "type": "User"})

    async def _discord_user(self, request: Request) -> Response:
        account = self._account(self.discord, request)
        if account is None:
            return JSONResponse({"message": "401: Unauthorized", "code": 0}, 401)
        is_bot = self.discord.misbehaves is Misbehaviour.IS_BOT
        return JSONResponse(
            {"id": account, "username": self.discord.name, "global_name": None, "bot": is_bot}
        )

    @staticmethod
    def _account(world: World, request: Request) -> str | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return world.tokens.get(token) if scheme == "Bearer" else None


def _spelled(number: int) -> str:
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@contextmanager
def running_identity() -> Generator[IdentityFake]:
    """Serve on a free port of the loopback for as long as the block lasts."""
    fake = IdentityFake()
    with served(fake.app) as fake.url:
        yield fake
