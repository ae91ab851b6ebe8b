"""A GitHub with one repository, our webhook, and our face to it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
from fastapi import FastAPI
from pydantic import SecretStr

from bot.budgets import Budgets
from bot.door import Door
from bot.face import Face, JobView, Posted
from bot.github.client import GitHubClient
from bot.github.face import github_face
from bot.github.identity import AppIdentity
from bot.github.inbound import LARGEST_BODY_BYTES, routes
from bot.github.transport import Transport
from bot.settings import GatewaySettings
from handlers import Caller, Invocation, Platform, Reaction
from storage.clock import utc_now
from storage.ids import ArtifactId, JobId
from storage.states import JobState
from tests.fakes.github.server import GitHub, listener_on, listening
from tests.fakes.github.world import APP_ID, WEBHOOK_SECRET, Comment, Repository
from tests.fakes.intake import RecordingIntake

JOB = JobId("J7K2M9Q")
REPOSITORY = "acme/shop"
FILES = {"src/a.py": b"def a():\n    return 1\n", "README.md": b"# Shop\n"}


class MemoryArtifacts:
    """Artifacts in a dictionary."""

    def __init__(self) -> None:
        """None yet."""
        self.kept: dict[ArtifactId, tuple[str, bytes]] = {}

    async def read(self, artifact: ArtifactId) -> bytes:
        """The whole content."""
        if artifact not in self.kept:
            raise FileNotFoundError(artifact)
        return self.kept[artifact][1]

    def link(self, artifact: ArtifactId) -> str:
        """Where it can be downloaded."""
        return f"https://gryph.test/api/v1/artifacts/{artifact}"

    async def keep(self, job: JobId | None, name: str, content: bytes) -> ArtifactId:  # noqa: ARG002
        """Store it."""
        artifact = ArtifactId(f"A{len(self.kept)}")
        self.kept[artifact] = (name, content)
        return artifact


@dataclass
class Town:
    """Both sides of the conversation."""

    github: GitHub
    repo: Repository
    client: GitHubClient
    settings: GatewaySettings
    face: Face
    intake: RecordingIntake
    artifacts: MemoryArtifacts

    @property
    def webhook(self) -> str:
        """Where GitHub sends its events."""
        assert self.github.hooks.url is not None
        return self.github.hooks.url

    @property
    def heard(self) -> list[Invocation]:
        """What was said, as it was taken in, in order."""
        return [each for each in self._invocations if each.pushed is None]

    @property
    def pushes(self) -> list[Invocation]:
        """What was pushed, in order."""
        return [each for each in self._invocations if each.pushed is not None]

    @property
    def _invocations(self) -> list[Invocation]:
        return [each for each in self.intake.events if isinstance(each, Invocation)]

    @property
    def reactions(self) -> list[Reaction]:
        """The reactions taken in, in order."""
        return [each for each in self.intake.events if isinstance(each, Reaction)]

    def said(self, number: int) -> list[Comment]:
        """Our own comments under an issue or pull request."""
        return [each for each in self.repo.said(number) if each.by is self.github.world.bot]

    async def asked(self, number: int, text: str, login: str = "ann") -> Invocation:
        """Somebody comments, and we hear it."""
        await self.github.people.comment(self.repo, number, login, text)
        return self.heard[-1]

    async def restart(self) -> None:
        """Our process dies; a new one knows nothing."""
        await self.client.close()
        self.client = new_client(self.github)
        self.face = github_face(self.settings, self.client, self.artifacts)

    def calls(self, method: str, part: str) -> int:
        """How often the API was called so."""
        return sum(m == method and part in path for m, path in self.github.access.calls)


def new_client(
    github: GitHub, timeout_s: float = 10.0, budgets: Budgets | None = None
) -> GitHubClient:
    """A client as a fresh process has it, on this GitHub's clock."""
    world = github.world
    identity = AppIdentity(APP_ID, world.private_key)
    transport = Transport(
        github.url, aiohttp.ClientTimeout(sock_connect=timeout_s, sock_read=timeout_s)
    )
    return GitHubClient(identity, transport, world.now, budgets=budgets)


@asynccontextmanager
async def town(folder: Path) -> AsyncGenerator[Town]:
    """A town that lasts as long as the block."""
    github = GitHub(folder / "repositories")
    listener = listener_on(0)
    github.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    github.hooks.url = f"{github.url}/gateway/github/webhook"
    settings = GatewaySettings(
        home=folder / "home",
        github_app_id=APP_ID,
        github_private_key=SecretStr(github.world.private_key),
        github_webhook_secret=SecretStr(WEBHOOK_SECRET),
        github_api_url=github.url,
    )
    intake, artifacts = RecordingIntake(), MemoryArtifacts()
    gateway, both = FastAPI(), FastAPI()
    both.add_middleware(Door, largest={"/gateway/github/webhook": LARGEST_BODY_BYTES})
    gateway.include_router(routes(settings, intake))
    both.mount("/gateway", gateway)
    both.mount("/", github.app())
    client = new_client(github)
    repo = github.world.repository(REPOSITORY, FILES)
    repo.permissions |= {"ann": "write", "root": "admin"}
    face = github_face(settings, client, artifacts)
    made = Town(github, repo, client, settings, face, intake, artifacts)
    async with listening(both, listener):
        yield made
        await github.hooks.close()
        await made.client.close()


def view_of(invocation: Invocation, state: JobState = JobState.QUEUED, text: str = "") -> JobView:
    """A job as its first status message shows it."""
    return JobView(
        job=JOB,
        verb="test",
        line="test src/a.py",
        state=state,
        text=text or state.value,
        done=None,
        attempt=1,
        asked_by=invocation.caller,
        created_at=utc_now(),
        started_at=None,
        finished_at=None,
        repository=REPOSITORY,
    )


def running(view: JobView, text: str, done: float | None = None) -> JobView:
    """The same job, running."""
    return replace(view, state=JobState.RUNNING, text=text, done=done, started_at=view.created_at)


def finished(view: JobView, text: str, state: JobState = JobState.SUCCEEDED) -> JobView:
    """The same job, ended after 8.4 seconds."""
    started: datetime = view.started_at or view.created_at
    return replace(
        view,
        state=state,
        text=text,
        started_at=started,
        finished_at=started + timedelta(seconds=8.4),
    )


def ann() -> Caller:
    """Somebody."""
    return Caller(platform=Platform.GITHUB, account="1", name="ann")


def comment_id(posted: Posted) -> int:
    """The id of our comment."""
    return int(posted.data["comment"])
