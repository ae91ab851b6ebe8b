"""The desks of one worker process: private checkouts, the proven sandbox, kept files."""

import fcntl
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from engines.sandbox.environments.environment import environment_for
from engines.sandbox.environments.types import Environment
from engines.sandbox.sandbox import Sandbox
from engines.watch import Stopped
from jobs.desk import Altered, Declined, NewArtifact, Transient
from jobs.packages import builder_for, cache_of
from jobs.requests import Source
from jobs.runner import RunningWatch
from jobs.settings import WorkerSettings
from storage import artifacts, checkouts, vault
from storage.checkouts import (
    Checked,
    CheckoutFailed,
    CheckoutPolicy,
    CheckoutRefused,
    CheckoutSource,
    CheckoutStopped,
)
from storage.checkouts.history import History, HistoryPlace, held_history
from storage.checkouts.shelf import Shelf
from storage.clock import utc_now
from storage.database import Database
from storage.ids import ArtifactId, JobId, new_artifact_id
from storage.ledger import Leased
from storage.redaction import Redactor
from storage.stores.types import ArtifactStore, ArtifactTooLarge, StoreAway
from storage.unseen import file_name
from storage.vault import KeyRing

_TEXT = ("text/", "application/json", "application/xml", "image/svg")


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
        self._checkouts = itertools.count(1)
        self._held = ExitStack()

    def checkout(self, source: Source, path: str) -> Path:
        """See `jobs.desk.Desk.checkout`."""
        checked = self._shop.checkout(self, source, self.folder / f"code-{next(self._checkouts)}")
        if why := checked.left_out.why(path):
            raise Declined(why)
        return checked.root

    def history(self, source: Source) -> History:
        """See `jobs.desk.Desk.history`."""
        return self._held.enter_context(self._shop.history(self, source))

    def clear(self) -> None:
        """Let go of all that the attempt had."""
        self._held.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def environment(self, checkout: Path) -> Environment:
        """See `jobs.desk.Desk.environment`."""
        self.sandbox()
        self.watch.phase("install")
        settings = self._shop.settings
        return environment_for(checkout, cache_of(settings), builder_for(settings, self.watch))

    def sandbox(self) -> Sandbox:
        """See `jobs.desk.Desk.sandbox`."""
        if isinstance(self._shop.sandbox, NoSandbox):
            self._shop.on_refusal()
            raise Declined(
                f"Not run: this machine offers no isolation for foreign code. "
                f"{self._shop.sandbox.reason}"
            )
        return self._shop.sandbox

    def keep(self, artifact: NewArtifact) -> ArtifactId:
        """See `jobs.desk.Desk.keep`."""
        try:
            content = _without_secrets(artifact, self._shop.redactor)
            if artifact.replaces is not None and content != artifact.content:
                raise Altered(artifact.name)
            digest = self._shop.store.put(content)
        except ArtifactTooLarge as error:
            raise Declined(str(error)) from error
        except StoreAway as error:
            raise Transient(str(error)) from error
        artifact_id = new_artifact_id()
        noted = artifacts.NewArtifact(
            name=file_name(self._shop.redactor.redacted(artifact.name)),
            media_type=artifact.media_type,
            size_bytes=len(content),
            digest=digest,
            apply_to=artifact.apply_to,
            replaces=artifact.replaces,
        )
        self.kept.append((artifact_id, noted))
        return artifact_id


def _without_secrets(artifact: NewArtifact, redactor: Redactor) -> bytes:
    """The content; text without the secrets that the code it was made from may hold."""
    if not artifact.media_type.startswith(_TEXT):
        return artifact.content
    try:
        return redactor.redacted(artifact.content.decode()).encode()
    except UnicodeDecodeError:
        return artifact.content


def _unnoticed() -> None:
    """Nobody counts."""


@dataclass
class Workshop:
    """See `jobs.runner.Desks`."""

    settings: WorkerSettings
    database: Database
    store: ArtifactStore
    keys: KeyRing
    sandbox: Sandbox | NoSandbox
    redactor: Redactor = field(default_factory=Redactor)
    on_refusal: Callable[[], None] = _unnoticed
    """Called for each job that asks for isolation where there is none."""
    _folder: Path = field(init=False)
    _lock: int | None = field(init=False)
    """Held open: says to other workers that the folder is in use."""

    def __post_init__(self) -> None:
        """All attempts of this process work below one folder."""
        base = self.settings.home / "work"
        base.mkdir(parents=True, exist_ok=True)
        with _alone_in(base):
            _clear_up(base)
            self._folder = Path(tempfile.mkdtemp(prefix="worker-", dir=base))
            self._lock = _locked(self._folder)

    def open(self, leased: Leased, watch: RunningWatch) -> LocalDesk:
        """A desk with an empty folder."""
        folder = self._folder / f"{leased.job}-{leased.attempt}"
        folder.mkdir()
        return LocalDesk(leased, watch, self, folder)

    def clear(self, desk: LocalDesk) -> None:
        """Remove the attempt's folder, and let others have what it held."""
        desk.clear()

    def record(self, session: Session, desk: LocalDesk) -> None:
        """Note the kept files as the job's."""
        for artifact_id, noted in desk.kept:
            artifacts.record(session, desk.job, noted, utc_now(), artifact=artifact_id)

    def checkout(self, desk: LocalDesk, source: Source, into: Path) -> Checked:
        """The code at the desk, in a folder of its own."""
        with _as_of_job():
            stop = desk.watch.stop_requested
            policy = self._policy(desk, self.settings.checkout_max_bytes)
            return checkouts.checkout(_meant(source), into, policy, stop=stop)

    @contextmanager
    def history(self, desk: LocalDesk, source: Source) -> Generator[History]:
        """The history of its branch, for this desk alone."""
        shelf = Shelf(self.settings.home / "histories", self.settings.histories_max_bytes)
        with ExitStack() as held:
            with _as_of_job():
                place = HistoryPlace(shelf, desk.watch.stop_requested)
                policy = self._policy(desk, self.settings.history_max_bytes)
                found = held.enter_context(held_history(_meant(source), place, policy))
            yield found

    def _policy(self, desk: LocalDesk, max_bytes: int) -> CheckoutPolicy:
        token = self.database.read_now(
            lambda s: vault.open_grant(s, self.keys, desk.job, utc_now())
        )
        return CheckoutPolicy(
            git_url=self.settings.github_git_url,
            token=token,
            max_bytes=max_bytes,
            max_files=self.settings.checkout_max_files,
            max_file_bytes=self.settings.checkout_max_file_bytes,
            max_memory_bytes=self.settings.checkout_max_memory_bytes,
        )

    def close(self) -> None:
        """Remove everything this process left."""
        shutil.rmtree(self._folder, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _meant(source: Source) -> CheckoutSource:
    return CheckoutSource(
        repository=source.repository, sha=source.sha, ref=source.ref, number=source.number
    )


@contextmanager
def _as_of_job() -> Generator[None]:
    """What goes wrong with getting code, in a job's own terms."""
    try:
        yield
    except CheckoutRefused as error:
        raise Declined(str(error)) from error
    except CheckoutFailed as error:
        raise Transient(str(error)) from error
    except OperationalError as error:
        raise Transient("the database does not answer") from error
    except CheckoutStopped as error:
        raise Stopped from error


@contextmanager
def _alone_in(base: Path) -> Generator[None]:
    """Keep workers that start together from taking each other's fresh folder for a dead one's."""
    handle = os.open(base, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _clear_up(base: Path) -> None:
    """Remove what killed workers left: checkouts may be large, and are people's code."""
    for folder in base.glob("worker-*"):
        lock = _locked(folder)
        if lock is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def _locked(folder: Path) -> int | None:
    """A lock on the folder that ends with this process; None when somebody else holds it."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle
