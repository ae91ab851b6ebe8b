"""A conversation with the whole spine in one process.

Real: intake, dispatcher, ledger, outbox, runner, delivery, limits (on a real Valkey). Scripted:
the platform in front, which keeps its messages in memory, and the engine behind.
"""

import asyncio
import itertools
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from redis.asyncio import Redis
from sqlmodel import Session, col, select

from bot.console.render import Screen, render_reply
from bot.delivery import Delivery
from bot.dispatch import Dispatcher, Surroundings
from bot.face import Busy, Face, JobView, Posted
from bot.intake import DurableIntake
from bot.limits import Limits
from bot.metrics import GatewayMetrics
from bot.outbox import Outbox
from engines.sandbox.sandbox import Sandbox
from engines.watch import Watch
from handlers import (
    Application,
    Caller,
    Invocation,
    Place,
    Platform,
    PullRequest,
    Reaction,
    Standing,
    Tier,
)
from jobs.desk import Desk, Done
from jobs.messages import Action, Actions, Reply, Text
from jobs.queue import QueueDown
from jobs.requests import JobRequest, Source
from jobs.runner import Runner, RunningWatch
from storage import artifacts
from storage.artifacts import ArtifactStore, NewArtifact
from storage.clock import utc_now
from storage.database import Database
from storage.ids import ArtifactId, JobId
from storage.ledger import Leased
from storage.tables import DeliveryRow, InboxRow, JobRow

QUIET_S = 0.03
PATIENCE_S = 20.0
WIDTH = 100
_JOB_ID = re.compile(r"\bJ[0-9A-Z]{6}\b")


@dataclass
class ScriptedDesk:
    """A desk without code or sandbox: scripted work needs neither."""

    job: JobId
    watch: Watch

    def checkout(self, source: Source) -> Path:
        """There is no code."""
        raise AssertionError(source)

    def sandbox(self) -> Sandbox:
        """There is no sandbox."""
        raise AssertionError

    def keep(self, artifact: object) -> ArtifactId:
        """Files are scripted by `Chat.files`."""
        raise AssertionError(artifact)


class ScriptedDesks:
    """Desks for scripted work, which leaves the given files behind."""

    def __init__(self, store: ArtifactStore, files: dict[str, bytes]) -> None:
        """`files` are path and content of what each job produces."""
        self._store = store
        self._files = files

    def open(self, leased: Leased, watch: RunningWatch) -> ScriptedDesk:
        """A bare desk."""
        return ScriptedDesk(leased.job, watch)

    def clear(self, desk: ScriptedDesk) -> None:
        """Nothing lies around."""

    def record(self, session: Session, desk: ScriptedDesk) -> None:
        """Note the scripted files as the job's."""
        for path, content in self._files.items():
            name = path.rpartition("/")[2]
            digest = self._store.put(content)
            new = NewArtifact(name, "text/plain", len(content), digest, apply_to=path)
            artifacts.record(session, desk.job, new, utc_now())


@dataclass
class Message:
    """One message of ours in the thread, with every text it ever had."""

    key: str
    kind: str
    texts: list[str]


class ChatPlatform:
    """The scripted platform: outbound, authority and writer in one, all in memory."""

    edit_interval_s = 0.0
    result_replaces_status = False

    def __init__(self) -> None:
        """Everybody is a stranger; the repository is o/r."""
        self.messages: list[Message] = []
        self.tiers: dict[str, Tier] = {}
        self.pull: PullRequest | None = None
        self.repository: str | None = "o/r"
        self.busy = 0
        """How many of the next posts find the platform busy."""
        self.applied: list[Application] = []

    async def standing(self, invocation: Invocation) -> Standing:
        """What the test set up."""
        tier = self.tiers.get(invocation.caller.name, Tier.ANYONE)
        head = self.pull.head_sha if self.pull else "a" * 40
        return Standing(tier, self.repository, self.pull, head)

    async def post_status(self, place: Place, view: JobView, *, key: str) -> Posted:
        """A new message, or the one posted before under the same key."""
        del place
        return self._post(key, "status", _status(view))

    async def edit_status(self, place: Place, status: Posted, view: JobView) -> None:
        """A new text for the message."""
        del place
        message = next(m for m in self.messages if f"chat:{m.key}" == status.key)
        message.texts.append(_status(view))

    async def post_result(
        self, place: Place, status: Posted, view: JobView, reply: Reply, *, key: str
    ) -> Posted:
        """A new message."""
        del place, status, view
        return self._post(key, "result", _text(reply))

    async def answer(self, place: Place, reply: Reply, *, key: str) -> Posted:
        """A new message."""
        del place
        return self._post(key, "answer", _text(reply))

    async def apply(self, application: Application) -> str:
        """Keep what should be written."""
        self.applied.append(application)
        return "https://example.test/pull/1"

    def _post(self, key: str, kind: str, text: str) -> Posted:
        if self.busy:
            self.busy -= 1
            raise Busy("429", retry_after_s=0.01)
        if not any(message.key == key for message in self.messages):
            self.messages.append(Message(key, kind, [text]))
        return Posted(f"chat:{key}", {"key": key})


class InProcessQueue:
    """Rings straight into a runner of this process."""

    def __init__(self) -> None:
        """Nobody listens yet."""
        self.run: Callable[[JobId], object] | None = None
        self.down = False

    async def ring(self, job: JobId, queue: str, *, asked_at: datetime) -> None:
        """Start the job, or be down."""
        del queue, asked_at
        if self.down:
            raise QueueDown("the test took it down")
        assert self.run is not None
        self.run(job)


class Chat:
    """What a test holds: people speak, and it reads what the thread shows."""

    def __init__(self, platform: ChatPlatform, intake: DurableIntake, database: Database) -> None:
        """See `chatting`."""
        self.platform = platform
        self.intake = intake
        self.database = database
        self.queue = InProcessQueue()
        self.work: Callable[[JobRequest, Desk], Done] = easy_work
        self.files: dict[str, bytes] = {}
        self._numbers = itertools.count(1)

    async def say(self, text: str, *, by: str = "ann", previous: str | None = None) -> str:
        """Say something in the thread and return what is answered, once everything is quiet."""
        shown = len(self.platform.messages)
        await self.send(text, by=by, previous=previous)
        await self.until_quiet()
        return self.read(shown)

    async def send(
        self, text: str, *, by: str = "ann", previous: str | None = None, key: str | None = None
    ) -> bool:
        """Deliver one message event without waiting; False for a redelivery."""
        invocation = Invocation(
            caller=_caller(by),
            place=Place(platform=Platform.SLACK, workspace="T1", channel="C1"),
            text=text,
            previous_text=previous,
            addressed=text.startswith(("@gryph", "/gryph")),
            received_at=utc_now(),
        )
        key = key or f"delivery-{next(self._numbers)}"
        return await self.intake.accept(invocation, (key,)) is not None

    async def react(self, emoji: str, on: str, *, by: str = "ann", added: bool = True) -> None:
        """Put an emoji on (or take it off) our message with this key."""
        reaction = Reaction(
            caller=_caller(by),
            place=Place(platform=Platform.SLACK, workspace="T1", channel="C1"),
            message_key=f"chat:{on}",
            emoji=emoji,
            added=added,
            received_at=utc_now(),
        )
        await self.intake.accept(reaction, (f"delivery-{next(self._numbers)}",))
        await self.until_quiet()

    def read(self, since: int = 0) -> str:
        """The thread from a message on, each by its present text, job ids masked."""
        texts = (message.texts[-1] for message in self.platform.messages[since:])
        return _JOB_ID.sub("J-ID", "\n---\n".join(texts))

    async def newest_job(self) -> JobRow:
        """The job asked for last."""

        def newest(session: Session) -> JobRow:
            return session.exec(select(JobRow).order_by(col(JobRow.created_at).desc())).first()  # pyright: ignore[reportReturnType] - a test that asks has one

        return await self.database.read(newest)

    async def tick(self) -> None:
        """Let the loops go on for a moment."""
        await asyncio.sleep(QUIET_S)

    async def until_quiet(self) -> None:
        """Wait until every event is handled and everything that can be said is said."""
        async with asyncio.timeout(PATIENCE_S):
            while await self.database.read(_is_busy):
                await self.tick()


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


@asynccontextmanager
async def chatting(database: Database, valkey_url: str, home: Path) -> AsyncGenerator[Chat]:
    """Run a spine around a scripted platform."""
    platform, metrics = ChatPlatform(), GatewayMetrics()
    platform.tiers["ann"] = Tier.WRITE
    intake = DurableIntake(database, metrics)
    chat = Chat(platform, intake, database)
    redis = Redis.from_url(valkey_url)  # pyright: ignore[reportUnknownMemberType]
    await redis.flushdb()  # pyright: ignore[reportUnknownMemberType]
    store = ArtifactStore(home)
    face = Face(platform, platform, platform)
    delivery = Delivery(database, redis, {Platform.SLACK: face}, metrics, owner="test")

    async def read_artifact(artifact: ArtifactId) -> bytes:
        row = await database.read(lambda s: artifacts.get(s, artifact))
        assert row is not None
        return store.read(row.digest)

    class Bell:
        async def ring(self, job: JobId) -> None:
            delivery.notice(job)

    def work(request: JobRequest, desk: Desk) -> Done:
        return chat.work(request, desk)

    surroundings = Surroundings(
        database=database,
        faces={Platform.SLACK: face, Platform.GITHUB: face},
        limits=Limits(redis),
        metrics=metrics,
        audit_key=b"k" * 32,
        read_artifact=read_artifact,
        repositories={},
        per_hour=(30, 600, 300),
    )
    queued = asyncio.Event()
    dispatcher = Dispatcher(surroundings, intake, on_jobs=queued.set, on_deliveries=delivery.notice)
    outbox = Outbox(database, chat.queue, dispatcher.clearance, metrics, queued)
    desks = ScriptedDesks(store, chat.files)
    runner = Runner(database, Bell(), desks, {"test": work}, owner="w", concurrency=2)
    async with asyncio.TaskGroup() as group:
        chat.queue.run = lambda job: group.create_task(runner.run(job))
        loops = [group.create_task(run()) for run in (dispatcher.run, outbox.run, delivery.run)]
        try:
            yield chat
        finally:
            for loop in loops:
                loop.cancel()
    await redis.aclose()


def easy_work(request: JobRequest, desk: Desk) -> Done:
    """A result that came at once."""
    buttons = Actions(
        actions=(
            Action(verb="apply", label="Apply", job=desk.job, primary=True),
            Action(verb="retry", label="Retry", job=desk.job),
        )
    )
    text = f"3 tests for {request.path}"
    return Done("3 tests pass", Reply(summary=text, blocks=(Text(markdown=text), buttons)))


def _caller(name: str) -> Caller:
    return Caller(platform=Platform.SLACK, account=f"U-{name}", name=name)


def _status(view: JobView) -> str:
    text = f": {view.text}" if view.text else ""
    return f"[{view.verb} {view.state}{text}]"


def _text(reply: Reply) -> str:
    return render_reply(reply, Screen(width=WIDTH, link=str)).strip()
