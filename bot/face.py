"""What the gateway needs of a platform; each platform's folder holds one implementation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bot.line import place_in_words
from handlers import (
    Caller,
    Event,
    Invocation,
    IssueQuery,
    Place,
    PullRequest,
    RepositoryWriter,
    Standing,
)
from jobs.messages import Reply
from jobs.requests import Issues, OpenWork, Remark, Snippet, Wanted
from storage.ids import ArtifactId, InboxId, JobId
from storage.states import JobState


class Busy(Exception):
    """The platform did not take it now (429, 5xx, timeout): try again after `retry_after_s`."""

    def __init__(self, reason: str, *, retry_after_s: float = 5.0) -> None:
        """`reason` is for the log."""
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class NotTaken(Exception):
    """An event could not be stored in time; whoever sent it has to send it again."""


class Undeliverable(Exception):
    """The place is gone or closed to us; trying again will not help."""


@dataclass(frozen=True)
class Posted:
    """A message of ours on the platform.

    `key` names it for reactions ("slack:C1:1712.3", "discord:812", "github:owner/name:991",
    "console:17"); `data` is what the platform's own code needs to edit it.
    """

    key: str
    data: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class JobView:
    """A job as a status message shows it."""

    job: JobId
    verb: str
    line: str
    """The command as typed."""
    state: JobState
    text: str
    """What is happening, or how it ended: one line."""
    done: float | None
    attempt: int
    asked_by: Caller
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    repository: str | None = None
    number: int | None = None
    head_sha: str | None = None
    ahead: int | None = None
    """Jobs before this one in its queue, while queued."""
    kind: str = ""
    """Of its request, where a verb has several."""
    is_push: bool = False
    """Whether nobody asked for it but the repository itself, because something was pushed."""
    wait_s: float | None = None
    """When it is expected to start, while queued, where there is something to go by."""
    draft: str = ""
    """The end of what it has written so far, while it runs: Markdown that may end anywhere."""
    draft_length: int = 0
    """Characters that it has written so far."""

    @property
    def in_line(self) -> str:
        """Where it stands, as plain text: "3rd in line, about 2 min"; empty where there is nothing
        to say.
        """
        if self.state is not JobState.QUEUED or self.ahead is None:
            return ""
        return place_in_words(self.ahead, self.wait_s)


class ArtifactReader(Protocol):
    """The bytes behind a `File` or `Picture` block, and a link a person can open."""

    async def read(self, artifact: ArtifactId) -> bytes:
        """The whole content. Raises FileNotFoundError when retention has removed it, Busy."""
        ...

    def link(self, artifact: ArtifactId) -> str:
        """An address on this gateway from which it can be downloaded."""
        ...

    async def keep(self, job: JobId | None, name: str, content: bytes) -> ArtifactId:
        """Store what did not fit into a message, so that the message can link to it."""
        ...


class Outbound(Protocol):
    """Puts messages into threads. Every call is one the delivery loop may repeat after a crash,
    so a post looks for its own earlier message first (by `key`, which is stable).
    """

    edit_interval_s: float
    """The least time between two edits of one status message."""
    result_replaces_status: bool
    """Whether the result is an edit of the status message (one comment on GitHub), so that the
    status is not edited after it."""

    async def post_status(self, place: Place, view: JobView, *, key: str) -> Posted:
        """Put the status message of a new job into the thread (opening one where needed).

        Raises:
            Busy: Try again later.
            Undeliverable: Never try again.
        """
        ...

    async def edit_status(self, place: Place, status: Posted, view: JobView) -> None:
        """Show the job's present state in its status message. Raises as `post_status`."""
        ...

    async def post_result(
        self, place: Place, status: Posted, view: JobView, reply: Reply, *, key: str
    ) -> Posted:
        """Put the job's result into the thread. Raises as `post_status`."""
        ...

    async def answer(self, place: Place, reply: Reply, *, key: str) -> Posted:
        """Answer a message that became no job. Raises as `post_status`."""
        ...


class Authority(Protocol):
    """Asks the platform what the caller may do; called before a job is made and again before it
    starts, never before the acknowledgement.
    """

    async def standing(self, invocation: Invocation) -> Standing:
        """The caller's standing now.

        Raises:
            Busy: The platform does not answer now.
        """
        ...


class Intake(Protocol):
    """Takes verified events in; the only thing an inbound route calls before it acknowledges."""

    async def accept(self, event: Event, keys: tuple[str, ...]) -> InboxId | None:
        """Claim the event under all its delivery keys and store it durably, in one transaction.

        Returns None when any key was claimed before: a redelivery, to be acknowledged and
        ignored. Returns within milliseconds; the work happens after the acknowledgement.

        Raises:
            NotTaken: The database did not take it in time; it must not be acknowledged.
        """
        ...


@dataclass(frozen=True)
class Remarks:
    """What people had said in a conversation up to some moment."""

    remarks: tuple[Remark, ...] = ()
    """Oldest first."""
    left_out: int = 0
    """Those that were changed since, so that what they said then is not known."""
    attached: tuple[Snippet, ...] = ()
    """Text files that came with the command itself."""
    notes: tuple[str, ...] = ()
    """What could not be read and why, for the person: Markdown, a line each."""


class Conversation(Protocol):
    """A chat that can be looked back into; asked only for jobs that read it."""

    async def said_before(self, asked: Invocation) -> Remarks:
        """What people had said where the command stands, in its thread or the message it answers,
        up to the moment of the command. Of bots nothing is told.

        Raises:
            Busy: The platform does not answer now.
            Undeliverable: It is not open to us.
        """
        ...


@dataclass(frozen=True)
class HostedFile:
    """A file of a repository, and the name of this very content."""

    sha: str
    content: bytes


class CodeHost(Protocol):
    """Tells what a repository and its conversations hold; asked when a command is handled."""

    async def commit_of(self, repository: str, ref: str | None) -> str:
        """The full sha of a branch, a tag, or a commit of the repository's own; without `ref` the
        default branch's. A commit that is only a fork's is none of those.

        Raises:
            Busy: Try again later.
            UserError: There is no such commit, or the repository cannot be read.
        """
        ...

    async def pull_of(self, repository: str, number: int) -> PullRequest:
        """A pull request as it is now.

        Raises:
            Busy: Try again later.
            UserError: There is none, or the repository cannot be read.
        """
        ...

    async def issues_of(self, repository: str, query: IssueQuery) -> Issues:
        """The open issues that are meant, with what a plan needs to know of them.

        Raises:
            Busy: Try again later.
            UserError: There are none such, too many, or they cannot be read.
        """
        ...

    async def task_of(self, repository: str, number: int) -> Wanted:
        """An issue or a pull request as a task that somebody is looked for, open or not.

        Raises:
            Busy: Try again later.
            UserError: There is none, or it cannot be read.
        """
        ...

    async def work_of(self, repository: str) -> tuple[OpenWork, ...]:
        """How much everybody has to do already; nobody where that cannot be read. Raises Busy."""
        ...

    async def parted(self, repository: str, ref: str | None, head: str) -> str:
        """The commit from which `head` went its own way: the newest that it shares with a branch,
        a tag or a commit of the repository's own, named by `ref` as `commit_of` takes it.

        Raises:
            Busy: Try again later.
            UserError: They share none, or one of them is not there.
        """
        ...

    async def file_of(self, repository: str, path: str, most_bytes: int) -> HostedFile | None:
        """A file on the default branch, and on no other: at most so many bytes of it; None where
        there is none.

        Raises:
            Busy: Try again later.
            Undeliverable: It may not be read.
        """
        ...

    async def said_before(self, asked: Invocation) -> Remarks:
        """What stood in the conversation when the command was given. Raises Busy."""
        ...


@dataclass(frozen=True)
class Face:
    """One platform, switched on."""

    outbound: Outbound
    authority: Authority
    writer: RepositoryWriter | None = None
    host: CodeHost | None = None
    conversation: Conversation | None = None
    """None where there is nothing to look back into, or `host` does."""
