"""Who calls, and what they may: App tokens (JWT), installation tokens with their scope, limits."""

import re
import secrets
from collections import defaultdict, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import jwt
from fastapi import Request

from tests.fakes.github.world import APP_ID, ApiError, Repository, World

TOKEN_LIFE = timedelta(hours=1)
LONGEST_JWT_S = 600
WRITES_A_MINUTE, WRITES_AN_HOUR = 80, 500
_LEVELS = {"read": 1, "write": 2, "admin": 3}


@dataclass(frozen=True)
class Token:
    """An installation token."""

    value: str
    repositories: frozenset[str]
    permissions: dict[str, str]
    expires_at: datetime
    installation: int


@dataclass
class Fault:
    """Something that goes wrong with a call."""

    method: str
    path: str
    """A regular expression that is searched in the path."""
    status: int
    message: str = "Something went wrong"
    headers: dict[str, str] = field(default_factory=dict[str, str])
    times: int = 1
    after: bool = False
    """Whether the call takes effect and only its answer is lost."""


class Access:
    """Checks every call; remembers tokens, writes and faults."""

    def __init__(self, world: World) -> None:
        """Nobody has called yet."""
        self._world = world
        self.tokens: dict[str, Token] = {}
        self.asked: list[dict[str, Any]] = []
        """Bodies of requests for tokens."""
        self.faults: list[Fault] = []
        self.calls: list[tuple[str, str]] = []
        self.limited = True
        self.over_limit = 0
        """Writes that were refused because there had been too many."""
        self._writes: defaultdict[int, deque[datetime]] = defaultdict(deque)
        """By installation."""

    def enter(self, request: Request) -> Fault | None:
        """Count the call. Raises ApiError where a limit or a fault stops it."""
        method, path = request.method, request.url.path
        self.calls.append((method, path))
        if any(part in path for part in self._world.missing_endpoints):
            raise ApiError(404, "Not Found")
        fault = self._fault(method, path)
        if fault is not None and not fault.after:
            raise ApiError(fault.status, fault.message, headers=fault.headers)
        if method != "GET" and path.startswith("/repos/"):
            self._count_write(self._installation(request))
        return fault

    def _fault(self, method: str, path: str) -> Fault | None:
        for fault in self.faults:
            if fault.times > 0 and fault.method == method and re.search(fault.path, path):
                fault.times -= 1
                return fault
        return None

    def _installation(self, request: Request) -> int:
        token = self.tokens.get(request.headers.get("authorization", "").rpartition(" ")[2])
        return token.installation if token else self._world.installation

    def _count_write(self, installation: int) -> None:
        now, writes = self._world.now(), self._writes[installation]
        while writes and now - writes[0] > timedelta(hours=1):
            writes.popleft()
        minute = sum(now - at <= timedelta(minutes=1) for at in writes)
        if self.limited and (minute >= WRITES_A_MINUTE or len(writes) >= WRITES_AN_HOUR):
            self.over_limit += 1
            raise ApiError(
                403,
                "You have exceeded a secondary rate limit. Please wait a few minutes.",
                headers={"Retry-After": "60"},
            )
        writes.append(now)

    def app(self, request: Request) -> None:
        """Let the App itself pass. Raises ApiError."""
        try:
            claims = jwt.decode(
                _bearer(request),
                self._world.key.public_key(),
                algorithms=["RS256"],
                issuer=APP_ID,
                options={
                    "require": ["iat", "exp", "iss"],
                    "verify_exp": False,
                    "verify_iat": False,
                },
            )
        except jwt.PyJWTError as error:
            raise ApiError(401, "A JSON web token could not be decoded") from error
        now_s = self._world.now().timestamp()
        if claims["exp"] < now_s or claims["exp"] - now_s > LONGEST_JWT_S or claims["iat"] > now_s:
            raise ApiError(401, "'Expiration time' claim ('exp') is too far in the future")
        if self._world.suspended:
            raise ApiError(403, "This installation has been suspended")

    def new_token(self, body: dict[str, Any], installation: int) -> Token:
        """A token for what `body` names. Raises ApiError where that was not granted."""
        self.asked.append(body)
        installed = {r.name: r.full_name for r in self._world.repositories.values() if r.installed}
        names = body.get("repositories", list(installed))
        wished: dict[str, str] = body.get("permissions", self._world.granted)
        if not all(name in installed for name in names):
            raise ApiError(422, "There is at least one repository that does not exist")
        for name, level in wished.items():
            if _LEVELS[level] > _LEVELS.get(self._world.granted.get(name, ""), 0):
                raise ApiError(422, "The permissions requested are not granted")
        value = f"ghs_{APP_ID}_{secrets.token_urlsafe(60)}.{secrets.token_urlsafe(30)}"
        expires_at = (self._world.now() + TOKEN_LIFE).replace(microsecond=0)
        chosen = frozenset(installed[name] for name in names)
        token = Token(value, chosen, {"metadata": "read", **wished}, expires_at, installation)
        self.tokens[value] = token
        return token

    def token(self, request: Request) -> Token:
        """The caller's installation token. Raises ApiError."""
        return self.valid(_bearer(request))

    def valid(self, value: str) -> Token:
        """The token with this value. Raises ApiError."""
        token = self.tokens.get(value)
        if token is None or token.expires_at < self._world.now():
            raise ApiError(401, "Bad credentials")
        return token

    def repository(self, request: Request, *needed: str, write: bool = False) -> Repository:
        """The repository the path names, if the token reaches it with one of `needed`.

        Raises ApiError.
        """
        token = self.token(request)
        found = self._world.find(request.path_params["owner"], request.path_params["name"])
        if found.full_name not in token.repositories or not found.installed:
            raise ApiError(404, "Not Found")
        level = "write" if write else "read"
        if not any(allows(token, name, level) for name in needed):
            raise ApiError(403, "Resource not accessible by integration")
        if write and found.archived:
            raise ApiError(403, "Repository was archived so is read-only.")
        return found


def allows(token: Token, permission: str, level: str) -> bool:
    """Whether the token's scope includes it."""
    return _LEVELS.get(token.permissions.get(permission, ""), 0) >= _LEVELS[level]


def _bearer(request: Request) -> str:
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind.lower() not in ("bearer", "token") or not value:
        raise ApiError(401, "Requires authentication")
    return value
