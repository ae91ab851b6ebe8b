"""Socket Mode: one-use tickets, hello, envelopes that want an ack, redelivery, disconnect."""

import asyncio
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web


@dataclass
class Envelope:
    """Something sent through a socket, until it is acknowledged."""

    id: str
    kind: str
    payload: dict[str, Any]
    attempts: int = 0
    acked: asyncio.Event = field(default_factory=asyncio.Event)

    def as_text(self) -> str:
        """As it goes over the wire."""
        return json.dumps(
            {
                "type": self.kind,
                "envelope_id": self.id,
                "payload": self.payload,
                "accepts_response_payload": self.kind != "events_api",
                "retry_attempt": self.attempts - 1,
                "retry_reason": "timeout" if self.attempts > 1 else "",
            }
        )


class Sockets:
    """The app's open connections."""

    def __init__(self) -> None:
        """None open."""
        self.opened = 0
        """How many connections were ever made."""
        self.refused = 0
        """So many of the next tickets are refused, and void then."""
        self._tickets: set[str] = set()
        self._open: list[web.WebSocketResponse] = []
        self._unacked: dict[str, Envelope] = {}
        self._changed = asyncio.Condition()

    def new_ticket(self) -> str:
        """A ticket for one connection."""
        ticket = secrets.token_hex(8)
        self._tickets.add(ticket)
        return ticket

    @property
    def connected(self) -> bool:
        """Whether anybody listens."""
        return bool(self._open)

    async def until_opened(self, times: int) -> None:
        """Wait until so many connections were made in all and one is open."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.opened >= times and self.connected)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One connection, from hello to the end."""
        ticket = request.query.get("ticket", "")
        if self.refused or ticket not in self._tickets:
            self.refused = max(0, self.refused - 1)
            self._tickets.discard(ticket)
            return web.Response(status=408, text="ticket used or unknown")
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "hello", "num_connections": len(self._open) + 1})
        await self._add(socket)
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._take_ack(json.loads(message.data))
        finally:
            if socket in self._open:
                self._open.remove(socket)
        return socket

    async def _add(self, socket: web.WebSocketResponse) -> None:
        async with self._changed:
            self.opened += 1
            self._open.append(socket)
            self._changed.notify_all()

    def _take_ack(self, answer: dict[str, Any]) -> None:
        envelope = self._unacked.pop(answer.get("envelope_id", ""), None)
        if envelope is not None:
            envelope.acked.set()

    async def send(self, kind: str, payload: dict[str, Any], *, socket: int = -1) -> Envelope:
        """Send one envelope to a connection, the newest unless told."""
        envelope = Envelope(secrets.token_hex(8), kind, payload)
        await self.resend(envelope, socket=socket)
        return envelope

    async def resend(self, envelope: Envelope, *, socket: int = -1) -> None:
        """Deliver it (again): what Slack does when the ack is late or lost."""
        self._unacked[envelope.id] = envelope
        envelope.attempts += 1
        await self._open[socket].send_str(envelope.as_text())

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Announce that the newest connection will be closed, as Slack does hourly."""
        await self._open[-1].send_json({"type": "disconnect", "reason": reason})

    async def drop(self) -> None:
        """Close every connection without a word."""
        for socket in list(self._open):
            await socket.close()

    async def close(self) -> None:
        """The end."""
        await self.drop()
