"""Artifacts: bytes on disk under their own digest, and rows that say whose they are."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlmodel import Session, col, delete, select

from storage.files import SCRATCH, write_whole
from storage.ids import ArtifactId, JobId, new_artifact_id
from storage.tables.artifacts import ArtifactRow

LARGEST_BYTES = 64 * 2**20
APPLY = "apply"
"""The role of a file that Apply writes to the repository."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
_LOOKED_UP = 500
"""Digests asked about in one query."""


class ArtifactTooLarge(Exception):
    """The content is more than is kept; the message has both sizes."""


class ArtifactLost(Exception):
    """The bytes are not there, or are no longer those that were kept."""


@dataclass(frozen=True)
class NewArtifact:
    """What to note about content that `ArtifactStore.put` has kept."""

    name: str
    media_type: str
    size_bytes: int
    digest: str
    apply_to: str | None = None
    """The path in the repository that Apply writes it to."""


class ArtifactStore:
    """The files under `<home>/artifacts`, each named by the SHA-256 of its content."""

    def __init__(self, home: Path) -> None:
        """Nothing is made before the first `put`."""
        self._root = home / "artifacts"

    def put(self, content: bytes) -> str:
        """Keep the content and return its digest; the same content twice is one file.

        Raises:
            ArtifactTooLarge: It is more than 64 MiB.
        """
        if len(content) > LARGEST_BYTES:
            raise ArtifactTooLarge(
                f"The file has {len(content) / 2**20:.1f} MiB; "
                f"at most {LARGEST_BYTES // 2**20} MiB are kept."
            )
        digest = hashlib.sha256(content).hexdigest()
        path = self._path(digest)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Written even where it lies already: that mends a damaged file and makes it young again,
        # so that a sweep does not take it from under its new row.
        write_whole(path, content)
        return digest

    def read(self, digest: str) -> bytes:
        """The content kept under a digest.

        Raises:
            ArtifactLost: It is gone, or the file was changed.
        """
        if not _DIGEST.fullmatch(digest):
            raise ArtifactLost(f"{digest!r} is no digest")
        try:
            content = self._path(digest).read_bytes()
        except FileNotFoundError as error:
            raise ArtifactLost(f"the content {digest} is gone") from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise ArtifactLost(f"the content {digest} was changed on disk")
        return content

    def sweep(self, session: Session, before: datetime) -> int:
        """Delete files older than `before` that no row uses; how many. `before` is hours ago."""
        old = [path for path in self._files() if _is_older(path, before)]
        removed = 0
        for start in range(0, len(old), _LOOKED_UP):
            some = old[start : start + _LOOKED_UP]
            used = _used(session, (path.name for path in some))
            for path in some:
                if path.name not in used and _is_older(path, before):
                    path.unlink(missing_ok=True)
                    removed += 1
        return removed

    def _path(self, digest: str) -> Path:
        return self._root / digest[:2] / digest

    def _files(self) -> Iterator[Path]:
        for path in self._root.glob("??/*"):
            if _DIGEST.fullmatch(path.name) or path.name.startswith(SCRATCH):
                yield path


def record(
    session: Session,
    job: JobId | None,
    new: NewArtifact,
    now: datetime,
    *,
    artifact: ArtifactId | None = None,
) -> ArtifactId:
    """Note a kept file as a job's, under an id that nobody can guess: a fresh one, or the one
    drawn before because a reply already names it.
    """
    artifact = artifact or new_artifact_id()
    session.add(
        ArtifactRow(
            id=artifact,
            job_id=job,
            name=new.name,
            media_type=new.media_type,
            size_bytes=new.size_bytes,
            digest=new.digest,
            role="" if new.apply_to is None else APPLY,
            path=new.apply_to,
            created_at=now,
        )
    )
    session.flush()
    return artifact


def get(session: Session, artifact: ArtifactId) -> ArtifactRow | None:
    """What is noted about an artifact."""
    return session.get(ArtifactRow, artifact)


def of_job(session: Session, job: JobId) -> Sequence[ArtifactRow]:
    """A job's artifacts in the order of their names."""
    found = select(ArtifactRow).where(ArtifactRow.job_id == job)
    return session.exec(found.order_by(col(ArtifactRow.name), col(ArtifactRow.id))).all()


def expire(session: Session, before: datetime) -> int:
    """Forget artifacts made before this time; how many. Their bytes go with the next sweep."""
    session.flush()
    return session.exec(delete(ArtifactRow).where(col(ArtifactRow.created_at) < before)).rowcount


def _used(session: Session, digests: Iterable[str]) -> set[str]:
    return set(
        session.exec(select(ArtifactRow.digest).where(col(ArtifactRow.digest).in_(list(digests))))
    )


def _is_older(path: Path, than: datetime) -> bool:
    try:
        return path.stat().st_mtime < than.timestamp()
    except FileNotFoundError:
        return False
