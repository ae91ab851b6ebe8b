"""The desks of one worker process: private checkouts, the proven sandbox, kept files."""

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from sqlmodel import Session

from engines.sandbox.sandbox import Sandbox
from engines.watch import Stopped
from jobs.desk import Declined, NewArtifact, Transient
from jobs.requests import Source
from jobs.runner import RunningWatch
from jobs.settings import WorkerSettings
from storage import artifacts, checkouts, vault
from storage.artifacts import ArtifactStore, ArtifactTooLarge
from storage.checkouts import CheckoutFailed, CheckoutRefused, CheckoutStopped
from storage.clock import utc_now
from storage.database import Database
from storage.ids import ArtifactId, JobId, new_artifact_id
from storage.ledger import Leased
from storage.vault import KeyRing


@dataclass(frozen=True)
class NoSandbox:
    """Why this host cannot run foreign code, for a person."""

    reason: str


class LocalDesk:
    """See `jobs.desk.Desk`."""

    def __init__(self, leased: Leased, watch: RunningWatch, shop: "Workshop", folder: Path) -> None:
        """`folder` is this attempt's own."""
        self.job: JobId = leased.job
        self.watch = watch
        self.folder = folder
        self.kept: list[tuple[ArtifactId, artifacts.NewArtifact]] = []
        self._shop = shop

    def checkout(self, source: Source) -> Path:
        """See `jobs.desk.Desk.checkout`."""
        return self._shop.checkout(self, source)

    def sandbox(self) -> Sandbox:
        """See `jobs.desk.Desk.sandbox`."""
        if isinstance(self._shop.sandbox, NoSandbox):
            raise Declined(
                f"Not run: this machine offers no isolation for foreign code. "
                f"{self._shop.sandbox.reason}"
            )
        return self._shop.sandbox

    def keep(self, artifact: NewArtifact) -> ArtifactId:
        """See `jobs.desk.Desk.keep`."""
        try:
            digest = self._shop.store.put(artifact.content)
        except ArtifactTooLarge as error:
            raise Declined(str(error)) from error
        artifact_id = new_artifact_id()
        noted = artifacts.NewArtifact(
            name=artifact.name,
            media_type=artifact.media_type,
            size_bytes=len(artifact.content),
            digest=digest,
            apply_to=artifact.apply_to,
        )
        self.kept.append((artifact_id, noted))
        return artifact_id


@dataclass
class Workshop:
    """See `jobs.runner.Desks`."""

    settings: WorkerSettings
    database: Database
    store: ArtifactStore
    keys: KeyRing
    sandbox: Sandbox | NoSandbox
    _folder: Path = field(init=False)

    def __post_init__(self) -> None:
        """All attempts of this process work below one folder."""
        base = self.settings.home / "work"
        base.mkdir(parents=True, exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(prefix="worker-", dir=base))

    def open(self, leased: Leased, watch: RunningWatch) -> LocalDesk:
        """A desk with an empty folder."""
        folder = self._folder / f"{leased.job}-{leased.attempt}"
        folder.mkdir()
        return LocalDesk(leased, watch, self, folder)

    def clear(self, desk: LocalDesk) -> None:
        """Remove the attempt's folder."""
        shutil.rmtree(desk.folder, ignore_errors=True)

    def record(self, session: Session, desk: LocalDesk) -> None:
        """Note the kept files as the job's."""
        for artifact_id, noted in desk.kept:
            artifacts.record(session, desk.job, noted, utc_now(), artifact=artifact_id)

    def checkout(self, desk: LocalDesk, source: Source) -> Path:
        """The code at the desk."""
        token = self.database.read_now(
            lambda s: vault.open_grant(s, self.keys, desk.job, utc_now())
        )
        try:
            checked = checkouts.checkout(
                checkouts.CheckoutSource(
                    repository=source.repository,
                    sha=source.sha,
                    ref=source.ref,
                    number=source.number,
                ),
                desk.folder / "code",
                checkouts.CheckoutPolicy(
                    git_url=self.settings.github_git_url,
                    token=token,
                    max_bytes=self.settings.checkout_max_bytes,
                ),
                stop=desk.watch.stop_requested,
            )
        except CheckoutRefused as error:
            raise Declined(str(error)) from error
        except CheckoutFailed as error:
            raise Transient(str(error)) from error
        except CheckoutStopped as error:
            raise Stopped from error
        return checked.root

    def close(self) -> None:
        """Remove everything this process left."""
        shutil.rmtree(self._folder, ignore_errors=True)
