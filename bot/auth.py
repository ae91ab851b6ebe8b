"""Who an API client is: bearer tokens (JWT) signed with keys that lie in the home folder.

Claims are those of RFC 7519; algorithm and claims are pinned as RFC 8725 asks.
"""

import base64
import re
import secrets
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import jwt
from pydantic import BaseModel, ConfigDict
from typing_extensions import override

from handlers import Tier
from storage.clock import utc_now
from storage.files import read_or_create, write_whole
from storage.ids import PersonId
from storage.people import EVERYWHERE

AUDIENCE = "gryph"
ISSUER = "gryph"
DEFAULT_TTL_S = 3600
MAX_TTL_S = 90 * 24 * 3600
_ALGORITHM = "HS256"
_CLOCK_SKEW_S = 5
_SECRET_BYTES = 64
_ID_BYTES = 6
TOKEN_MAX_CHARS = 4096
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
_DOTS_IN_A_TOKEN = 2
_TOKEN_ID = re.compile(_NAME.pattern + r"\.[0-9a-f]{12}")


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


def role_of_tier(tier: int) -> str:
    """A tier in the words of the command line."""
    return next((role.value for role in Role if role.tier == tier), Tier(tier).name.lower())


@dataclass(frozen=True)
class Sight:
    """Whose jobs and threads are open to somebody."""

    accounts: frozenset[str]
    """The console accounts that are theirs."""
    everything: bool = False
    person: PersonId | None = None
    """Whose own jobs are open in the workspaces `own_in`; without a person, those of `accounts`."""
    own_in: frozenset[str] = frozenset()
    all_in: frozenset[str] = frozenset()
    """Workspaces in which everybody's jobs are open, as roles name them."""


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

    @property
    def sight(self) -> Sight:
        """One's own jobs and threads; all of them for administrators."""
        return Sight(frozenset({self.account}), everything=self.tier >= Tier.ADMIN)


@dataclass(frozen=True)
class WebClient(ApiClient):
    """A person logged in on the web; `tier` is what they may do in the console's workspace."""

    person: PersonId
    web_account: str
    accounts: frozenset[str]
    roles: Mapping[str, Tier]
    """By workspace, as they are at this moment."""
    csrf: str

    @property
    @override
    def account(self) -> str:
        return self.web_account

    @property
    @override
    def sight(self) -> Sight:
        """Where they have a role, their own jobs; where they administrate, everybody's."""
        return Sight(
            self.accounts,
            everything=self.roles.get(EVERYWHERE, Tier.ANYONE) >= Tier.ADMIN,
            person=self.person,
            own_in=frozenset(scope for scope, tier in self.roles.items() if tier >= Tier.READ),
            all_in=frozenset(scope for scope, tier in self.roles.items() if tier >= Tier.ADMIN),
        )


class _Key(BaseModel):
    model_config = ConfigDict(frozen=True)
    id: str
    secret: str
    created_at: datetime

    @property
    def raw(self) -> bytes:
        return base64.urlsafe_b64decode(self.secret)


class _Revoked(BaseModel):
    model_config = ConfigDict(frozen=True)
    id: str
    until: datetime
    """No token lives longer."""


class _KeySet(BaseModel):
    """Newest first: the first key signs, all verify; but no token that was revoked."""

    model_config = ConfigDict(frozen=True)
    keys: tuple[_Key, ...] = ()
    revoked: tuple[_Revoked, ...] = ()


class ApiKeys:
    """The signing keys in `<home>/keys/api.json`, made on first use.

    The file is read again whenever it changes, so a rotation or a removal by the command line
    takes effect in a running gateway at once.
    """

    def __init__(self, home: Path) -> None:
        """Nothing is read or made yet."""
        self.path = home / "keys" / "api.json"
        self._seen: tuple[int, int, int] | None = None
        self._set = _KeySet()

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
        key = self._read().keys[0]
        issued = now or utc_now()
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": name,
            "role": role.value,
            "iat": issued,
            "exp": issued + timedelta(seconds=ttl_s),
            "jti": f"{name}.{secrets.token_hex(_ID_BYTES)}",
        }
        return jwt.encode(claims, key.raw, algorithm=_ALGORITHM, headers={"kid": key.id})

    def verify(self, token: str) -> ApiClient:
        """Who holds this token.

        Raises:
            NotAuthenticated: It is malformed, forged, expired, revoked, for someone else or too
                long-lived.
            KeysUnreadable: The key file is damaged.
        """
        if len(token) > TOKEN_MAX_CHARS:
            raise NotAuthenticated("The token is too long to be one of ours.")
        try:
            claims = self._claims(token)
        except jwt.ExpiredSignatureError as error:
            raise NotAuthenticated("The token has expired; mint a new one.") from error
        except jwt.InvalidTokenError as error:
            raise NotAuthenticated(f"The token is not valid: {error}.") from error
        if any(claims["jti"] == gone.id for gone in self._read().revoked):
            raise NotAuthenticated("The token was revoked; mint a new one.")
        return _client(claims)

    def ensure(self) -> None:
        """Make the first key if there is none; of two processes that try, one wins."""
        with self._named_trouble():
            read_or_create(self.path, lambda: _written(_KeySet(keys=(_new_key(),))))

    def rotate(self) -> str:
        """Sign with a new key from now on; older tokens stay valid. Returns the new key's id."""
        self.ensure()
        key = _new_key()
        held = self._read()
        self._store(held.model_copy(update={"keys": (key, *held.keys)}))
        return key.id

    def retire(self) -> int:
        """Remove all keys but the newest, and with them every token they signed; how many."""
        self.ensure()
        held = self._read()
        newest, *older = held.keys
        if older:
            self._store(held.model_copy(update={"keys": (newest,)}))
        return len(older)

    def revoke(self, token_or_id: str) -> str:
        """Refuse one token from now on, given as it is or by its id; returns the id.

        Raises:
            ValueError: It is neither.
        """
        self.ensure()
        gone = _id_of(token_or_id)
        now = utc_now()
        held = self._read()
        living = tuple(each for each in held.revoked if each.until > now and each.id != gone)
        fresh = _Revoked(id=gone, until=now + timedelta(seconds=MAX_TTL_S + _CLOCK_SKEW_S))
        self._store(held.model_copy(update={"revoked": (*living, fresh)}))
        return gone

    def _claims(self, token: str) -> dict[str, Any]:
        header = jwt.get_unverified_header(token)
        key = next((key for key in self._read().keys if key.id == header.get("kid")), None)
        if key is None:
            raise NotAuthenticated("The token was signed with a key that is not ours (any more).")
        return jwt.decode(
            token,
            key.raw,
            algorithms=[_ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            leeway=_CLOCK_SKEW_S,
            options={"require": ["exp", "iat", "iss", "aud", "sub", "role", "jti"]},
        )

    def _read(self) -> _KeySet:
        with self._named_trouble():
            try:
                status = self.path.stat()
                seen = (status.st_ino, status.st_mtime_ns, status.st_size)
                if seen != self._seen:
                    self._set = _parse(self.path.read_text())
                    self._seen = seen
            except FileNotFoundError:
                return _KeySet()
        return self._set

    def _store(self, held: _KeySet) -> None:
        with self._named_trouble():
            write_whole(self.path, _written(held))

    @contextmanager
    def _named_trouble(self) -> Generator[None]:
        try:
            yield
        except (OSError, ValueError) as error:
            raise KeysUnreadable(f"{self.path} cannot be used: {error}") from error


def _id_of(given: str) -> str:
    if _TOKEN_ID.fullmatch(given):  # looked at first: the name in an id may hold dots, like a token
        return given
    found = token_id(given) if given.count(".") == _DOTS_IN_A_TOKEN else given
    if not _TOKEN_ID.fullmatch(found):
        raise ValueError(f"Not a token or a token's id: {found[:40]!r} (like ann.5f2c91d07a3e).")
    return found


def token_id(token: str) -> str:
    """The id (`jti`) that a token says it has; nothing is verified.

    Raises:
        ValueError: It is no token, or has none.
    """
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
        return str(claims["jti"])
    except (jwt.InvalidTokenError, KeyError) as error:
        raise ValueError("This is no token of ours.") from error


def holder_of(given_id: str) -> str:
    """Whose token it is that has this id."""
    return given_id.rpartition(".")[0]


def _written(held: _KeySet) -> bytes:
    return held.model_dump_json(indent=2).encode()


def _new_key() -> _Key:
    secret = base64.urlsafe_b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    return _Key(id=secrets.token_hex(4), secret=secret, created_at=utc_now())


def _parse(text: str) -> _KeySet:
    held = _KeySet.model_validate_json(text)
    if not held.keys:
        raise ValueError("it holds no key")
    if any(len(key.raw) < _SECRET_BYTES for key in held.keys):
        raise ValueError("a key is shorter than 512 bits")
    return held


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
