"""A scripted platform for the delivery loop."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from typing_extensions import override

from bot.face import JobView, Posted
from bot.fence import still_ours
from handlers import Invocation, Place, Standing, Tier
from jobs.messages import Reply
from tests.jobs.asked import PLACE


class Crash(BaseException):
    """The process dies here."""


@dataclass
class Wall:
    """Messages by key, and every call in order."""

    edit_interval_s: float = 0.0
    result_replaces_status: bool = False
    posted: dict[str, str] = field(default_factory=dict[str, str])
    calls: list[tuple[str, str, float]] = field(default_factory=list[tuple[str, str, float]])
    """What was called, with which key, when."""
    refusals: list[Exception] = field(default_factory=list[Exception])
    """What the next calls raise."""
    crash_after_post: bool = False
    hangs: bool = False

    async def standing(self, invocation: Invocation) -> Standing:
        del invocation
        return Standing(Tier.WRITE)

    async def post_status(self, place: Place, view: JobView, *, key: str) -> Posted:
        assert place == PLACE
        return await self._post("post_status", key, view.state)

    async def edit_status(self, place: Place, status: Posted, view: JobView) -> None:
        del place
        await self._called("edit_status", status.key)
        self.posted[status.key.removeprefix("wall:")] = f"{view.state} {view.text}".strip()

    async def post_result(
        self, place: Place, status: Posted, view: JobView, reply: Reply, *, key: str
    ) -> Posted:
        del place, status, view
        return await self._post("post_result", key, reply.summary)

    async def answer(self, place: Place, reply: Reply, *, key: str) -> Posted:
        del place
        return await self._post("answer", key, reply.summary)

    def count(self, call: str) -> int:
        return sum(1 for name, _, _ in self.calls if name == call)

    async def _post(self, call: str, key: str, text: str) -> Posted:
        await self._called(call, key)
        self.posted.setdefault(key, text)
        if self.crash_after_post:
            self.crash_after_post = False
            raise Crash
        return Posted(f"wall:{key}", {"key": key})

    async def _called(self, call: str, key: str) -> None:
        self.calls.append((call, key, time.monotonic()))
        if self.hangs:
            await asyncio.Event().wait()
        if self.refusals:
            raise self.refusals.pop(0)


@dataclass
class Fenced(Wall):
    """Asks before it posts, as every platform's code does."""

    before_post: Callable[[], None] = lambda: None

    @override
    async def _called(self, call: str, key: str) -> None:
        self.before_post()
        self.before_post = lambda: None
        still_ours()
        await super()._called(call, key)
