"""The state of a small GitHub."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.fakes.github.repositories import Git, NoSuchObject

APP_ID = "4711"
WEBHOOK_SECRET = "fake-webhook-secret"
GRANTED = {
    "checks": "write",
    "contents": "write",
    "issues": "write",
    "metadata": "read",
    "pull_requests": "write",
}


INSTALLATION = 9001


class ApiError(Exception):
    """What GitHub answers when it says no."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: list[Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        """`errors` are GitHub's details of a 422."""
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors or []
        self.headers = headers or {}


@dataclass
class Account:
    """A person, a bot or an organisation."""

    id: int
    login: str
    type: str = "User"


@dataclass
class Reaction:
    """An emoji on a comment."""

    id: int
    content: str
    by: Account


@dataclass(frozen=True)
class Line:
    """A line of a file, as it was in one commit."""

    commit: str
    path: str
    number: int


@dataclass
class Comment:
    """On an issue, a pull request, or a line of one."""

    id: int
    number: int
    body: str
    by: Account
    created_at: datetime
    updated_at: datetime
    app: str | None = None
    review: bool = False
    in_reply_to: int | None = None
    line: "Line | None" = None
    """What it speaks of, where somebody said so."""
    reactions: list[Reaction] = field(default_factory=list[Reaction])
    history: list[str] = field(default_factory=list[str])
    """Every body it had, oldest first."""


@dataclass
class Issue:
    """An issue, or the conversation of a pull request."""

    id: int
    number: int
    title: str
    body: str
    by: Account
    created_at: datetime
    state: str = "open"
    locked: bool = False
    labels: list[str] = field(default_factory=list[str])
    assignees: list[str] = field(default_factory=list[str])
    milestone: int | None = None
    closed_at: datetime | None = None
    assigned_at: datetime | None = None


@dataclass
class Milestone:
    """What issues are worked on for together."""

    number: int
    title: str
    due_on: datetime | None = None
    state: str = "open"


@dataclass
class Pull:
    """A pull request; its conversation is the issue of the same number."""

    number: int
    head_repository: str | None
    head_ref: str
    head_sha: str
    base_ref: str
    merged_at: datetime | None = None
    draft: bool = False
    reviewers: list[str] = field(default_factory=list[str])
    """Who is asked for a review."""


@dataclass
class CheckRun:
    """A check run."""

    id: int
    head_sha: str
    values: dict[str, Any]
    history: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """Every state it had, oldest first."""
    annotations: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """All that were ever written: GitHub replaces none."""


@dataclass
class Repository:
    """A repository with its conversations."""

    full_name: str
    git: Git
    owner: Account
    private: bool = False
    archived: bool = False
    installed: bool = True
    installation: int = INSTALLATION
    permissions: dict[str, str] = field(default_factory=dict[str, str])
    """By login: admin, write, read."""
    issues: dict[int, Issue] = field(default_factory=dict[int, Issue])
    pulls: dict[int, Pull] = field(default_factory=dict[int, Pull])
    comments: dict[int, Comment] = field(default_factory=dict[int, Comment])
    checks: dict[int, CheckRun] = field(default_factory=dict[int, CheckRun])
    reviews: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """As they were posted, with GitHub's `id`, `state` and `number` of the pull request."""
    milestones: dict[int, Milestone] = field(default_factory=dict[int, Milestone])

    @property
    def name(self) -> str:
        """Without the owner."""
        return self.full_name.partition("/")[2]

    def said(self, number: int) -> list[Comment]:
        """The comments under an issue or pull request, oldest first."""
        return [each for each in self.comments.values() if each.number == number]

    def new_number(self) -> int:
        """The next issue's or pull request's."""
        return max(self.issues, default=0) + 1


class World:
    """Everything this GitHub knows."""

    def __init__(self, folder: Path) -> None:
        """`folder` holds "owner/name.git"; what is there is taken in."""
        self.folder = folder
        self._ids: Iterator[int] = itertools.count(1001)
        self.ahead = timedelta(0)
        """How far this GitHub's clock has been put forward."""
        self.accounts: dict[str, Account] = {}
        self.repositories: dict[str, Repository] = {}
        self.installation = INSTALLATION
        self.granted = dict(GRANTED)
        """The permissions the owner gave the App."""
        self.suspended = False
        self.missing_endpoints: set[str] = set()
        """Parts of paths that this GitHub does not have: "/graphql", "/check-runs"…"""
        self.bot = self.account("gryph[bot]", type_="Bot")
        self.key = _key()
        self.on_event: Callable[[str, dict[str, Any]], None] = _nobody_listens
        for found in sorted(folder.glob("*/*.git")):
            self.repository(f"{found.parent.name}/{found.stem}")

    @property
    def private_key(self) -> str:
        """The App's key as PEM."""
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()

    def install_anew(self) -> None:
        """Take the App out and put it in again everywhere, under a new id."""
        self.installation += 1
        for each in self.repositories.values():
            each.installation = self.installation

    def is_installation(self, id_: int) -> bool:
        """Whether the App is installed under this id."""
        return id_ == self.installation or any(
            each.installation == id_ for each in self.repositories.values()
        )

    def now(self) -> datetime:
        """This GitHub's time."""
        return datetime.now(UTC) + self.ahead

    def new_id(self) -> int:
        """A fresh id for anything."""
        return next(self._ids)

    def account(self, login: str, *, type_: str = "User") -> Account:
        """Somebody, made at first mention."""
        if login not in self.accounts:
            self.accounts[login] = Account(self.new_id(), login, type_)
        return self.accounts[login]

    def repository(self, full_name: str, files: dict[str, bytes] | None = None) -> Repository:
        """A repository, made at first mention; `files` become a commit on its default branch."""
        if full_name not in self.repositories:
            git = Git(self.folder / f"{full_name}.git")
            owner = self.account(full_name.partition("/")[0])
            made = Repository(full_name, git, owner, installation=self.installation)
            made.permissions[owner.login] = "admin"
            self.repositories[full_name] = made
        found = self.repositories[full_name]
        if files:
            found.git.commit_files(found.git.default_branch, files, "Files")
        return found

    def talk(self, repository: Repository, number: int, by: Account, title: str, body: str) -> None:
        """Open a conversation."""
        made = Issue(self.new_id(), number, title, body, by, self.now())
        repository.issues[number] = made

    def find(self, owner: str, name: str) -> Repository:
        """Raises ApiError when there is none."""
        for full_name, found in self.repositories.items():
            if full_name.lower() == f"{owner}/{name}".lower():
                return found
        raise ApiError(404, "Not Found")

    def sha(self, repository: Repository, ref: str) -> str:
        """The commit a ref names. Raises ApiError when there is none."""
        try:
            return repository.git.resolve(ref)
        except NoSuchObject as missing:
            raise ApiError(422, f"No commit found for SHA: {ref}") from missing


@cache
def _key() -> rsa.RSAPrivateKey:
    """One for all worlds of a process, since making one takes a while."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _nobody_listens(event: str, payload: dict[str, Any]) -> None:
    _ = (event, payload)
