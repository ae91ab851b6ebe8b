"""Discord's gateway: sessions that are begun, resumed and lost, and the events they hear.

A session whose connection broke keeps what it missed for a while and replays it on RESUME. A new
session hears nothing of what was said before it: that is lost at Discord's side.
https://docs.discord.com/developers/events/gateway
"""

import asyncio
import json
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from tests.fakes.discord_wire import shapes
from tests.fakes.discord_wire.wire import Wire
from tests.fakes.discord_wire.world import World

HEARTBEAT_MS = 41_250
KEPT_EVENTS = 1_000
KEPT_S = 120.0
"""How long a session without a connection can be resumed."""
STARTS_A_DAY = 1_000
START_EVERY_S = 5.0
"""One IDENTIFY in this time, as `max_concurrency` says."""
_PRIVILEGED = 1 << 1 | 1 << 8
_CONTENT = 1 << 15


class Op(IntEnum):
    """What a frame is."""

    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    PRESENCE = 3
    RESUME = 6
    RECONNECT = 7
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11


class Close(IntEnum):
    """Why the gateway hangs up."""

    UNKNOWN_OP = 4001
    NOT_JSON = 4002
    NOT_AUTHENTICATED = 4003
    BAD_TOKEN = 4004
    ALREADY_AUTHENTICATED = 4005
    SESSION_TIMED_OUT = 4009
    DISALLOWED_INTENTS = 4014


class Intent(IntEnum):
    """Which events a session hears."""

    GUILDS = 1 << 0
    GUILD_MESSAGES = 1 << 9
    GUILD_REACTIONS = 1 << 10
    DIRECT_MESSAGES = 1 << 12
    DIRECT_REACTIONS = 1 << 13


@dataclass
class Session:
    """What Discord knows of one client's session."""

    id: str
    intents: int
    wire: Wire | None
    sequence: int = 0
    sent: deque[tuple[int, str, Any]] = field(
        default_factory=lambda: deque[tuple[int, str, Any]](maxlen=KEPT_EVENTS)
    )
    left_at_s: float = 0.0
    is_resumable: bool = True

    def dispatch(self, event: str, data: object) -> None:
        """Tell it of an event, now or when it comes back."""
        self.sequence += 1
        self.sent.append((self.sequence, event, data))
        if self.wire is not None:
            self.wire.send(Op.DISPATCH, data, t=event, s=self.sequence)

    def replay(self, after: int) -> None:
        """Send again what it may have missed."""
        assert self.wire is not None
        for sequence, event, data in self.sent:
            if sequence > after:
                self.wire.send(Op.DISPATCH, data, t=event, s=sequence)

    def can_replay(self, after: int) -> bool:
        """Whether everything it may have missed is still kept."""
        oldest = self.sent[0][0] if self.sent else 1
        return self.is_resumable and oldest <= after + 1 <= self.sequence + 1


class Gateway:
    """Every session, and what can be done to their connections."""

    def __init__(self, world: World, token: str, clock: Callable[[], float] = time.monotonic):
        """`clock` gives seconds."""
        self.world = world
        self.url = ""
        self.heartbeat_ms = HEARTBEAT_MS
        self.answers_heartbeats = True
        self.start_every_s = START_EVERY_S
        self.started: list[Session] = []
        """Every session there was."""
        self.resumed = 0
        self.refused: list[int] = []
        """The codes with which connections were closed by us."""
        self._token = token
        self._clock = clock
        self._last_start_s = -START_EVERY_S
        self._sessions: dict[str, Session] = {}
        self._changed = asyncio.Condition()

    @property
    def connected(self) -> list[Session]:
        """The sessions that have a connection."""
        return [each for each in self._sessions.values() if each.wire is not None]

    @property
    def start_limit(self) -> dict[str, int]:
        """As `GET /gateway/bot` tells it."""
        left = max(0, STARTS_A_DAY - len(self.started))
        return {
            "total": STARTS_A_DAY,
            "remaining": left,
            "reset_after": 86_400_000,
            "max_concurrency": 1,
        }

    async def until(self, holds: Callable[["Gateway"], bool]) -> None:
        """Wait until sessions are as wanted."""
        async with self._changed:
            await self._changed.wait_for(lambda: holds(self))

    def dispatch(self, event: str, data: object, intent: Intent | None = None) -> int:
        """Tell every session that wants to hear; how many are connected."""
        self._forget_the_old()
        heard = 0
        for session in self._sessions.values():
            if intent is None or session.intents & intent:
                session.dispatch(event, data)
                heard += session.wire is not None
        return heard

    def cut(self) -> None:
        """Every connection breaks; the sessions can be resumed."""
        for session in self.connected:
            assert session.wire is not None
            session.wire.cut()

    def ask_to_reconnect(self) -> None:
        """As Discord does when it moves its servers."""
        for session in self.connected:
            assert session.wire is not None
            session.wire.send(Op.RECONNECT, None)

    def hang_up(self, code: int) -> None:
        """Close every connection."""
        for session in self.connected:
            assert session.wire is not None
            session.wire.close(code)

    def forget(self) -> None:
        """No session can be resumed from now on."""
        for session in list(self._sessions.values()):
            session.is_resumable = False

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """One connection."""
        socket = web.WebSocketResponse(max_msg_size=64 * 1024)
        await socket.prepare(request)
        wire = Wire(request, socket)
        wire.send(Op.HELLO, {"heartbeat_interval": self.heartbeat_ms})
        conversation = Conversation(self, wire)
        sending = asyncio.ensure_future(wire.run())
        try:
            await self._listen(socket, conversation)
        finally:
            await wire.end(sending)
            await self._leave(conversation.session, wire, socket.close_code)
        return socket

    async def _listen(self, socket: web.WebSocketResponse, conversation: "Conversation") -> None:
        silence_s = self.heartbeat_ms / 1000 * 1.5
        while True:
            try:
                frame = await socket.receive(timeout=silence_s)
            except TimeoutError:
                self.refused.append(Close.SESSION_TIMED_OUT)
                await socket.close(code=Close.SESSION_TIMED_OUT)
                return
            if frame.type is not WSMsgType.TEXT:
                return
            code = await conversation.take(frame.data)
            if code is not None:
                self.refused.append(code)
                await socket.close(code=code)
                return

    async def _leave(self, session: Session | None, wire: Wire, code: int | None) -> None:
        """A client that says goodbye ends its session; one that is gone may come back."""
        if session is not None and session.wire is wire:
            session.wire = None
            session.left_at_s = self._clock()
            if code in (WSCloseCode.OK, WSCloseCode.GOING_AWAY) and not wire.is_closing:
                self._sessions.pop(session.id, None)
        await self._told()

    async def begin(self, wire: Wire, asked: dict[str, Any]) -> Session | int | None:
        """IDENTIFY: the session, a code to hang up with, or None for "not so fast"."""
        if asked.get("token") != self._token:
            return Close.BAD_TOKEN
        intents = int(asked.get("intents", 0))
        if intents & _PRIVILEGED or (intents & _CONTENT and not self.world.reads_all_content):
            return Close.DISALLOWED_INTENTS
        wait_s = self._last_start_s + self.start_every_s - self._clock()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
            return None
        self._last_start_s = self._clock()
        session = Session(secrets.token_hex(16), intents, wire)
        self._sessions[session.id] = session
        self.started.append(session)
        self._greet(session)
        await self._told()
        return session

    async def resume(self, wire: Wire, asked: dict[str, Any]) -> Session | int | None:
        """RESUME: the session with what it missed, a code, or None for "begin anew"."""
        if asked.get("token") != self._token:
            return Close.BAD_TOKEN
        self._forget_the_old()
        session = self._sessions.get(str(asked.get("session_id")))
        after = int(asked.get("seq") or 0)
        if session is None or not session.can_replay(after):
            return None
        if session.wire is not None:
            session.wire.cut()
        session.wire = wire
        session.replay(after)
        session.dispatch("RESUMED", {})
        self.resumed += 1
        await self._told()
        return session

    def _greet(self, session: Session) -> None:
        world = self.world
        guilds = list(world.guilds.values())
        session.dispatch(
            "READY",
            {
                "v": 10,
                "user": shapes.user(world.bot),
                "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
                "session_id": session.id,
                "resume_gateway_url": self.url,
                "application": {"id": str(world.bot.id), "flags": 0},
            },
        )
        for guild in guilds if session.intents & Intent.GUILDS else ():
            session.dispatch("GUILD_CREATE", shapes.guild_create(world, guild))

    def _forget_the_old(self) -> None:
        now_s = self._clock()
        for session in list(self._sessions.values()):
            if session.wire is None and now_s - session.left_at_s > KEPT_S:
                del self._sessions[session.id]

    async def _told(self) -> None:
        async with self._changed:
            self._changed.notify_all()


class Conversation:
    """What one connection says."""

    def __init__(self, gateway: Gateway, wire: Wire) -> None:
        """Nobody has identified themselves yet."""
        self.session: Session | None = None
        self._gateway = gateway
        self._wire = wire

    async def take(self, text: str) -> int | None:
        """One frame; the code to hang up with, if that is the answer."""
        try:
            frame: dict[str, Any] = json.loads(text)
        except ValueError:
            return Close.NOT_JSON
        match frame.get("op"):
            case Op.HEARTBEAT:
                if self._gateway.answers_heartbeats:
                    self._wire.send(Op.HEARTBEAT_ACK, None)
                return None
            case Op.IDENTIFY | Op.RESUME if self.session is not None:
                return Close.ALREADY_AUTHENTICATED
            case Op.IDENTIFY:
                return self._joined(await self._gateway.begin(self._wire, frame["d"]))
            case Op.RESUME:
                return self._joined(await self._gateway.resume(self._wire, frame["d"]))
            case Op.PRESENCE if self.session is not None:
                return None
            case _:
                return Close.UNKNOWN_OP if self.session else Close.NOT_AUTHENTICATED

    def _joined(self, answer: Session | int | None) -> int | None:
        if isinstance(answer, Session):
            self.session = answer
        elif answer is None:
            self._wire.send(Op.INVALID_SESSION, data=False)
        else:
            return answer
        return None
