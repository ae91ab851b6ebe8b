"""Artifacts as faces meet them: bytes, links, and a place for what a message cannot hold."""

import asyncio
import mimetypes

from bot.face import Busy
from storage import artifacts
from storage.artifacts import NewArtifact
from storage.clock import utc_now
from storage.database import Database
from storage.ids import ArtifactId, JobId
from storage.stores.types import ArtifactLost, ArtifactStore, StoreAway


class Artifacts:
    """See `bot.face.ArtifactReader`."""

    def __init__(self, database: Database, store: ArtifactStore, public_url: str) -> None:
        """`public_url` is where people reach this gateway."""
        self._database = database
        self._store = store
        self._public_url = public_url.rstrip("/")

    async def read(self, artifact: ArtifactId) -> bytes:
        """See `bot.face.ArtifactReader.read`."""
        row = await self._database.read(lambda s: artifacts.get(s, artifact))
        if row is None:
            raise FileNotFoundError(artifact)
        try:
            return await asyncio.to_thread(self._store.read, row.digest)
        except ArtifactLost as error:
            raise FileNotFoundError(artifact) from error
        except StoreAway as error:
            raise Busy(str(error)) from error

    def link(self, artifact: ArtifactId) -> str:
        """See `bot.face.ArtifactReader.link`."""
        return f"{self._public_url}/api/v1/artifacts/{artifact}"

    async def keep(self, job: JobId | None, name: str, content: bytes) -> ArtifactId:
        """See `bot.face.ArtifactReader.keep`."""
        media_type = mimetypes.guess_type(name)[0] or "text/plain"
        try:
            digest = await asyncio.to_thread(self._store.put, content)
        except StoreAway as error:
            raise Busy(str(error)) from error
        new = NewArtifact(name, media_type, len(content), digest)
        return await self._database.write(lambda s: artifacts.record(s, job, new, utc_now()))
