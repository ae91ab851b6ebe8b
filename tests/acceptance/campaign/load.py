"""The events of a campaign, and their delivery: several times each, in shuffled order, to every
gateway in turn, and again until somebody has said yes.
"""

import asyncio
import json
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import aiohttp

from tests.acceptance.campaign.processes import now_s
from tests.acceptance.campaign.stage import CODE, Stage
from tests.fakes.github.hooks import sign as github_sign
from tests.fakes.github.world import WEBHOOK_SECRET
from tests.fakes.slack.workspace import sign as slack_sign

SPREAD_S = 15.0
"""The deliveries of one event lie within this."""
AGAIN_S = 3.0
"""Between two tries of what nobody took."""
AT_ONCE = 64
SLASHES = 0.4
"""Of what people say on Discord."""
LEFT_TO_GITHUB = 0.5
"""Of GitHub's events that nobody took: found by the sweep, the rest is sent again here."""
CUT_OFF = 0.02
"""Of GitHub's events that never reach us by themselves."""
COMMANDS = ("status", "help", "quota")


class Face(StrEnum):
    """Where an event comes from."""

    GITHUB = "github"
    SLACK = "slack"
    CONSOLE = "console"
    DISCORD = "discord"


@dataclass
class Event:
    """Something a person said, and what became of its deliveries."""

    number: int
    face: Face
    text: str
    is_job: bool
    where: int
    who: int
    cut_off: bool = False
    act: str = "say"
    """What the person does: "say" (to us), "chat" (to others), "slash" or "react"."""
    id: str = ""
    """The platform's name for the delivery: guid, event_id, Idempotency-Key."""
    root: str = ""
    """Where what we say about it stands: issue, thread or conversation."""
    body: str = ""
    kind: str = ""
    accepted_at: float | None = None
    statuses: list[int] = field(default_factory=list[int])
    """Of every delivery; 0 where there was no answer."""
    failed: list[str] = field(default_factory=list[str])
    """Ids of slash commands that Discord showed as failed, so that the person tried again."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def is_silent(self) -> bool:
        """Whether nothing is to be said about it."""
        return self.act in ("chat", "react")


def script(count: int, seed: int) -> list[Event]:
    """The events: as many on each face, a third of them jobs."""
    dice = random.Random(seed)  # noqa: S311 - a campaign's seed
    faces = list(Face)
    events: list[Event] = []
    for number in range(count):
        face = faces[number % len(faces)]
        is_job = dice.random() < 1 / 3
        text = f"test work/f{number}.py" if is_job else dice.choice(COMMANDS)
        cut_off = face is Face.GITHUB and dice.random() < CUT_OFF
        where, who = dice.randrange(10**6), dice.randrange(10**6)
        is_slash = face is Face.DISCORD and dice.random() < SLASHES
        act = "slash" if is_slash else "say"
        events.append(Event(number, face, text, is_job, where, who, cut_off, act))
    return events


@dataclass
class Driver:
    """Delivers."""

    stage: Stage
    seed: int
    deliveries: int
    acks_ms: list[float] = field(default_factory=list[float])
    interactions_ms: list[float] = field(default_factory=list[float])
    """How long Discord's slash commands waited for their acknowledgement."""
    answers: Counter[int] = field(default_factory=Counter[int])
    balanced: bool = False
    """Whether a balancer before the gateways turns to another one when one does not answer."""
    resent: int = 0
    attempts_age_s: float = 0.0
    """How old GitHub is told its deliveries are."""
    _attempts: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    _turn: int = 0

    async def deliver(self, events: list[Event], seconds: float) -> None:
        """Send everything within about `seconds`, in shuffled order."""
        dice = random.Random(self.seed + 1)  # noqa: S311 - a campaign's seed
        spread_s = min(SPREAD_S, seconds)
        due = sorted(
            (first + (dice.random() * spread_s if copy else 0.0), event.number, copy)
            for event in events
            for first in [event.number / len(events) * seconds]
            for copy in range(self.deliveries)
        )
        gate = asyncio.Semaphore(AT_ONCE)
        started = now_s()
        async with asyncio.TaskGroup() as group:
            telling = group.create_task(self.tell_github())
            sent: list[asyncio.Task[None]] = []
            for at, number, _ in due:
                await asyncio.sleep(max(0.0, started + at - now_s()))
                await gate.acquire()
                sent.append(group.create_task(self._one(events[number], gate)))
            await asyncio.wait(sent)
            telling.cancel()
        await self.report_attempts()

    async def insist(self, events: list[Event]) -> None:
        """Send again what nobody took, as platforms do, until somebody does."""
        dice = random.Random(self.seed + 2)  # noqa: S311 - a campaign's seed
        left = [e for e in events if e.accepted_at is None]
        for event in left:
            if event.face is Face.GITHUB and not event.cut_off:
                event.cut_off = dice.random() < LEFT_TO_GITHUB
        while left := [e for e in left if e.accepted_at is None and not e.cut_off]:
            for event in left:
                if event.face is Face.DISCORD and event.act == "say":
                    event.cut_off = True  # we have to look for it
                    continue
                self.resent += 1
                await self._send(event)
            await asyncio.sleep(AGAIN_S)
        await self.report_attempts()

    async def send(self, event: Event) -> None:
        """Deliver it once, to the gateway whose turn it is."""
        await self._happen(event)
        await self._send(event)

    async def _one(self, event: Event, gate: asyncio.Semaphore) -> None:
        try:
            await self.send(event)
        finally:
            gate.release()

    async def _happen(self, event: Event) -> None:
        """Make the person say it, at its first delivery."""
        async with event.lock:
            if event.id:
                return
            if event.face is Face.DISCORD:
                return
            if event.face is Face.CONSOLE:
                event.root = event.id = f"c{self.seed}-{event.number}"
                return
            asked = {"face": event.face, "act": event.act, "where": event.where, "who": event.who}
            made = await self.stage.ask("POST", "/happen", {**asked, "text": event.text})
            event.root, event.body, event.kind = made["root"], made["body"], made["event"]
            event.id = made["id"]

    async def _send(self, event: Event) -> None:
        if event.face is Face.DISCORD:
            await self._tell_discord(event)
            return
        self._turn += 1
        gateway = self.stage.gateways[self._turn % len(self.stage.gateways)]
        started = time.perf_counter()
        status = 502 if event.cut_off else await self._post(gateway, event)
        if status == 0 and self.balanced:
            other = self.stage.gateways[(self._turn + 1) % len(self.stage.gateways)]
            started = time.perf_counter()
            status = await self._post(other, event)
        event.statuses.append(status)
        self.answers[status] += 1
        if 200 <= status < 300:
            self.acks_ms.append((time.perf_counter() - started) * 1000)
            event.accepted_at = event.accepted_at or now_s()
        if event.face is Face.GITHUB:
            attempt = {"id": event.id, "status": status or 502, "age_s": self.attempts_age_s}
            self._attempts.append(attempt)

    async def _tell_discord(self, event: Event) -> None:
        """Make the person act, or Discord tell of it again; a command that failed is repeated.

        Whether a message was taken is seen in SQL only: nobody acknowledges one.
        """
        async with event.lock:
            is_over = event.act == "slash" and event.accepted_at is None
            asked = {"face": event.face, "act": event.act, "where": event.where, "who": event.who}
            again = "" if is_over else event.id
            started = time.perf_counter()
            made = await self.stage.ask(
                "POST", "/happen", {**asked, "text": event.text, "again": again}
            )
            event.statuses.append(made["status"])
            self.answers[made["status"]] += 1
            if again:
                return
            event.id, event.root = made["id"], made["root"]
            if event.is_silent:
                event.accepted_at = now_s()
            elif event.act == "slash" and made["status"]:
                self.interactions_ms.append((time.perf_counter() - started) * 1000)
                event.accepted_at = now_s()
            elif event.act == "slash" and event.id:
                event.failed.append(event.id)

    async def _post(self, gateway: str, event: Event) -> int:
        path, headers, body = _request(event, self.stage.token)
        try:
            async with self.stage.http.post(gateway + path, data=body, headers=headers) as answer:
                content = await answer.read()
                if event.face is Face.CONSOLE and answer.ok:
                    event.root = (await answer.json()).get("conversation", event.root)
                if answer.status >= 400 and answer.status not in (500, 502, 503):
                    raise AssertionError(f"{event.face} {answer.status}: {content[:300]!r}")
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return 0

    async def tell_github(self) -> None:
        """Until cancelled: GitHub learns every second how its deliveries fared."""
        while True:
            await asyncio.sleep(1.0)
            await self.report_attempts()

    async def report_attempts(self) -> None:
        """Tell GitHub how its deliveries fared."""
        told, self._attempts = self._attempts, []
        if told:
            await self.stage.ask("POST", "/attempts", told)


def _request(event: Event, token: str) -> tuple[str, dict[str, str], bytes | str]:
    body = event.body.encode()
    if event.face is Face.GITHUB:
        return (
            "/github/webhook",
            {
                "Content-Type": "application/json",
                "X-GitHub-Event": event.kind,
                "X-GitHub-Delivery": event.id,
                "X-Hub-Signature-256": github_sign(body, WEBHOOK_SECRET),
            },
            body,
        )
    if event.face is Face.SLACK:
        signed = slack_sign(body, time.time())
        if event.act == "slash":
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            return "/slack/commands", {**form, **signed}, body
        return "/slack/events", {"Content-Type": "application/json", **signed}, body
    headers = {
        "Authorization": f"Bearer {token}",
        "Idempotency-Key": event.id,
        "Content-Type": "application/json",
    }
    said = {"text": event.text, "repository": CODE}
    return "/api/v1/messages", headers, json.dumps(said)
