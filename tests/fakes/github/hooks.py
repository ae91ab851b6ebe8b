"""Signed webhooks, the record of their deliveries, and redelivery."""

import asyncio
import hashlib
import hmac
import json
import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx

from tests.fakes.github.shapes import stamp
from tests.fakes.github.world import WEBHOOK_SECRET, ApiError, World

ANSWER_WITHIN_S = 10.0
NEVER_KEPT = httpx.Limits(max_keepalive_connections=0)
"""A kept connection may be closed by its server as we write."""


@dataclass(frozen=True)
class Delivery:
    """One attempt."""

    id: int
    guid: str
    event: str
    payload: dict[str, Any]
    delivered_at: datetime
    status_code: int
    redelivery: bool

    def older(self, age: timedelta) -> "Delivery":
        """The same, longer ago."""
        return replace(self, delivered_at=self.delivered_at - age)

    def as_json(self) -> dict[str, Any]:
        """As the API lists it."""
        return {
            "id": self.id,
            "guid": self.guid,
            "event": self.event,
            "action": self.payload.get("action"),
            "delivered_at": stamp(self.delivered_at),
            "status_code": self.status_code,
            "status": "OK" if self.status_code in range(200, 300) else "failed",
            "redelivery": self.redelivery,
        }


class Hooks:
    """Sends what happens to the App's webhook address."""

    def __init__(self, world: World, url: str | None = None) -> None:
        """Without `url`, deliveries are only recorded, as failed."""
        self._world = world
        self.url = url
        self.secret = WEBHOOK_SECRET
        self.deliveries: list[Delivery] = []
        self.copies = 1
        """How often each event is delivered."""
        self.down = False
        """Whether the network to the receiver is cut."""
        self.refused = False
        """Whether whoever stands before the gateway answers 403."""
        self.as_form = False
        self._http = httpx.AsyncClient(
            timeout=ANSWER_WITHIN_S,
            verify=False,  # noqa: S501 - loopback, without TLS
            limits=NEVER_KEPT,
        )
        self._pending: set[asyncio.Future[int]] = set()
        world.on_event = self.later

    async def close(self) -> None:
        """Wait for what is under way."""
        await self.settle()
        await self._http.aclose()

    def later(self, event: str, payload: dict[str, Any]) -> None:
        """Send an event in the background."""
        pending = asyncio.ensure_future(self.send(event, payload))
        self._pending.add(pending)
        pending.add_done_callback(self._pending.discard)

    async def settle(self) -> None:
        """Until every event is delivered."""
        while self._pending:
            await asyncio.gather(*self._pending)

    async def send(self, event: str, payload: dict[str, Any]) -> int:
        """Deliver an event, `copies` times under one guid; returns the last status."""
        guid = str(uuid.uuid4())
        payload = {**payload, "installation": {"id": self._world.installation}}
        status = 0
        for _ in range(self.copies):
            status = await self._deliver(guid, event, payload, redelivery=False)
        return status

    async def redeliver(self, delivery_id: int) -> None:
        """Try one delivery again. Raises ApiError when there is none."""
        for known in self.deliveries:
            if known.id == delivery_id:
                await self._deliver(known.guid, known.event, known.payload, redelivery=True)
                return
        raise ApiError(404, "Not Found")

    async def _deliver(
        self, guid: str, event: str, payload: dict[str, Any], *, redelivery: bool
    ) -> int:
        body, kind = json.dumps(payload).encode(), "application/json"
        if self.as_form:
            body, kind = urlencode({"payload": body}).encode(), "application/x-www-form-urlencoded"
        headers = {
            "Content-Type": kind,
            "User-Agent": "GitHub-Hookshot/fake",
            "X-GitHub-Event": event,
            "X-GitHub-Delivery": guid,
            "X-Hub-Signature-256": sign(body, self.secret),
        }
        status = self._away or await self._post(body, headers)
        self.deliveries.append(
            Delivery(
                self._world.new_id(), guid, event, payload, self._world.now(), status, redelivery
            )
        )
        return status

    @property
    def _away(self) -> int | None:
        """The status of a delivery that does not get as far as the gateway."""
        if self.refused:
            return 403
        return 502 if self.url is None or self.down else None

    async def _post(self, body: bytes, headers: dict[str, str]) -> int:
        assert self.url is not None
        try:
            return (await self._http.post(self.url, content=body, headers=headers)).status_code
        except httpx.HTTPError:
            return 502


def sign(body: bytes, secret: str) -> str:
    """The value of X-Hub-Signature-256."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
