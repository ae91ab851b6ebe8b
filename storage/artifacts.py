"""Artifacts: rows that say whose they are; their bytes lie in a store under their digest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlmodel import Session, col, delete, select

from storage.ids import ArtifactId, JobId, new_artifact_id
from storage.stores.types import ArtifactStore
from storage.tables.artifacts import ArtifactRow

APPLY = "apply"
"""The role of a file that Apply writes to the repository."""
_LOOKED_UP = 500
"""Digests asked about in one query."""


@dataclass(frozen=True)
class NewArtifact:
    """What to note about content that `ArtifactStore.put` has kept."""

    name: str
    media_type: str
    size_bytes: int
    digest: str
    apply_to: str | None = None
    """The path in the repository that Apply writes it to."""
    replaces: str | None = None
    """The `blob_id` of what that path held when the file was made from it; None for a new file."""


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
            replaces=new.replaces,
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


def sweep(session: Session, store: ArtifactStore, before: datetime) -> int:
    """Delete content older than `before` that no row uses; how much. `before` is hours ago.

    Raises:
        StoreAway: The store does not answer; what is left is for the next time.
    """
    names = store.older_than(before)
    removed = 0
    while some := list(islice(names, _LOOKED_UP)):
        found = select(ArtifactRow.digest).where(col(ArtifactRow.digest).in_(some))
        used = set(session.exec(found))
        removed += sum(store.remove(name, before) for name in some if name not in used)
    return removed
