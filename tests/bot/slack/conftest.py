"""A fake Slack, our app listening to it, and an intake that remembers."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr

from bot.door import Door
from bot.face import Intake, JobView
from bot.settings import GatewaySettings
from bot.slack.api import SlackApi
from bot.slack.inbound import routes
from bot.slack.outbound import SlackOutbound
from handlers import Caller, Invocation, Place, Platform, Reaction
from storage.ids import ArtifactId, JobId
from storage.states import JobState
from tests.fakes.intake import RecordingIntake
from tests.fakes.slack.server import APP_TOKEN, BOT_TOKEN
from tests.fakes.slack.workspace import SECRET, Slack
from tests.fakes.slack.world import Message

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
TIMEOUT_S = 2.0


class Artifacts:
    """Artifacts in memory."""

    def __init__(self) -> None:
        self.content: dict[ArtifactId, bytes] = {}
        self.names: dict[ArtifactId, str] = {}

    async def read(self, artifact: ArtifactId) -> bytes:
        if artifact not in self.content:
            raise FileNotFoundError(artifact)
        return self.content[artifact]

    def link(self, artifact: ArtifactId) -> str:
        return f"https://gryph.example/artifacts/{artifact}"

    async def keep(self, job: JobId | None, name: str, content: bytes) -> ArtifactId:
        del job
        artifact = ArtifactId(f"A{len(self.content)}")
        self.content[artifact], self.names[artifact] = content, name
        return artifact


@dataclass
class Team:
    """Ann and Bob in a workspace with us."""

    slack: Slack
    intake: RecordingIntake
    artifacts: Artifacts
    settings: GatewaySettings
    api: SlackApi
    ann: str
    bob: str
    dev: str
    """A public channel we are in."""
    direct: str
    """Ann's direct messages with us."""

    @property
    def outbound(self) -> SlackOutbound:
        """As a freshly started gateway would have it."""
        return SlackOutbound(self.api, self.artifacts)

    @asynccontextmanager
    async def heard_by(self, intake: Intake) -> AsyncGenerator[None]:
        """Serve our routes on a loopback port, into that intake."""
        app = FastAPI()
        app.add_middleware(Door, largest={})
        app.include_router(routes(self.settings, intake))
        config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, lifespan="off")
        server = uvicorn.Server(config)
        serving = asyncio.ensure_future(server.serve())
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.005)
        port = server.servers[0].sockets[0].getsockname()[1]
        self.slack.app_url = f"http://127.0.0.1:{port}"
        try:
            yield
        finally:
            server.should_exit = True
            await serving

    def heard(self) -> Invocation:
        """The newest event, a command."""
        event = self.intake.events[-1]
        assert isinstance(event, Invocation)
        return event

    def felt(self) -> Reaction:
        """The newest event, a reaction."""
        event = self.intake.events[-1]
        assert isinstance(event, Reaction)
        return event

    def ours(self, channel: str | None = None) -> list[Message]:
        """What we posted."""
        return self.slack.world.ours(channel or self.dev)

    async def asked(self, text: str = "test src/a.py") -> Place:
        """Ann mentions us; where she did."""
        message = await self.slack.say(self.ann, self.dev, f"<@UGRYPH> {text}")
        return Place(platform=Platform.SLACK, workspace="T1", channel=self.dev, message=message.ts)


def settings_for(slack: Slack) -> GatewaySettings:
    """The settings of a gateway that talks to the fake."""
    return GatewaySettings(
        slack_bot_token=SecretStr(BOT_TOKEN),
        slack_signing_secret=SecretStr(SECRET),
        slack_app_token=SecretStr(APP_TOKEN),
        slack_api_url=slack.api_url,
        slack_posts_per_minute=100_000,
        slack_calls_per_minute=100_000,
    )


@pytest.fixture
async def slack() -> AsyncGenerator[Slack]:
    async with Slack.running() as running:
        yield running


@pytest.fixture
async def team(slack: Slack) -> AsyncGenerator[Team]:
    """The workspace without a listening app."""
    settings = settings_for(slack)
    team = Team(
        slack=slack,
        intake=RecordingIntake(),
        artifacts=Artifacts(),
        settings=settings,
        api=SlackApi(settings, timeout_s=TIMEOUT_S),
        ann=slack.world.add_user("ann"),
        bob=slack.world.add_user("bob"),
        dev=slack.world.add_channel("dev"),
        direct=slack.world.add_channel("ann", kind="im"),
    )
    yield team
    await team.api.close()


@pytest.fixture
async def listening(team: Team) -> AsyncGenerator[Team]:
    """The workspace with our routes on a loopback port."""
    async with team.heard_by(team.intake):
        yield team


def view(state: JobState = JobState.RUNNING, **changes: Any) -> JobView:
    """A job of Ann's as the delivery loop sees it."""
    usual = JobView(
        job=JobId("J7K2M9Q"),
        verb="test",
        line="test src/a.py",
        state=state,
        text="searched 1,200 calls, 84 % of lines",
        done=None,
        attempt=1,
        asked_by=Caller(platform=Platform.SLACK, account="U001ANN", name="ann"),
        created_at=datetime.now(UTC),
        started_at=NOW if state is not JobState.QUEUED else None,
        finished_at=NOW + timedelta(seconds=8.4) if state.final else None,
    )
    return replace(usual, **changes)
