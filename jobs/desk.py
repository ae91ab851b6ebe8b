"""What a job finds on its desk: the code, the sandbox, a place for files, and a watch."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from engines.sandbox.environments.types import Environment
from engines.sandbox.sandbox import Sandbox
from engines.watch import Watch
from jobs.messages import Reply
from jobs.requests import Source
from storage.checkouts.history import History
from storage.ids import ArtifactId, JobId


class Declined(Exception):
    """The job cannot be done as asked, and the person can mend it; the message is Markdown."""

    def __init__(self, message: str, reply: Reply | None = None) -> None:
        """`reply` is told in the place of the message, where there is more to say."""
        super().__init__(message)
        self.reply = reply


class Altered(Exception):
    """A file that replaces another cannot be kept word for word: it holds what must not be told."""


class Transient(Exception):
    """Something outside did not answer; the same job may succeed in a while."""


@dataclass(frozen=True)
class NewArtifact:
    """A file a job leaves behind.

    `apply_to` is the path in the repository that Apply writes it to; None for a file that is only
    to be looked at. `replaces` is the `blob_id` of the content that path had when this one was
    made from it; None where the file is new.
    """

    name: str
    media_type: str
    content: bytes
    apply_to: str | None = None
    replaces: str | None = None


@dataclass(frozen=True)
class Done:
    """What a job came to: one line for the status message, and the reply for the thread."""

    text: str
    reply: Reply


class Desk(Protocol):
    """A running job's access to everything outside its engine."""

    @property
    def job(self) -> JobId:
        """The job in work."""
        ...

    @property
    def watch(self) -> Watch:
        """Where the engine says how far it is, and learns that it should stop."""
        ...

    def checkout(self, source: Source, path: str) -> Path:
        """A private copy of the code, gone when the job ends and another one at each call; `path`
        is what the job is about, "." all of it.

        Raises:
            Declined: It is not there, too large, or not ours to read; or the path is one that a
                checkout does not hold: in a submodule, kept elsewhere, a link that leads out.
            Transient: The repository's host does not answer.
        """
        ...

    def history(self, source: Source) -> History:
        """The history of the branch that `source` means, to be read and never written to; this
        job's alone until it ends, with all that is learned from it.

        Raises:
            Declined: It is not there, too large, or not ours to read; or there is none yet.
            Transient: The repository's host does not answer.
        """
        ...

    def environment(self, checkout: Path) -> Environment:
        """The packages that a checkout depends on, installed before or now; none of their code has
        run. What could not be had is in it with the reason.

        Raises:
            Declined: This host offers no isolation, so that nothing is going to run.
            Stopped: The job was cancelled meanwhile.
        """
        ...

    def sandbox(self) -> Sandbox:
        """Where foreign code runs. Raises Declined where this host offers no isolation."""
        ...

    def keep(self, artifact: NewArtifact) -> ArtifactId:
        """Store a file; it becomes visible with the job's reply.

        Raises:
            Altered: It replaces another and holds secrets, which stay out of what is kept.
        """
        ...


Work = Callable[[Any, Desk], Done]
"""A job: given the request of its kind; synchronous, run in a thread, stopping soon after
`desk.watch` asks for it."""
