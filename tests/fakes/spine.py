"""The whole spine in one process, around any faces.

Real: intake, dispatcher, ledger, outbox, runner, delivery, limits (on a real Valkey). A test
brings the faces in front and the work behind.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from sqlalchemy import update
from sqlmodel import Session, col, select

from bot.artifacts import Artifacts
from bot.delivery import Delivery
from bot.dispatch import Dispatcher, Surroundings
from bot.face import Face, JobView, Outbound, Posted
from bot.grants import Grants, TokenSource
from bot.intake import DurableIntake
from bot.limits import Limits
from bot.metrics import GatewayMetrics
from bot.outbox import Clearance, Outbox
from handlers import Place, Platform
from jobs.desk import Work
from jobs.messages import Reply
from jobs.queue import QueueDown
from jobs.runner import Desks, Runner
from storage import vault
from storage.bounds import Bounds
from storage.clock import utc_now
from storage.database import Database
from storage.ids import JobId
from storage.ledger import Ring
from storage.stores.local import LocalStore
from storage.tables import DeliveryRow, InboxRow, JobRow
from tests.fakes.unwatched import Unwatched

QUIET_S = 0.03
PATIENCE_S = 20.0
AUDIT_KEY = b"k" * 32
PUBLIC_URL = "https://gryph.test"
_JOB_ID = re.compile(r"\bJ[0-9A-HJKMNP-TV-Z]{6}\b")
_ARTIFACT = re.compile(r"(?<=/artifacts/)[\w-]+")
_TOOK = re.compile(r"\b\d+(\.\d+)? s\b")
_MOMENT = re.compile(r"<t:\d+:R>")


def without_ids(text: str) -> str:
    """A text with one name for all jobs and artifacts."""
    return _ARTIFACT.sub("A-ID", _JOB_ID.sub("J-ID", text))


def masked(text: str) -> str:
    """A text in which what differs between two runs of a test is the same."""
    return _MOMENT.sub("<t:T:R>", _TOOK.sub("N s", without_ids(text)))


@dataclass(frozen=True)
class Scene:
    """What stands around the spine in one test."""

    faces: Mapping[Platform, Face]
    desks: Desks[Any]
    works: Mapping[str, Work]
    repositories: Mapping[str, str] = field(default_factory=dict[str, str])
    per_hour: tuple[int, int, int] = (200, 2_000, 1_000)
    bounds: Bounds = field(default_factory=Bounds)
    window: int = 8
    """Jobs at the head of the line that workers are told of."""
    tokens: TokenSource | None = None
    """Who lends workers a token for a repository."""


class MortalOutbound:
    """A face's outbound that can be stopped dead between a post and the record of it."""

    result_replaces_status: bool

    def __init__(self, outbound: Outbound, *, edit_interval_s: float = 0.01) -> None:
        """Edits come as quickly as a test can read them."""
        self._outbound = outbound
        self.edit_interval_s = edit_interval_s
        self.result_replaces_status = outbound.result_replaces_status
        self.dies_after: str | None = None
        """The kind of post ("status", "result", "answer") whose caller never learns of it."""
        self.is_dead = False

    async def post_status(self, place: Place, view: JobView, *, key: str) -> Posted:
        """See `bot.face.Outbound`."""
        posted = await self._outbound.post_status(place, view, key=key)
        await self._maybe_die("status")
        return posted

    async def edit_status(self, place: Place, status: Posted, view: JobView) -> None:
        """See `bot.face.Outbound`."""
        await self._outbound.edit_status(place, status, view)

    async def post_result(
        self, place: Place, status: Posted, view: JobView, reply: Reply, *, key: str
    ) -> Posted:
        """See `bot.face.Outbound`."""
        posted = await self._outbound.post_result(place, status, view, reply, key=key)
        await self._maybe_die("result")
        return posted

    async def answer(self, place: Place, reply: Reply, *, key: str) -> Posted:
        """See `bot.face.Outbound`."""
        posted = await self._outbound.answer(place, reply, key=key)
        await self._maybe_die("answer")
        return posted

    async def _maybe_die(self, kind: str) -> None:
        if self.dies_after == kind:
            self.dies_after = None
            self.is_dead = True
            await asyncio.Event().wait()


class InProcessQueue:
    """Rings straight into a runner of this process."""

    def __init__(self) -> None:
        """Nobody listens yet."""
        self.run: Callable[[JobId], object] | None = None
        self.down = False
        self.flowing = asyncio.Event()
        """Cleared, it keeps jobs queued for as long as a test wants to look at that."""
        self.flowing.set()

    async def ring(self, job: JobId, queue: str, *, turn_at: datetime) -> None:
        """Start the job, or be down."""
        del queue, turn_at
        if self.down:
            raise QueueDown("the test took it down")
        await self.flowing.wait()
        assert self.run is not None
        self.run(job)


class Spine:
    """What faces are built on, before `running` runs it."""

    def __init__(self, database: Database, home: Path) -> None:
        """`home` holds artifacts and keys."""
        self.database = database
        self.home = home
        self.metrics = GatewayMetrics()
        self.intake = DurableIntake(database, self.metrics, holder="spine")
        self.store = LocalStore(home)
        self.kept = Artifacts(database, self.store, PUBLIC_URL)
        self.keys = vault.checkout_keys(home, None)
        self.queue = InProcessQueue()
        self._speaker: _Speaker | None = None
        self._loops: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def running(self, valkey_url: str, scene: Scene) -> AsyncGenerator[None]:
        """Run every loop of a gateway and a worker, for as long as the block lasts."""
        queued = asyncio.Event()
        async with _redis(valkey_url) as redis, asyncio.TaskGroup() as group:
            speaker = _Speaker(self, redis, scene, group)
            self._speaker = speaker
            dispatcher = self._dispatcher(redis, scene, queued.set)
            clearance = self._clearance(dispatcher, scene)
            outbox = Outbox(
                self.database, self.queue, clearance, self.metrics, queued, scene.window
            )
            runner = Runner(
                self.database, speaker, scene.desks, scene.works, owner="worker", concurrency=2
            )
            self.queue.run = lambda job: group.create_task(runner.run(job))
            self._loops = [group.create_task(run()) for run in (dispatcher.run, outbox.run)]
            try:
                yield
            finally:
                speaker.stop()
                for loop in self._loops:
                    loop.cancel()

    def _dispatcher(self, redis: Redis, scene: Scene, on_jobs: Callable[[], None]) -> Dispatcher:
        surroundings = Surroundings(
            database=self.database,
            faces=scene.faces,
            limits=Limits(redis),
            metrics=self.metrics,
            audit_key=AUDIT_KEY,
            read_artifact=self.kept.read,
            repositories=scene.repositories,
            per_hour=scene.per_hour,
            bounds=scene.bounds,
        )
        return Dispatcher(surroundings, self.intake, on_jobs=on_jobs, on_deliveries=self._notice)

    def _clearance(self, dispatcher: Dispatcher, scene: Scene) -> Clearance:
        grants = Grants(self.database, self.keys, scene.tokens)

        async def clearance(ring: Ring) -> bool:
            if not await dispatcher.clearance(ring):
                return False
            await grants.lend(ring.job, ring.repository)
            return True

        return clearance

    def _notice(self, key: str) -> None:
        assert self._speaker is not None
        self._speaker.delivery.notice(key)

    async def kill_delivery(self) -> None:
        """The process that speaks dies where it stands, another one takes its place, and the dead
        one's leases end.
        """
        assert self._speaker is not None
        self._speaker.stop()
        await self.pass_time()
        self._speaker.start()

    async def pass_time(self) -> None:
        """Whatever waits to be said is due now, whoever held it."""
        due = update(DeliveryRow).values(next_try_at=utc_now())
        await self.database.write(lambda s: s.connection().execute(due).rowcount)

    async def until_postponed(self) -> datetime:
        """Wait until a platform did not take something; when that is tried again."""
        failed = select(DeliveryRow.next_try_at).where(
            col(DeliveryRow.attempts) > 0, col(DeliveryRow.lease_owner).is_(None)
        )
        async with asyncio.timeout(PATIENCE_S):
            while (at := await self.database.read(lambda s: s.exec(failed).first())) is None:
                await self.tick()
        return at

    async def newest_job(self) -> JobRow:
        """The job asked for last. Raises LookupError when nobody asked."""
        return (await self.jobs())[-1]

    async def jobs(self) -> list[JobRow]:
        """All jobs, in the order in which they were asked for."""
        return await self.database.read(
            lambda s: list(s.exec(select(JobRow).order_by(col(JobRow.created_at))).all())
        )

    async def tick(self) -> None:
        """Let the loops go on for a moment. A loop that broke raises here."""
        assert self._speaker is not None
        for loop in (*self._loops, self._speaker.task):
            if loop.done():
                loop.result()
        await asyncio.sleep(QUIET_S)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds."""
        async with asyncio.timeout(PATIENCE_S):
            while not holds():
                await self.tick()

    async def until_quiet(self) -> None:
        """Wait until every event is handled and everything that can be said is said."""
        async with asyncio.timeout(PATIENCE_S):
            while await self.database.read(_is_busy):
                await self.tick()


class _Speaker:
    """The delivery loop, which can die and be replaced; also the workers' bell."""

    def __init__(self, spine: Spine, redis: Redis, scene: Scene, group: asyncio.TaskGroup) -> None:
        self._spine = spine
        self._redis = redis
        self._scene = scene
        self._group = group
        self._lives = 0
        self.start()

    async def ring(self, job: JobId) -> None:
        self.delivery.notice(job)

    def start(self) -> None:
        self._lives += 1
        spine = self._spine
        self.delivery = Delivery(
            spine.database,
            self._redis,
            self._scene.faces,
            spine.metrics,
            holder=Unwatched(f"gateway-{self._lives}"),
        )
        self.task = self._group.create_task(self.delivery.run())

    def stop(self) -> None:
        self.task.cancel()


@asynccontextmanager
async def _redis(url: str) -> AsyncGenerator[Redis]:
    redis = Redis.from_url(url)  # pyright: ignore[reportUnknownMemberType]
    try:
        await redis.flushdb()  # pyright: ignore[reportUnknownMemberType]
        yield redis
    finally:
        await redis.aclose()


def _is_busy(session: Session) -> bool:
    unhandled = select(InboxRow.id).where(col(InboxRow.handled_at).is_(None))
    unsaid = (
        select(DeliveryRow.key)
        .outerjoin(JobRow, col(JobRow.id) == col(DeliveryRow.job_id))
        .where(
            col(DeliveryRow.finished_at).is_(None),
            col(JobRow.id).is_(None)
            | (col(JobRow.state) != "waiting")
            | (col(JobRow.last_seq) > col(DeliveryRow.shown_seq)),
        )
    )
    return session.exec(unhandled).first() is not None or session.exec(unsaid).first() is not None
