"""The contract between a command and the gateway.

A command is one file here: what may be said, who may say it, and `run`, which answers at once
with a `Reply` or asks for one job. Everything platform-specific has been translated before.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Annotated, Literal, Protocol

from pydantic import AfterValidator, BaseModel, ConfigDict

from jobs.messages import Reply
from jobs.requests import Issues, JobRequest, OpenWork, Snippet, Wanted
from storage import match_events
from storage.database import Database
from storage.ids import ArtifactId, JobId, PersonId
from storage.states import Urgency


class UserError(Exception):
    """Something the person can mend; the Markdown message is the reply they get."""


class Platform(StrEnum):
    """A face of the assistant."""

    SLACK = "slack"
    DISCORD = "discord"
    GITHUB = "github"
    CONSOLE = "console"


class Tier(IntEnum):
    """How far a person is trusted in the place they speak from, least first."""

    ANYONE = 0
    AUTHOR = 1
    """Of the pull request that is talked about."""
    READ = 2
    WRITE = 3
    ADMIN = 4
    OPERATOR = 5
    """Runs this installation."""


class Effect(StrEnum):
    """The worst a verb can do."""

    READ = "read"
    COMMENT = "comment"
    RUN_CODE = "run-code"
    PUSH = "push"
    ADMIN = "admin"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


def _without_nul(text: str) -> str:
    """No database keeps NUL characters in text, and nobody means them."""
    return text.replace("\0", "")


Said = Annotated[str, AfterValidator(_without_nul)]
"""Text from outside."""


class Caller(_Frozen):
    """Who speaks, as the platform names them; `account` is the platform's stable id."""

    platform: Platform
    account: str
    name: Said
    is_bot: bool = False


class Place(_Frozen):
    """Where it was said, and so where the answer goes.

    | | workspace | channel | thread | message |
    |---|---|---|---|---|
    | Slack | team | channel | thread_ts, or None outside a thread | ts, or None (slash command) |
    | Discord | guild, or "dm" | channel | thread, or None | message, or None (slash command) |
    | GitHub | owner | owner/name | issue or PR number | comment id |
    | console | "local" | conversation | conversation | message |
    """

    platform: Platform
    workspace: str
    channel: str
    thread: str | None = None
    message: str | None = None
    callback: str | None = None
    """Slack's response_url or Discord's interaction token: short-lived, secret, never logged."""
    installation: str | None = None
    """GitHub's installation id."""


class Topic(_Frozen):
    """The issue or pull request a message stands under, as its event brought it along.

    Whoever edits a title after a command was given does not change what the command meant.
    """

    title: Said = ""
    body: Said = ""
    author: str = ""
    head_sha: str | None = None
    """The pull request's head, where the event told it."""
    said_at: datetime | None = None
    """When the message was said, or edited, by the platform's own clock."""
    message: int | None = None
    """The platform's number of the message; later ones are larger."""


class Attached(_Frozen):
    """A file that came with a message; its content stays with the platform until it is read."""

    name: Said
    address: str
    """Where the platform keeps it."""
    media_type: str = ""
    size_bytes: int = 0


class Invocation(_Frozen):
    """One message that may hold commands, or one press of a button, verified and normalized."""

    kind: Literal["invocation"] = "invocation"
    caller: Caller
    place: Place
    text: Said
    """Markdown; a slash command or a button arrives as the line `/gryph …` it stands for."""
    previous_text: Said | None = None
    """The text before an edit: only what is new is run."""
    addressed: bool = False
    """Whether it was said to us (mention, slash command, direct message), so that even a line
    that is no command deserves an answer."""
    received_at: datetime
    repository: str | None = None
    """The repository of the place where the platform itself has one: "owner/name", or
    "local:/folder" from the console."""
    number: int | None = None
    """The issue or pull request the message stands under."""
    traceparent: str | None = None
    topic: Topic | None = None
    """What stood above the message when it was said; None where the platform has no titles."""
    said_at: datetime | None = None
    """When it was said, or edited, by the platform's own clock; None where that is not told."""
    reply_to: str | None = None
    """The message that it answers, where the platform has that outside of threads."""
    mentions: tuple[tuple[str, str], ...] = ()
    """Whom the text mentions by a name that anybody may have: that name, and the account."""
    attached: tuple[Attached, ...] = ()
    pushed: str | None = None
    """The new head of the pull request, where this is a push and nobody said anything: what is
    done then, the repository itself wishes for in its `.gryph.toml`."""
    wants_reviewers: bool = False
    """With `pushed`: whether the pull request has become one for others to look at."""


class Reaction(_Frozen):
    """An emoji put on, or taken off, one of our own messages."""

    kind: Literal["reaction"] = "reaction"
    caller: Caller
    place: Place
    message_key: str
    """The key of the message it was put on; see `bot.face.Posted`."""
    emoji: str
    """The platform's name for it, without colons or skin tone: "+1", "thumbsup", "👍"."""
    added: bool
    received_at: datetime
    happened_at: datetime | None = None
    """By the platform's clock, where it tells: events may come late and out of order."""


class Happening(_Frozen):
    """Something that was done to an issue or a pull request on the code host, of which we are told
    and nobody waits for an answer.
    """

    kind: Literal["happening"] = "happening"
    caller: Caller
    """Who did it."""
    place: Place
    what: match_events.Event
    repository: str
    number: int
    who: str | None = None
    """The login that it is about, where it is about somebody."""
    received_at: datetime


Event = Invocation | Reaction | Happening
"""Whatever a platform tells."""


@dataclass(frozen=True)
class PullRequest:
    """The pull request a message stands under, as it is now."""

    number: int
    head_sha: str
    head_repository: str
    base_repository: str
    base_ref: str
    author: str
    author_account: str | None = None
    title: str = ""
    is_open: bool = True

    @property
    def from_fork(self) -> bool:
        """Whether its code comes from outside the repository."""
        return self.head_repository != self.base_repository


@dataclass(frozen=True)
class IssueQuery:
    """Which open issues are meant: those of a milestone, or the ones with these numbers."""

    numbers: tuple[int, ...] = ()
    milestone: str | None = None
    """Its number or its title."""


@dataclass(frozen=True)
class Standing:
    """What the platform says, right now, about the caller and the place."""

    tier: Tier
    repository: str | None = None
    """The repository meant when a target names none."""
    pull: PullRequest | None = None
    head_sha: str | None = None
    """The commit meant when a target names none: the pull request's head, or the default
    branch's."""
    is_author: bool = False
    """Whether the caller opened `pull`."""
    account: Caller | None = None
    """The account on the code host that has this standing; None where only a chat vouches."""


@dataclass(frozen=True)
class Target:
    """Code, as a person points at it: `owner/repo@ref:path::symbol#L3-9`, every part optional."""

    repository: str | None = None
    ref: str | None = None
    path: str | None = None
    symbol: str | None = None
    lines: tuple[int, int] | None = None
    number: int | None = None
    """An issue or pull request: `#12`, `owner/repo#12`, or its URL."""


@dataclass(frozen=True)
class Call:
    """One parsed command line, checked against the command's own arguments."""

    verb: str
    line: str
    """As typed, without the address: "test src/a.py --style unittest"."""
    words: tuple[str, ...] = ()
    targets: tuple[Target, ...] = ()
    jobs: tuple[JobId, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    flags: frozenset[str] = frozenset()


class Takes(StrEnum):
    """What stands behind a verb besides options."""

    NOTHING = "nothing"
    WORDS = "words"
    SOME_WORDS = "some words"
    """While every `key=value` has to be an option."""
    TARGET = "target"
    """Exactly one path, range, pull request or issue."""
    OPTIONAL_TARGET = "optional target"
    JOB = "job"
    JOB_AND_WORDS = "job and words"
    OPTIONAL_JOB = "optional job"


@dataclass(frozen=True)
class Option:
    """A `key=value` (or `--key value`) or, with `is_flag`, a `--key`."""

    name: str
    summary: str
    choices: tuple[str, ...] = ()
    default: str | None = None
    is_flag: bool = False


@dataclass(frozen=True)
class Permission:
    """Who may use a verb."""

    tier: Tier
    effect: Effect
    author_may: bool = False
    """The pull request's author may, whatever their tier (a fork's code still waits)."""
    requester_may: bool = False
    """Who asked for the job may."""


class RepositoryWriter(Protocol):
    """Writes to a repository on behalf of a person; the gateway's alone.

    Both are idempotent by job: a second call finds the first one's work and returns it.
    """

    async def apply(self, application: "Application") -> str:
        """Put the files into the repository and return where, as Markdown (a link to the pull
        request, or the written path).

        Raises:
            UserError: It cannot be done, and why (conflict, no write access, folder gone).
        """
        ...

    async def assign(self, assignment: "Assignment") -> str:
        """Give an issue or a pull request to somebody and return where, as Markdown.

        Raises:
            UserError: It cannot be done, and why (no access, closed, no such place).
        """
        ...


@dataclass(frozen=True)
class Application:
    """Files that a job produced and a person wants in their repository."""

    job: JobId
    repository: str
    base_ref: str | None
    base_sha: str | None
    number: int | None
    installation: str | None
    title: str
    body: str
    files: Mapping[str, bytes]
    requested_by: Caller
    """On a code host, an account of that host: it is asked whether that one may write."""
    replaces: Mapping[str, str] = field(default_factory=dict[str, str])
    """Of the files that change one that is there: the `blob_id` of what they were made from."""


@dataclass(frozen=True)
class Assignment:
    """Somebody who is to do an issue, or to review a pull request, on the code host."""

    repository: str
    number: int
    login: str
    requested_by: Caller
    """An account of that host: it is asked whether that one may write."""
    is_review: bool = False
    installation: str | None = None


@dataclass(frozen=True)
class RepositoryWishes:
    """What a repository states in `.gryph.toml` on its default branch; None where it does not."""

    style: str | None = None
    budget_s: float | None = None
    seed: int | None = None
    team: str | None = None
    """Who does its work, as a list of tasks says it."""
    timezone: str | None = None
    may: Tier | None = None
    """The least tier that may have its code run; asked beside a verb's own, never in its place."""
    ignore: tuple[str, ...] = ()
    """Patterns of paths that are not worked on."""
    behaviour: bool = False
    """Whether each push to a pull request is to be compared with what it is based on."""
    suggest_reviewers: bool = False
    """Whether reviewers are to be named for a pull request once it is ready for them."""
    spread: bool = False
    """Whether people are to be named so that not all goes to the same few."""
    complaints: tuple[str, ...] = ()
    """What is wrong with the file, as Markdown; that part is left at its default."""
    is_unreadable: bool = False
    """Whether there may be a file, but it could not be read."""


@dataclass(frozen=True)
class Context:
    """What a handler may use."""

    invocation: Invocation
    standing: Standing
    """Over the job that the call names; over the place where it names none."""
    person: PersonId
    database: Database
    commands: Mapping[str, "Command"]
    writers: Mapping[Platform, RepositoryWriter]
    read_artifact: Callable[[ArtifactId], Awaitable[bytes]]
    quota: Callable[[], Awaitable[str]]
    """What is left of the caller's rate limits, and how long the lines are, as Markdown."""
    in_line: Callable[[JobId], Awaitable[str]]
    """Where a queued job stands and when it is expected to start; empty where it stands in none."""
    repositories: Mapping[str, str]
    """Repositories the operator mapped to local folders: "owner/name" → "local:/folder"."""
    on_host: Callable[[str, int | None], Awaitable["Standing | None"]]
    """What the code host says, right now, of the caller in a repository (and a pull request of
    it), by the account they speak from or have linked; None where no host is connected. Its
    `account` is None when the caller has none there."""
    wished: Callable[[str], Awaitable[RepositoryWishes]]
    """What a repository wishes itself."""
    pull_of: Callable[[str, int], Awaitable[PullRequest]]
    """A pull request of a repository, whoever asks. Raises UserError where there is none."""
    read_target: Callable[[str], Target]
    """What a word points at. Raises UserError where it points at nothing."""
    snippets: Callable[[], tuple[Snippet, ...]]
    """The blocks of code in the message."""
    issues_of: Callable[[str, IssueQuery], Awaitable[Issues]]
    """Open issues of a repository. Raises UserError where there are none to be had."""
    task_of: Callable[[str, int], Awaitable[Wanted]]
    """An issue or pull request of a repository. Raises UserError where there is none."""
    work_of: Callable[[str], Awaitable[tuple[OpenWork, ...]]]
    """How much everybody has to do in a repository, as its host tells it."""


Outcome = Reply | JobRequest


@dataclass(frozen=True)
class Command:
    """A verb: the one source of parsing, help, manifests, permission table and metric labels."""

    verb: str
    summary: str
    takes: Takes
    permission: Permission
    examples: tuple[str, ...]
    run: Callable[[Context, Call], Awaitable[Outcome]]
    options: tuple[Option, ...] = ()
    urgency: Urgency = Urgency.PERSON
    """The class that the job it asks for has in its line."""
    details: str = ""
    """More for `help <verb>` and the docs page, Markdown."""
