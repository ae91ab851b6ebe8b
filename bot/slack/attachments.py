"""The files under a reply: uploaded into the thread, or linked where that cannot be."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.face import ArtifactReader
from bot.slack.api import Upload
from bot.slack.pieces import Attachment
from storage.ids import JobId, as_job_id

MOST_UPLOAD_BYTES = 1_000_000
"""Larger files are linked: Slack shows no preview of them anyway."""
UPLOADS_A_MESSAGE = 10
_MAGIC = {b"\x89PNG": ".png", b"\xff\xd8\xff": ".jpg", b"GIF8": ".gif", b"<svg": ".svg"}


@dataclass(frozen=True)
class Luggage:
    """Attachments, sorted by how they travel."""

    uploads: tuple[Upload, ...]
    links: tuple[tuple[str, str], ...]


class Packer:
    """Reads attachments and keeps what exists nowhere else."""

    def __init__(self, artifacts: ArtifactReader) -> None:
        """`artifacts` holds the files of jobs."""
        self._artifacts = artifacts

    async def pack(self, attachments: Sequence[Attachment], key: str) -> Luggage:
        """Sort them into uploads, titled so that they are found again, and links."""
        uploads: list[Upload] = []
        links: list[tuple[str, str]] = []
        for attachment in attachments:
            content = await self._content(attachment)
            if content:
                uploads.append(_upload(attachment, content, key))
            else:
                links.append((attachment.name, await self._link(attachment, key)))
        return Luggage(tuple(uploads), tuple(links))

    async def links(self, uploads: Sequence[Upload], key: str) -> list[tuple[str, str]]:
        """Addresses of files that could not be uploaded after all."""
        return [
            (u.name, self._artifacts.link(await self._artifacts.keep(_job(key), u.name, u.content)))
            for u in uploads
        ]

    async def _content(self, attachment: Attachment) -> bytes | None:
        """The bytes to upload; None for what is too large or gone."""
        if attachment.size_bytes > MOST_UPLOAD_BYTES:
            return None
        if attachment.artifact is None:
            return attachment.content
        try:
            content = await self._artifacts.read(attachment.artifact)
        except FileNotFoundError:
            return None
        return content if len(content) <= MOST_UPLOAD_BYTES else None

    async def _link(self, attachment: Attachment, key: str) -> str:
        artifact = attachment.artifact
        if artifact is None:
            content = attachment.content or b""
            artifact = await self._artifacts.keep(_job(key), attachment.name, content)
        return self._artifacts.link(artifact)


def _job(key: str) -> JobId | None:
    return as_job_id(key.partition(":")[0])


def _upload(attachment: Attachment, content: bytes, key: str) -> Upload:
    job = _job(key)
    name = attachment.name
    if name.endswith(".png"):  # a picture's type is only known by its content
        found = next((suffix for magic, suffix in _MAGIC.items() if content.startswith(magic)), "")
        name = name.removesuffix(".png") + (found or ".png")
    return Upload(name, f"{name} · {job}" if job else name, content)
