"""A conversation over the whole spine with a scripted platform in front and scripted work behind.

The platform keeps its messages in memory; everything between it and the work is real.
"""

import itertools
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sqlmodel import Session

from bot.console.render import Screen, render_reply
from bot.face import Busy, CodeHost, Face, JobView, Posted
from engines.sandbox.environments.types import Environment
from engines.sandbox.sandbox import Sandbox
from engines.watch import Watch
from handlers import (
    Application,
    Assignment,
    Caller,
    Invocation,
    Place,
    Platform,
    PullRequest,
    Reaction,
    Standing,
    Tier,
)
from jobs.desk import Desk, Done, Work
from jobs.messages import Action, Actions, Reply, Text
from jobs.requests import VERBS, GenerateCode, JobRequest, Source, TestChanges, TestCode
from jobs.runner import RunningWatch
from storage import artifacts, people
from storage.artifacts import NewArtifact
from storage.bounds import Bounds
from storage.checkouts.history import History
from storage.clock import utc_now
from storage.database import Database
from storage.ids import ArtifactId, JobId
from storage.ledger import Leased
from storage.stores.types import ArtifactStore
from storage.tables.people import AccountRow
from tests.fakes.spine import Scene, Spine, without_ids

WIDTH = 100
PER_HOUR = (30, 600, 300)


@dataclass
class ScriptedDesk:
    """A desk without code or sandbox: scripted work needs neither."""

    job: JobId
    watch: Watch

    def checkout(self, source: Source, path: str) -> Path:
        """There is no code."""
        raise AssertionError(source, path)

    def history(self, source: Source) -> History:
        """There is none."""
        raise AssertionError(source)

    def environment(self, checkout: Path) -> Environment:
        """Nothing is installed."""
        raise AssertionError(checkout)

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
        self.assigned: list[Assignment] = []

    async def standing(self, invocation: Invocation) -> Standing:
        """What the test set up."""
        tier = self.tiers.get(invocation.caller.name, Tier.ANYONE)
        head = self.pull.head_sha if self.pull else "a" * 40
        is_author = self.pull is not None and self.pull.author == invocation.caller.name
        account = invocation.caller if invocation.place.platform is Platform.GITHUB else None
        return Standing(
            tier, self.repository, self.pull, head, is_author=is_author, account=account
        )

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

    async def assign(self, assignment: Assignment) -> str:
        """Keep who should do what."""
        self.assigned.append(assignment)
        return f"{assignment.repository}#{assignment.number}"

    def _post(self, key: str, kind: str, text: str) -> Posted:
        if self.busy:
            self.busy -= 1
            raise Busy("429", retry_after_s=0.01)
        if not any(message.key == key for message in self.messages):
            self.messages.append(Message(key, kind, [text]))
        return Posted(f"chat:{key}", {"key": key})


class Chat(Spine):
    """What a test holds: people speak, and it reads what the thread shows."""

    def __init__(
        self,
        database: Database,
        home: Path,
        bounds: Bounds | None = None,
        host: CodeHost | None = None,
    ) -> None:
        """See `chatting`."""
        super().__init__(database, home)
        self.platform = ChatPlatform()
        self.host = host
        self.work: Work = easy_work
        self.files: dict[str, bytes] = {}
        self.bounds = bounds or Bounds()
        self.thread: str | None = None
        """Where people speak; None for the channel itself."""
        self._numbers = itertools.count(1)

    @property
    def scene(self) -> Scene:
        """The platform as chat and as code host; each job does what `work` is by then."""
        face = Face(self.platform, self.platform, self.platform)
        return Scene(
            faces={Platform.SLACK: face, Platform.GITHUB: replace(face, host=self.host)},
            desks=ScriptedDesks(self.store, self.files),
            works=dict.fromkeys(VERBS, self._do),
            per_hour=PER_HOUR,
            bounds=self.bounds,
        )

    def _do(self, request: JobRequest, desk: Desk) -> Done:
        return self.work(request, desk)

    async def say(
        self, text: str, *, by: str = "ann", previous: str | None = None, **mentions: str
    ) -> str:
        """Say something in the thread and return what is answered, once everything is quiet;
        `mentions` are accounts by the names that stand for them.
        """
        shown = len(self.platform.messages)
        await self.send(text, by=by, previous=previous, mentions=mentions)
        await self.until_quiet()
        return self.read(shown)

    async def send(
        self,
        text: str,
        *,
        by: str = "ann",
        previous: str | None = None,
        key: str | None = None,
        mentions: Mapping[str, str] | None = None,
    ) -> bool:
        """Deliver one message event without waiting; False for a redelivery."""
        invocation = Invocation(
            caller=_caller(by),
            place=Place(platform=Platform.SLACK, workspace="T1", channel="C1", thread=self.thread),
            text=text,
            previous_text=previous,
            addressed=text.startswith(("@gryph", "/gryph")),
            received_at=utc_now(),
            mentions=tuple((mentions or {}).items()),
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

    async def link(self, name: str, login: str) -> None:
        """Somebody has linked an account on the code host."""

        def write(session: Session) -> None:
            now, caller = utc_now(), _caller(name)
            person = people.person_of(
                session, platform=caller.platform, account=caller.account, name=name, now=now
            )
            account = AccountRow(
                person_id=person, platform="github", account=login, name=login, linked_at=now
            )
            session.add(account)

        await self.database.write(write)

    def read(self, since: int = 0) -> str:
        """The thread from a message on, each by its present text, job ids masked."""
        texts = (message.texts[-1] for message in self.platform.messages[since:])
        return without_ids("\n---\n".join(texts))


@asynccontextmanager
async def chatting(
    database: Database,
    valkey_url: str,
    home: Path,
    *,
    bounds: Bounds | None = None,
    host: CodeHost | None = None,
) -> AsyncGenerator[Chat]:
    """Run a spine around a scripted platform, before a code host that may be asked."""
    chat = Chat(database, home, bounds, host)
    chat.platform.tiers["ann"] = Tier.WRITE
    async with chat.running(valkey_url, chat.scene):
        yield chat


def easy_work(request: JobRequest, desk: Desk) -> Done:
    """A result that came at once."""
    buttons = Actions(
        actions=(
            Action(verb="apply", label="Apply", job=desk.job, primary=True),
            Action(verb="retry", label="Retry", job=desk.job),
        )
    )
    assert isinstance(request, TestCode | TestChanges | GenerateCode)
    text = f"3 tests for {request.path}"
    return Done("3 tests pass", Reply(summary=text, blocks=(Text(markdown=text), buttons)))


def _caller(name: str) -> Caller:
    return Caller(platform=Platform.SLACK, account=f"U-{name}", name=name)


def _status(view: JobView) -> str:
    text = f": {view.text}" if view.text else ""
    return f"[{view.verb} {view.state}{text}]"


def _text(reply: Reply) -> str:
    return render_reply(reply, Screen(width=WIDTH, link=str)).strip()
