"""What an earlier job was asked and what files it left."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlmodel import Session

from jobs.desk import Declined, Transient
from jobs.requests import AnyRequest, request_adapter
from storage import artifacts, ledger
from storage.database import Database
from storage.ids import JobId
from storage.stores.types import ArtifactLost, ArtifactStore, StoreAway


@dataclass(frozen=True)
class Earlier:
    """One finished job."""

    request: AnyRequest
    files: Mapping[str, str]
    """Those that Apply would write, by path."""


class EarlierJobs:
    """Looks them up. Whether the asking person may know of them was found out before."""

    def __init__(self, database: Database, store: ArtifactStore) -> None:
        """Rows and bytes."""
        self._database = database
        self._store = store

    def of(self, job: JobId) -> Earlier:
        """The job's request and files.

        Raises:
            Declined: It, or a file of it, is no longer kept.
            Transient: The store does not answer.
        """
        request, digests = self._database.read_now(lambda s: _rows(s, job))
        try:
            files = {
                path: self._store.read(digest).decode(errors="replace")
                for path, digest in digests.items()
            }
        except ArtifactLost as error:
            raise Declined(f"The files of `{job}` are no longer kept.") from error
        except StoreAway as error:
            raise Transient(str(error)) from error
        return Earlier(request, files)

    def file(self, job: JobId, name: str) -> bytes:
        """One of the files it left, whether or not Apply would write it.

        Raises:
            Declined: It is no longer kept.
            Transient: The store does not answer.
        """
        kept = self._database.read_now(lambda s: artifacts.of_job(s, job))
        digest = next((each.digest for each in kept if each.name == name), None)
        try:
            if digest is None:
                raise ArtifactLost(name)
            return self._store.read(digest)
        except ArtifactLost as error:
            raise Declined(f"What `{job}` left is no longer kept: make it anew.") from error
        except StoreAway as error:
            raise Transient(str(error)) from error


def _rows(session: Session, job: JobId) -> tuple[AnyRequest, dict[str, str]]:
    row = ledger.get(session, job)
    if row is None:
        raise Declined(f"`{job}` is no longer kept.")
    kept = artifacts.of_job(session, job)
    digests = {each.path: each.digest for each in kept if each.path is not None}
    return request_adapter.validate_python(row.request), digests
