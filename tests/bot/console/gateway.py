"""A gateway's console side on real parts: SQLite, the API and the face; the intake records."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from sqlmodel import SQLModel

from bot.api import ApiParts, api_router
from bot.auth import ApiKeys, Role
from bot.console.notifier import Notifier
from bot.console.outbound import ConsoleOutbound
from bot.door import Door
from bot.face import JobView
from bot.settings import GatewaySettings
from bot.web.face import web_of
from handlers import Caller, Place, Platform
from storage.clock import utc_now
from storage.database import Database
from storage.ids import ArtifactId, JobId
from storage.states import JobState
from storage.tables.artifacts import ArtifactRow
from tests.fakes.intake import RecordingIntake
from tests.fakes.served import served

JOB = JobId("J7K2M9Q")
NOW = utc_now()


class Gateway:
    """The parts, and shortcuts that tests read well with."""

    def __init__(self, home: Path, intake: RecordingIntake | None = None, **settings: Any) -> None:
        """An empty gateway at home in `home`, reached at `url`, with these settings."""
        self.home = home
        self.keys = ApiKeys(home)
        self.keys.ensure()
        self.database = Database(f"sqlite:///{home / 'gryph.db'}")
        SQLModel.metadata.create_all(self.database.engine)
        self.intake = intake or RecordingIntake()
        self.notifier = Notifier()
        self.outbound = ConsoleOutbound(self.database, self.notifier)
        self.contents: dict[ArtifactId, bytes] = {}
        self.app = FastAPI()
        self.app.add_middleware(Door, largest={})
        self.settings = GatewaySettings(home=home, **settings)
        self.url = self.settings.public_url or "http://gateway"
        self.web = web_of(self.settings, self.database, self.url)
        parts = ApiParts(
            keys=self.keys,
            intake=self.intake,
            database=self.database,
            notifier=self.notifier,
            read_artifact=self._read_artifact,
            sessions=self.web.sessions,
            open_links=self.settings.artifact_links == "open",
        )
        for router in (api_router(parts), *self.web.routers):
            self.app.include_router(router)

    async def _read_artifact(self, artifact: ArtifactId) -> bytes:
        try:
            return self.contents[artifact]
        except KeyError as error:
            raise FileNotFoundError(artifact) from error

    def keep(
        self, artifact: str, name: str, media_type: str, content: bytes, job: str | None = None
    ) -> None:
        """A job left this file."""
        self.contents[ArtifactId(artifact)] = content
        row = ArtifactRow(
            id=artifact,
            job_id=job,
            name=name,
            media_type=media_type,
            size_bytes=len(content),
            digest="",
            created_at=utc_now(),
        )
        self.database.write_now(lambda session: session.add(row))

    def token(self, name: str = "ann", role: Role = Role.WRITER) -> dict[str, str]:
        """Headers of an authenticated request."""
        return {"Authorization": f"Bearer {self.keys.mint(name, role)}"}

    def client(self) -> httpx.AsyncClient:
        """Calls the app without a socket; cannot stream."""
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=self.url)

    @contextmanager
    def served(self) -> Generator[str]:
        """Serve on a free port of the loopback from a thread of its own; yields the address."""
        with served(self.app) as url:
            yield url


def a_place(conversation: str, message: int) -> Place:
    """Where a person's message stands."""
    return Place(
        platform=Platform.CONSOLE,
        workspace="local",
        channel=conversation,
        thread=conversation,
        message=str(message),
    )


def a_view(
    state: JobState = JobState.RUNNING, text: str = "", *, line: str = "test src/a.py"
) -> JobView:
    """A job as the delivery loop shows it."""
    return JobView(
        job=JOB,
        verb="test",
        line=line,
        state=state,
        text=text,
        done=0.42 if state is JobState.RUNNING else None,
        attempt=0 if state in (JobState.QUEUED, JobState.WAITING) else 1,
        asked_by=Caller(platform=Platform.CONSOLE, account="api:ann", name="ann"),
        created_at=NOW,
        started_at=None if state is JobState.QUEUED else NOW,
        finished_at=NOW + timedelta(seconds=8.4) if state.final else None,
        ahead=2 if state is JobState.QUEUED else None,
    )
