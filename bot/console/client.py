"""A client of the gateway's API: posts one message and follows its thread, come what may."""

import asyncio
import getpass
import re
import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from bot.auth import ApiKeys, KeysUnreadable, Role
from bot.console.events import EventReader, StreamEvent, TooLong
from bot.console.settings import ClientSettings
from bot.console.thread import ARTIFACTS_PATH, Receipt, ThreadMessage
from storage.ids import ArtifactId

TIMEOUT_S = 10.0
SILENCE_S = 40.0
"""A stream this silent (its heartbeat is 15 s) is taken for dead."""
GONE_AFTER_S = 30.0
"""How long a gateway that was there may be away, restarting, before we give up."""
_POST_TRIES = 4
_FIRST_WAIT_S = 0.2
_MOST_WAIT_S = 2.0
_OK = 200
_SERVER_ERROR = 500


class NoGateway(Exception):
    """Nobody answers there; the message says where and what to do."""


class Refused(Exception):
    """The gateway answered, and said no; the message is its reason."""


class _RunFile(BaseModel):
    model_config = ConfigDict(extra="ignore")
    url: str
    pid: int


def gateway_url(settings: ClientSettings) -> str:
    """The address of the gateway.

    Raises:
        NoGateway: None is configured and none has left word in the home folder.
    """
    if settings.gateway_url is not None:
        return settings.gateway_url.rstrip("/")
    try:
        text = (settings.home / "run" / "gateway.json").read_text()
        return _RunFile.model_validate_json(text).url.rstrip("/")
    except (OSError, ValidationError) as error:
        raise NoGateway(f"no gateway at {settings.home}; start one with `gryph up`") from error


def bearer(settings: ClientSettings) -> str:
    """A token to speak with: the configured one, or a fresh one of the home folder's operator.

    Raises:
        Refused: There is neither.
    """
    if settings.token is not None:
        return settings.token.get_secret_value()
    keys = ApiKeys(settings.home)
    try:
        if settings.gateway_url is None and keys.path.exists():
            return keys.mint(local_user(), Role.OPERATOR)
    except KeysUnreadable as error:
        raise Refused(f"{error}. Set GRYPH_TOKEN to a token from `gryph token`.") from error
    raise Refused("No token: set GRYPH_TOKEN to one from `gryph token` on the gateway's machine.")


def local_user() -> str:
    """The name of whoever runs this process, as a token may bear it."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):
        name = ""
    return re.sub(r"[^A-Za-z0-9._-]", "-", name)[:64].strip("-._") or "operator"


class GatewayClient:
    """Talks to one gateway. Address and token are asked for anew at each connection, since a
    restarted gateway may have another port and tokens end.
    """

    def __init__(
        self, http: httpx.AsyncClient, address: Callable[[], str], token: Callable[[], str]
    ) -> None:
        """`address` may raise NoGateway and `token` Refused, as the functions above do."""
        self._http = http
        self._address = address
        self._token = token

    def artifact_url(self, artifact: ArtifactId) -> str:
        """Where an artifact can be downloaded."""
        return f"{self._address()}{ARTIFACTS_PATH}/{artifact}"

    async def post(
        self, text: str, *, conversation: str | None = None, repository: str | None = None
    ) -> Receipt:
        """Post one message, exactly once whatever happens on the way.

        Raises:
            NoGateway: Nobody answers.
            Refused: The gateway does not take it.
        """
        body = {"text": text, "conversation": conversation, "repository": repository}
        key = secrets.token_urlsafe(16)
        for left in reversed(range(_POST_TRIES)):
            try:
                answer = await self._http.post(
                    f"{self._address()}/api/v1/messages",
                    json={name: value for name, value in body.items() if value is not None},
                    headers=self._headers() | {"Idempotency-Key": key},
                    timeout=TIMEOUT_S,
                )
            except httpx.TransportError as error:
                if left == 0 or isinstance(error, httpx.ConnectError):
                    raise self._nobody() from error
            else:
                if answer.status_code < _SERVER_ERROR or left == 0:
                    return Receipt.model_validate(_json(answer))
            await asyncio.sleep(_FIRST_WAIT_S)
        raise AssertionError("the last try returns or raises")

    async def follow(self, conversation: str, after: int) -> AsyncGenerator[ThreadMessage, None]:
        """Every message made or edited after that change; reconnects, and ends never.

        Raises:
            NoGateway: The gateway has been away for `GONE_AFTER_S`.
            Refused: The gateway does not let us read.
        """
        loop = asyncio.get_running_loop()
        heard_at, wait_s = loop.time(), _FIRST_WAIT_S
        while True:
            try:
                async with aclosing(self._stream(conversation, after)) as stream:
                    async for event in stream:
                        heard_at, wait_s = loop.time(), _FIRST_WAIT_S
                        if event is not None:
                            after = int(event.id)
                            yield ThreadMessage.model_validate_json(event.data)
            except (httpx.TransportError, NoGateway) as error:
                if loop.time() - heard_at > GONE_AFTER_S:
                    raise self._nobody() from error
            except (TooLong, ValueError) as error:
                raise Refused(f"The gateway's words make no sense: {error}") from error
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, _MOST_WAIT_S)

    async def download(self, artifact: ArtifactId) -> bytes:
        """An artifact's content. Raises NoGateway or Refused."""
        try:
            answer = await self._http.get(
                self.artifact_url(artifact), headers=self._headers(), timeout=TIMEOUT_S
            )
        except httpx.TransportError as error:
            raise self._nobody() from error
        if answer.status_code != _OK:
            _json(answer)
        return answer.content

    async def _stream(
        self, conversation: str, after: int
    ) -> AsyncGenerator[StreamEvent | None, None]:
        """One connection's events; None for each sign of life without one."""
        reader = EventReader()
        async with self._http.stream(
            "GET",
            f"{self._address()}/api/v1/conversations/{conversation}/events",
            headers=self._headers() | {"Last-Event-ID": str(after)},
            timeout=httpx.Timeout(TIMEOUT_S, read=SILENCE_S),
        ) as answer:
            if answer.status_code >= _SERVER_ERROR:
                raise httpx.ReadError(f"status {answer.status_code}")
            if answer.status_code != _OK:
                await answer.aread()
                _json(answer)
            async for chunk in answer.aiter_bytes():
                yield None
                for event in reader.feed(chunk):
                    yield event

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token()}"}

    def _nobody(self) -> NoGateway:
        return NoGateway(f"no gateway at {self._address()}; start one with `gryph up`")


def _json(answer: httpx.Response) -> Any:
    """The answer's JSON. Raises Refused with the reason when it is an error."""
    try:
        if not answer.is_success:
            raise Refused(_Problem.model_validate_json(answer.content).reason)
        return answer.json()
    except ValueError as error:
        reason = f"The gateway answered {answer.status_code} in no way we know."
        raise Refused(reason) from error


class _Wrong(BaseModel):
    model_config = ConfigDict(extra="ignore")
    loc: tuple[str | int, ...] = ()
    msg: str


class _Problem(BaseModel):
    """FastAPI's error body: one reason, or a list of what is wrong where."""

    detail: str | tuple[_Wrong, ...]

    @property
    def reason(self) -> str:
        if isinstance(self.detail, str):
            return self.detail
        return "; ".join(f"{'.'.join(map(str, wrong.loc))}: {wrong.msg}" for wrong in self.detail)
