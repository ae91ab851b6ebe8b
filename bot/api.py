"""REST and server-sent events for the console, the web and API clients, under `/api/v1`."""

import hashlib
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated, TypeVar
from urllib.parse import quote

from fastapi import APIRouter, Header, HTTPException, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlmodel import Session

from bot.answers import BEARER, problems, succeeds, takes
from bot.auth import ApiClient, ApiKeys, KeysUnreadable, NotAuthenticated
from bot.console import board, inbound
from bot.console.board import Overview
from bot.console.inbound import BadRepository, NotAllowed, Said
from bot.console.notifier import Notifier
from bot.console.stream import ThreadStream
from bot.console.thread import Body, Receipt, Thread, message_of
from bot.face import Intake, JobView
from bot.intake import written_soon
from bot.web.sessions import HOME_SCOPE, STREAM_LONGEST, WebSessions
from handlers import Tier
from storage import console
from storage.clock import utc_now
from storage.console import MessageKind, NewMessage
from storage.database import Database
from storage.ids import ArtifactId, as_job_id
from storage.redaction import Redactor
from storage.tables.artifacts import ArtifactRow
from storage.tables.console import ConsoleMessageRow

TEXT_MAX = 200_000
STREAMS_MAX = 256
"""Readers of threads that one gateway serves at a time."""
PAGE_MAX = 500
KEY_MAX = 128
_EVENTS = succeeds(
    "text/event-stream",
    {
        "type": "object",
        "properties": {name: {"type": "string"} for name in ("id", "event", "data")},
    },
)
_FILE = succeeds("*/*", {})
Posted = TypeVar("Posted", bound=BaseModel)
_INLINE = ("text/plain", "image/png", "image/jpeg", "image/gif", "image/webp")


@dataclass(frozen=True)
class ApiParts:
    """What the API is composed of."""

    keys: ApiKeys
    intake: Intake
    database: Database
    notifier: Notifier
    """The one the console's face was given."""
    read_artifact: Callable[[ArtifactId], Awaitable[bytes]]
    """Raises FileNotFoundError when retention has removed it."""
    sessions: WebSessions
    open_links: bool = True
    """Whether a link to a file opens for whoever has it."""
    redactor: Redactor = field(default_factory=Redactor)
    """What jobs say passes it, here as on every face."""


class PostedText(BaseModel):
    """A message to be posted."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=TEXT_MAX)
    conversation: str | None = None
    """Goes on with a thread; a new one is begun without it."""
    repository: str | None = Field(default=None, max_length=4096)


class PostedReaction(BaseModel):
    """An emoji to be put on, or taken off, one of our messages."""

    model_config = ConfigDict(extra="forbid")

    message: int
    emoji: str = Field(min_length=1, max_length=64)
    added: bool = True


def api_router(parts: ApiParts) -> APIRouter:
    """The routes of `/api/v1`."""
    api = _Api(parts)
    router = APIRouter(prefix="/api/v1", tags=["console"])
    known = APIRouter(dependencies=[BEARER], responses=problems(401))
    known.add_api_route(
        "/messages",
        api.post_message,
        methods=["POST"],
        status_code=202,
        responses=problems(403, 404, 415),
        openapi_extra=takes(PostedText),
    )
    known.add_api_route(
        "/conversations/{conversation}",
        api.conversation,
        methods=["GET"],
        responses=problems(404),
    )
    known.add_api_route(
        "/conversations/{conversation}/events",
        api.events,
        methods=["GET"],
        response_class=StreamingResponse,
        responses={**_EVENTS, **problems(404)},
    )
    known.add_api_route(
        "/conversations/{conversation}/reactions",
        api.react,
        methods=["POST"],
        status_code=202,
        responses=problems(404, 415),
        openapi_extra=takes(PostedReaction),
    )
    known.add_api_route("/jobs/{job}", api.job, methods=["GET"], responses=problems(404))
    known.add_api_route("/overview", api.overview, methods=["GET"])
    router.include_router(known)
    router.add_api_route(
        "/artifacts/{artifact}",
        api.artifact,
        methods=["GET"],
        response_class=Response,
        responses={**_FILE, **problems(404)},
    )
    return router


class _Api:
    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts
        self._stream = ThreadStream(parts.database, parts.notifier)

    async def post_message(self, request: Request) -> Receipt:
        """Post one message; with the same `Idempotency-Key`, the first one's receipt again."""
        client = await self._client(request)
        _may_speak(client)
        posted = await _body(request, PostedText)
        if not posted.text.strip():
            raise HTTPException(422, "The text is empty.")
        repository = _repository(posted, client)
        key = f"console:{client.account}:{_delivery(request)}"
        thread = posted.conversation or _new_conversation(key)
        body = Body(name=client.name, text=posted.text, repository=repository)
        new = NewMessage(thread, key, MessageKind.PERSON, body.stored(), tier=client.tier)
        row = await written_soon(
            self._parts.database,
            lambda session: _store(session, new, client, begin=posted.conversation is None),
        )
        if row.body != new.body:
            raise HTTPException(422, "This Idempotency-Key was used for another message.")
        assert row.id is not None
        said = Said(row.conversation, row.id, row.created_at, request.headers.get("traceparent"))
        event = inbound.invocation(client, said, posted.text, repository)
        await self._parts.intake.accept(event, (key,))
        self._parts.notifier.wake(row.conversation)
        return Receipt(
            conversation=row.conversation, message=row.id, last_event_id=row.created_change
        )

    async def conversation(
        self,
        request: Request,
        conversation: str,
        after: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = PAGE_MAX,
    ) -> Thread:
        """The thread's messages from the top; `after` is the `last_event_id` of the page before."""
        client = await self._client(request)

        def page(session: Session) -> Thread:
            _open_thread(session, conversation, client)
            rows = console.thread(session, conversation, after, limit)
            return Thread(
                conversation=conversation,
                messages=tuple(map(message_of, rows)),
                last_event_id=rows[-1].created_change if rows else after,
            )

        return await self._parts.database.read(page)

    async def events(
        self,
        request: Request,
        conversation: str,
        after: Annotated[int, Query(ge=0)] = 0,
        last_event_id: Annotated[int | None, Header(ge=0)] = None,
    ) -> StreamingResponse:
        """The thread's changes as they happen, for a few minutes, or until the reader leaves.

        Readers come back with the id of what they saw last; a token that was revoked does not.
        """
        client = await self._client(request)

        def enter(session: Session) -> None:
            _open_thread(session, conversation, client)
            console.grant(session, client.account, client.tier, client.expires_at)

        await written_soon(self._parts.database, enter)
        if self._parts.notifier.readers >= STREAMS_MAX:
            raise HTTPException(503, "Too many readers; try again.", {"Retry-After": "5"})
        start = after if last_event_id is None else last_event_id
        until = min(client.expires_at, utc_now() + STREAM_LONGEST)
        return StreamingResponse(
            self._stream.frames(conversation, start, until),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    async def react(self, request: Request, conversation: str) -> dict[str, str]:
        """Put an emoji on one of our messages, or take it off: feedback on its job."""
        client = await self._client(request)
        _may_speak(client)
        posted = await _body(request, PostedReaction)

        def find(session: Session) -> bool:
            _open_thread(session, conversation, client)
            row = console.find(session, posted.message)
            return (
                row is not None
                and row.conversation == conversation
                and row.kind != MessageKind.PERSON
            )

        if not await self._parts.database.read(find):
            raise HTTPException(404, "There is no such message of ours in this conversation.")
        said = Said(conversation, posted.message, utc_now())
        event = inbound.reaction(client, said, posted.emoji, added=posted.added)
        key = f"console:reaction:{client.account}:{_delivery(request)}"
        await self._parts.intake.accept(event, (key,))
        return {"conversation": conversation}

    async def job(self, request: Request, job: str) -> JobView:
        """A job as it is now: one's own, or anybody's for administrators."""
        client = await self._client(request)
        job_id = as_job_id(job)
        if job_id is not None:
            view = await self._parts.database.read(
                lambda session: board.job_for(session, client, job_id, self._parts.redactor)
            )
            if view is not None:
                return view
        raise HTTPException(404, "There is no such job, or it is not yours.")

    async def overview(
        self, request: Request, limit: Annotated[int, Query(ge=1, le=100)] = 30
    ) -> Overview:
        """Queues and the newest jobs."""
        client = await self._client(request)
        return await self._parts.database.read(
            lambda session: board.overview(session, client, limit, self._parts.redactor)
        )

    async def artifact(
        self, request: Request, artifact: Annotated[str, Path(max_length=64)]
    ) -> Response:
        """A job's file. Its unguessable id is the permission, so that links work in any chat;
        unless GRYPH_ARTIFACT_LINKS asks for one who may see the job.
        """
        client: ApiClient | None = None
        if not self._parts.open_links:
            try:
                client = await self._client(request)
            except HTTPException:
                if "text/html" in request.headers.get("accept", ""):  # a person with a browser
                    return RedirectResponse(f"/?next={quote(request.url.path)}", 303)
                raise
        row = await self._parts.database.read(lambda s: _file_for(s, client, artifact))
        try:
            if row is None:
                raise FileNotFoundError(artifact)
            content = await self._parts.read_artifact(ArtifactId(artifact))
        except FileNotFoundError as error:
            raise HTTPException(404, "There is no such file (any more).") from error
        return Response(content, media_type=row.media_type, headers=_download_headers(row))

    async def _client(self, request: Request) -> ApiClient:
        """Who asks: by a token, or logged in on the web."""
        given = request.headers.get("authorization")
        if given is None:
            client = await self._parts.sessions.client(request)
            if client is not None:
                if not client.sight.own_in:
                    raise HTTPException(403, "You have no role here yet.")
                return client
        return self._bearer(given or "")

    def _bearer(self, given: str) -> ApiClient:
        scheme, _, token = given.partition(" ")
        challenge = {"WWW-Authenticate": 'Bearer realm="gryph"'}
        if scheme.lower() != "bearer" or not token.strip():
            raise HTTPException(401, "A bearer token is needed; `gryph token`.", challenge)
        try:
            return self._parts.keys.verify(token.strip())
        except NotAuthenticated as error:
            raise HTTPException(401, str(error), challenge) from error
        except KeysUnreadable as error:
            raise HTTPException(503, "The gateway cannot read its keys: `gryph doctor`.") from error


def _store(
    session: Session, new: NewMessage, client: ApiClient, *, begin: bool
) -> ConsoleMessageRow:
    now = utc_now()
    console.grant(session, client.account, client.tier, client.expires_at)
    if begin:
        console.open_conversation(session, new.conversation, client.account, now)
    _open_thread(session, new.conversation, client)
    return console.add(session, new, now)


def _open_thread(session: Session, conversation: str, client: ApiClient) -> None:
    """Let pass who began the thread, and administrators; others learn nothing of it."""
    row = console.find_conversation(session, conversation)
    if row is None or not board.may_open(client, row.owner):
        raise HTTPException(404, "There is no such conversation, or it is not yours.")


def _may_speak(client: ApiClient) -> None:
    """Who is logged in for another workspace's sake gives no commands here."""
    if client.sight.person is not None and client.tier < Tier.READ:
        raise HTTPException(403, f"To give commands here you need a role in {HOME_SCOPE}.")


def _file_for(session: Session, client: ApiClient | None, artifact: str) -> ArtifactRow | None:
    """The file, if the client may see its job (nobody's: administrators); without one, any."""
    row = session.get(ArtifactRow, artifact)
    if row is None or client is None or client.sight.everything:
        return row
    job = None if row.job_id is None else as_job_id(row.job_id)
    return row if job is not None and board.may_see(session, client, job) else None


def _repository(posted: PostedText, client: ApiClient) -> str | None:
    try:
        return inbound.repository_of(posted.repository, client.tier)
    except BadRepository as error:
        raise HTTPException(422, str(error)) from error
    except NotAllowed as error:
        raise HTTPException(403, str(error)) from error


def _delivery(request: Request) -> str:
    """The name of this delivery, as the client gave it or drawn here."""
    given = request.headers.get("idempotency-key")
    if given is not None and not (given.isprintable() and 0 < len(given) <= KEY_MAX):
        raise HTTPException(422, f"An Idempotency-Key has 1 to {KEY_MAX} printable characters.")
    return given or secrets.token_urlsafe(16)


def _new_conversation(key: str) -> str:
    """The thread a delivery begins: the same for each repetition of it."""
    return "C" + hashlib.sha256(key.encode()).hexdigest()[:20]


def _download_headers(row: ArtifactRow) -> dict[str, str]:
    kind = "inline" if row.media_type in _INLINE else "attachment"
    return {
        "Content-Disposition": f"{kind}; filename*=UTF-8''{quote(row.name, safe='')}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, max-age=3600",
        "Referrer-Policy": "no-referrer",
    }


async def _body(request: Request, model: type[Posted]) -> Posted:
    """The request's JSON. Raises HTTPException 415, RequestValidationError."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise HTTPException(415, "Send application/json.")
    try:
        return model.model_validate_json(await request.body())
    except ValidationError as error:
        raise RequestValidationError(
            error.errors(include_url=False, include_input=False, include_context=False)
        ) from error
