"""Who an API client is: bearer tokens (JWT) signed with keys that lie in the home folder.

Claims are those of RFC 7519; algorithm and claims are pinned as RFC 8725 asks.
"""

import base64
import re
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import jwt
from pydantic import BaseModel, ConfigDict

from handlers import Tier
from storage.clock import utc_now
from storage.files import read_or_create, write_whole

AUDIENCE = "gryph"
ISSUER = "gryph"
DEFAULT_TTL_S = 3600
MAX_TTL_S = 90 * 24 * 3600
_ALGORITHM = "HS256"
_CLOCK_SKEW_S = 5
_SECRET_BYTES = 64
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")


class NotAuthenticated(Exception):
    """The token proves nothing; the message says why and holds no part of it."""


class KeysUnreadable(Exception):
    """The signing keys cannot be read or are damaged; the message names the file."""


class Role(StrEnum):
    """What a token's holder may do, in the words of `gryph token --role`."""

    READER = "reader"
    WRITER = "writer"
    ADMIN = "admin"
    OPERATOR = "operator"

    @property
    def tier(self) -> Tier:
        """The trust tier this role stands for."""
        return _TIERS[self]


_TIERS = {
    Role.READER: Tier.READ,
    Role.WRITER: Tier.WRITE,
    Role.ADMIN: Tier.ADMIN,
    Role.OPERATOR: Tier.OPERATOR,
}


@dataclass(frozen=True)
class ApiClient:
    """The holder of a valid token."""

    name: str
    tier: Tier
    expires_at: datetime

    @property
    def account(self) -> str:
        """The account a `Caller` bears for this client."""
        return f"api:{self.name}"


class _Key(BaseModel):
    model_config = ConfigDict(frozen=True)
    id: str
    secret: str
    created_at: datetime

    @property
    def raw(self) -> bytes:
        return base64.urlsafe_b64decode(self.secret)


class _KeySet(BaseModel):
    """Newest first: the first key signs, all verify."""

    model_config = ConfigDict(frozen=True)
    keys: tuple[_Key, ...]


class ApiKeys:
    """The signing keys in `<home>/keys/api.json`, made on first use.

    The file is read again whenever it changes, so a rotation or a removal by the command line
    takes effect in a running gateway at once.
    """

    def __init__(self, home: Path) -> None:
        """Nothing is read or made yet."""
        self.path = home / "keys" / "api.json"
        self._seen: tuple[int, int, int] | None = None
        self._keys: tuple[_Key, ...] = ()

    def mint(
        self, name: str, role: Role, *, ttl_s: int = DEFAULT_TTL_S, now: datetime | None = None
    ) -> str:
        """A token for `name`, signed with the newest key (the first one is made here).

        Raises:
            ValueError: The name or the lifetime is not allowed.
            KeysUnreadable: The key file cannot be read or made.
        """
        if not _NAME.fullmatch(name):
            raise ValueError(f"Not a name for a token: {name!r} (letters, digits, . _ @ + -).")
        if not 0 < ttl_s <= MAX_TTL_S:
            raise ValueError(f"A token lives 1 s to {MAX_TTL_S // 86400} days, not {ttl_s} s.")
        self.ensure()
        key = self._read()[0]
        issued = now or utc_now()
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": name,
            "role": role.value,
            "iat": issued,
            "exp": issued + timedelta(seconds=ttl_s),
        }
        return jwt.encode(claims, key.raw, algorithm=_ALGORITHM, headers={"kid": key.id})

    def verify(self, token: str) -> ApiClient:
        """Who holds this token.

        Raises:
            NotAuthenticated: It is malformed, forged, expired, for someone else or too long-lived.
            KeysUnreadable: The key file is damaged.
        """
        try:
            claims = self._claims(token)
        except jwt.ExpiredSignatureError as error:
            raise NotAuthenticated("The token has expired; mint a new one.") from error
        except jwt.InvalidTokenError as error:
            raise NotAuthenticated(f"The token is not valid: {error}.") from error
        return _client(claims)

    def ensure(self) -> None:
        """Make the first key if there is none; of two processes that try, one wins."""
        with self._named_trouble():
            read_or_create(self.path, lambda: _written((_new_key(),)))

    def rotate(self) -> str:
        """Sign with a new key from now on; older tokens stay valid. Returns the new key's id."""
        self.ensure()
        key = _new_key()
        self._store((key, *self._read()))
        return key.id

    def retire(self) -> int:
        """Remove all keys but the newest, and with them every token they signed; how many."""
        self.ensure()
        newest, *older = self._read()
        if older:
            self._store((newest,))
        return len(older)

    def _claims(self, token: str) -> dict[str, Any]:
        header = jwt.get_unverified_header(token)
        key = next((key for key in self._read() if key.id == header.get("kid")), None)
        if key is None:
            raise NotAuthenticated("The token was signed with a key that is not ours (any more).")
        return jwt.decode(
            token,
            key.raw,
            algorithms=[_ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            leeway=_CLOCK_SKEW_S,
            options={"require": ["exp", "iat", "iss", "aud", "sub", "role"]},
        )

    def _read(self) -> tuple[_Key, ...]:
        with self._named_trouble():
            try:
                status = self.path.stat()
                seen = (status.st_ino, status.st_mtime_ns, status.st_size)
                if seen != self._seen:
                    self._keys = _parse(self.path.read_text())
                    self._seen = seen
            except FileNotFoundError:
                return ()
        return self._keys

    def _store(self, keys: tuple[_Key, ...]) -> None:
        with self._named_trouble():
            write_whole(self.path, _written(keys))

    @contextmanager
    def _named_trouble(self) -> Generator[None]:
        try:
            yield
        except (OSError, ValueError) as error:
            raise KeysUnreadable(f"{self.path} cannot be used: {error}") from error


def _written(keys: tuple[_Key, ...]) -> bytes:
    return _KeySet(keys=keys).model_dump_json(indent=2).encode()


def _new_key() -> _Key:
    secret = base64.urlsafe_b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    return _Key(id=secrets.token_hex(4), secret=secret, created_at=utc_now())


def _parse(text: str) -> tuple[_Key, ...]:
    keys = _KeySet.model_validate_json(text).keys
    if not keys:
        raise ValueError("it holds no key")
    if any(len(key.raw) < _SECRET_BYTES for key in keys):
        raise ValueError("a key is shorter than 512 bits")
    return keys


def _client(claims: dict[str, Any]) -> ApiClient:
    """The client that verified claims speak of."""
    issued, expires = float(claims["iat"]), float(claims["exp"])
    if expires - issued > MAX_TTL_S:
        raise NotAuthenticated(f"The token is valid for more than {MAX_TTL_S // 86400} days.")
    if not _NAME.fullmatch(claims["sub"]):
        raise NotAuthenticated("The token names nobody.")
    try:
        role = Role(claims["role"])
    except ValueError as error:
        raise NotAuthenticated("The token names no role that exists.") from error
    return ApiClient(claims["sub"], role.tier, datetime.fromtimestamp(expires, UTC))
