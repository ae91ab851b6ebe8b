"""Slack's Web API behind three calls; every failure becomes Busy, Undeliverable or Refusal.

Nothing is retried here: the delivery loop owns retries, and the SDK's own would post twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError, SlackRequestError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.budgets import Budgets
from bot.face import Busy, Undeliverable
from bot.fence import still_ours
from bot.settings import GatewaySettings
from bot.slack.hosted import FILES_SCOPE, Elsewhere, NotGiven, TooLarge, fetched, own_address
from bot.slack.pace import Pace
from bot.slack.sdk_log import sdk_logger
from bot.tokens import Token

TIMEOUT_S = 10.0
IDLE_S = 10.0
"""How long an unused connection is kept: well below what Slack's own side allows, so that a message
never goes to a connection that is just being closed."""
_TOO_MANY = 429
_SERVER_ERROR = 500
_OK = 200
_READING = {"conversations.history", "conversations.replies", "users.info"}
_TRANSIENT = {"internal_error", "fatal_error", "service_unavailable", "request_timeout"}
REFUSED_TOKEN = {
    "account_inactive",
    "invalid_auth",
    "not_authed",
    "token_expired",
    "token_revoked",
}
_CLOSED = {
    "is_archived",
    "is_inactive",
    "restricted_action",
    "restricted_action_read_only_channel",
    "team_access_not_granted",
    "thread_not_found",
}
_sdk_log = sdk_logger("api")


class Refusal(Exception):
    """Slack's `ok: false` that the caller may know a way around; `code` is Slack's."""

    def __init__(self, method: str, code: str, detail: str = "", needed: str = "") -> None:
        """`detail` is Slack's explanation, for the log; `needed` the scope that is missing."""
        super().__init__(f"{method}: {code} {detail}".rstrip())
        self.code = code
        self.needed = needed

    @property
    def in_words(self) -> str:
        """For a person, as Markdown without a full stop."""
        if self.needed:
            return (
                f"the Slack app lacks the scope `{self.needed}` (`gryph manifest slack` prints "
                "what it needs; then install it anew)"
            )
        return f"Slack says `{self.code}`"


class Limited(Busy):
    """A rate limit of Slack's was reached."""


@dataclass(frozen=True)
class Upload:
    """A file for a thread."""

    name: str
    title: str
    content: bytes


class SlackApi:
    """One workspace's API, with our bot token."""

    def __init__(
        self,
        settings: GatewaySettings,
        *,
        timeout_s: float = TIMEOUT_S,
        budgets: Budgets | None = None,
    ) -> None:
        """`timeout_s` bounds each HTTP request; `budgets` are shared with other gateways."""
        self._pace = Pace(budgets, settings.slack_posts_per_minute, settings.slack_calls_per_minute)
        token = settings.slack_bot_token
        self.token = Token("GRYPH_SLACK_BOT_TOKEN", "Reinstall the app and set it anew.")
        self._timeout_s = timeout_s
        self._client = AsyncWebClient(
            token=token.get_secret_value() if token else None,
            base_url=settings.slack_api_url.rstrip("/") + "/",
            timeout=cast("int", timeout_s),  # the SDK hands it to aiohttp, which takes a float
            retry_handlers=[],
            logger=_sdk_log,
        )

    async def close(self) -> None:
        """Let go of the connections."""
        if self._client.session is not None:
            await self._client.session.close()

    async def call(self, method: str, args: Mapping[str, Any]) -> dict[str, Any]:
        """Call a method, with its arguments in a JSON body or, where Slack reads none, the query.

        Raises:
            Busy: Not now.
            Undeliverable: Never again.
            Refusal: Slack said no, for a reason the caller may know a way around.
        """
        reads = method in _READING
        self.token.check()
        await self._pace.call(method, args)
        still_ours()
        try:
            response = await self._connected.api_call(  # pyright: ignore[reportUnknownMemberType] - bare dicts
                method,
                http_verb="GET" if reads else "POST",
                params=dict(args) if reads else None,
                json=None if reads else dict(args),
            )
        except SlackApiError as error:
            trouble = self._translated(method, error)
            if isinstance(trouble, Limited):
                await self._pace.close_for(method, args, trouble.retry_after_s)
            raise trouble from error
        except (aiohttp.ClientError, TimeoutError, SlackRequestError) as error:
            raise Busy(f"{method}: {type(error).__name__}") from error
        self.token.taken()
        return cast("dict[str, Any]", response.data)  # pyright: ignore[reportUnknownMemberType] - a bare dict

    async def upload(self, channel: str, thread: str | None, files: Sequence[Upload]) -> None:
        """Upload files, at most ten, as one message of a thread. Raises as `call`."""
        uploads = [
            {"filename": file.name, "title": file.title, "content": file.content} for file in files
        ]
        self.token.check()
        await self._pace.upload(channel, len(files))
        still_ours()
        try:
            await self._connected.files_upload_v2(  # pyright: ignore[reportUnknownMemberType] - bare kwargs
                file_uploads=uploads, channel=channel, thread_ts=thread, request_file_info=False
            )
        except SlackApiError as error:
            raise self._translated("files.upload", error) from error
        except (aiohttp.ClientError, TimeoutError, SlackRequestError) as error:
            raise Busy(f"files.upload: {type(error).__name__}") from error

    async def download(self, address: str, most_bytes: int) -> bytes:
        """A file that somebody put into the workspace; nothing of one that is gone.

        Raises:
            Busy: Not now.
            Undeliverable: It is not Slack's to give, or longer than `most_bytes`.
            Refusal: We lack the scope.
        """
        self.token.check()
        still_ours()
        try:
            answer = await fetched(
                own_address(address, self._client.base_url),
                self._client.token or "",
                most_bytes=most_bytes,
                timeout_s=self._timeout_s,
                proxy=self._client.proxy,
            )
        except NotGiven as error:
            raise Refusal("file", "missing_scope", str(error), FILES_SCOPE) from error
        except Elsewhere as error:
            raise Undeliverable("it is not kept by Slack") from error
        except TooLarge as error:
            raise Undeliverable("it is too large") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Busy(f"file: {type(error).__name__}") from error
        if answer.status == _TOO_MANY or answer.status >= _SERVER_ERROR:
            headers = {"Retry-After": answer.retry_after}
            raise Busy(f"file: HTTP {answer.status}", retry_after_s=_retry_after_s(headers))
        return answer.content if answer.status == _OK else b""

    @property
    def _connected(self) -> AsyncWebClient:
        """The client with a session for all its calls: by itself it shakes hands for each."""
        if self._client.session is None:
            self._client.session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(keepalive_timeout=IDLE_S),
                timeout=aiohttp.ClientTimeout(total=self._timeout_s),
            )
        return self._client

    def _translated(self, method: str, error: SlackApiError) -> Exception:
        translated = _translated(method, error)
        if isinstance(translated, Refusal) and translated.code in REFUSED_TOKEN:
            return self.token.refused(str(translated))
        if not isinstance(translated, Busy):
            self.token.taken()
        return translated

    async def has_room_for_progress(self) -> bool:
        """Whether an edit that could as well be left out may be made now."""
        return await self._pace.has_room_for_progress()

    async def respond(self, response_url: str, body: Mapping[str, Any]) -> None:
        """Answer through an interaction's response_url (five times within half an hour).

        Raises:
            Busy: Not now.
            Refusal: The address is used up, or the message was not taken.
        """
        hook = AsyncWebhookClient(
            response_url,
            timeout=cast("int", self._timeout_s),  # as above
            retry_handlers=[],
            logger=_sdk_log,
        )
        still_ours()
        try:
            answer = await hook.send_dict(dict(body))
        except (aiohttp.ClientError, TimeoutError, SlackClientError) as error:
            raise Busy(f"response_url: {type(error).__name__}") from error
        if answer.status_code == _TOO_MANY or answer.status_code >= _SERVER_ERROR:
            headers = cast("Mapping[str, str]", answer.headers)
            raise Busy("response_url", retry_after_s=_retry_after_s(headers))
        if answer.status_code != _OK:
            raise Refusal("response_url", str(answer.body)[:100])


def _translated(method: str, error: SlackApiError) -> Exception:
    response: Any = error.response
    status = int(getattr(response, "status_code", 0) or getattr(response, "status", 0))
    headers = cast("Mapping[str, str]", response.headers)
    if status == _TOO_MANY:
        return Limited(f"{method}: 429", retry_after_s=_retry_after_s(headers))
    data: Any = getattr(response, "data", None)
    if status >= _SERVER_ERROR or not isinstance(data, dict):
        return Busy(f"{method}: HTTP {status}")
    return _refused(method, cast("dict[str, Any]", data))


def _refused(method: str, data: Mapping[str, Any]) -> Exception:
    code = str(data.get("error", "unknown_error"))
    if code in _TRANSIENT:
        return Busy(f"{method}: {code}")
    if code in _CLOSED:
        return Undeliverable(f"{method}: {code}")
    detail = str(data.get("response_metadata", ""))[:300]
    return Refusal(method, code, detail, _scope(data.get("needed")))


def _scope(needed: object) -> str:
    """The scope that Slack names, of several the first."""
    named = str(needed or "").partition(",")[0].strip()
    return named if named.replace(":", "").replace(".", "").isalnum() else ""


def _retry_after_s(headers: Mapping[str, str]) -> float:
    given = headers.get("Retry-After") or headers.get("retry-after") or ""
    return float(given) if given.isdecimal() else 5.0
