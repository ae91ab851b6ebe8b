"""What we read of GitHub's REST answers: only the fields used."""

import base64
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict


class Read(BaseModel):
    """Anything GitHub says; what we do not know is ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class User(Read):
    """An account."""

    login: str
    id: int | None = None
    type: str = "User"


class AppRef(Read):
    """The App that something was made through."""

    id: int | None = None


class InstallationAnswer(Read):
    """Where the App is installed, and what it may do there."""

    id: int
    permissions: dict[str, str] = {}


class TokenAnswer(Read):
    """An installation token."""

    token: str
    expires_at: datetime


class FileAnswer(Read):
    """A file; GitHub leaves the content of large ones out."""

    sha: str
    size: int = 0
    content: str = ""

    @property
    def decoded(self) -> bytes:
        """The content itself."""
        return base64.b64decode(self.content)


class Comment(Read):
    """A comment on an issue, a pull request, or a line of one."""

    id: int
    node_id: str = ""
    body: str | None = None
    html_url: str = ""
    user: User | None = None
    performed_via_github_app: AppRef | None = None


class ReviewComment(Comment):
    """A comment on a line of a pull request; `line` is None once that line is gone."""

    path: str = ""
    line: int | None = None


class SpokenComment(Comment):
    """A comment with its times, in whole seconds."""

    created_at: datetime
    updated_at: datetime


class RepositoryAnswer(Read):
    """A repository."""

    full_name: str
    default_branch: str = "main"


class Side(Read):
    """The head or the base of a pull request; `repo` is None once a fork is deleted."""

    ref: str
    sha: str
    repo: RepositoryAnswer | None = None


class PullAnswer(Read):
    """A pull request."""

    number: int
    title: str = ""
    state: str = "open"
    merged_at: datetime | None = None
    html_url: str = ""
    user: User | None = None
    head: Side
    base: Side
    changed_files: int = 0
    """Only of one that is asked for by its number."""
    requested_reviewers: list[User] = []


class ChangedFile(Read):
    """A file that a pull request changes."""

    filename: str
    previous_filename: str | None = None

    @property
    def known_as(self) -> str:
        """Its path before, by which its history is known."""
        return self.previous_filename or self.filename


class Signed(Read):
    """How somebody signed a commit."""

    name: str = ""
    email: str = ""


class SignedCommit(Read):
    """Within a commit, who signed it."""

    author: Signed | None = None


class PullCommit(Read):
    """A commit of a pull request, and whose account GitHub takes its author for."""

    commit: SignedCommit
    author: User | None = None


class LabelAnswer(Read):
    """A label."""

    name: str = ""


class IssueAnswer(Read):
    """An issue; a pull request, which GitHub lists among them, says so."""

    number: int
    title: str = ""
    body: str | None = None
    html_url: str = ""
    state: str = "open"
    user: User | None = None
    labels: list[LabelAnswer] = []
    assignees: list[User] = []
    closed_at: datetime | None = None
    pull_request: dict[str, Any] | None = None


class IssueEvent(Read):
    """What happened to an issue."""

    event: str = ""
    created_at: datetime
    issue: IssueAnswer | None = None


class MilestoneAnswer(Read):
    """A milestone."""

    number: int
    title: str = ""
    due_on: datetime | None = None


class PermissionAnswer(Read):
    """What a person may do; GitHub maps maintain to "write" and triage to "read" here."""

    permission: str = "none"
    user: User | None = None


class Tree(Read):
    """A tree's id."""

    sha: str


class CommitBody(Read):
    """A commit's content."""

    tree: Tree
    message: str = ""


class Commit(Read):
    """A commit as `/commits/{ref}` shows it."""

    sha: str
    commit: CommitBody | None = None


class Sha(Read):
    """A git object just made, or a file's blob."""

    sha: str
    type: str = ""


class GitRef(Read):
    """A branch or tag, or an annotated tag itself, and what it points at."""

    ref: str = ""
    object: Sha


class DiffedFile(Read):
    """A file of a comparison; of binary and very large ones GitHub shows no patch."""

    filename: str
    patch: str = ""


class Comparison(Read):
    """How a commit stands to a branch or another commit, and what changed since they parted."""

    status: str = ""
    merge_base_commit: Sha | None = None
    files: list[DiffedFile] = []


class Branch(Read):
    """A branch."""

    name: str


class CheckOutput(Read):
    """What a check run says."""

    annotations_count: int = 0


class CheckRun(Read):
    """A check run."""

    id: int
    external_id: str | None = None
    output: CheckOutput = CheckOutput()


class CheckRuns(Read):
    """The check runs of a commit."""

    check_runs: list[CheckRun] = []


class HookDelivery(Read):
    """One attempt to deliver a webhook."""

    id: int
    guid: str
    delivered_at: datetime
    status_code: int = 0
    event: str = ""


class GraphAnswer(Read):
    """An answer of the GraphQL API; errors of single nodes come beside data."""

    data: dict[str, Any] | None = None
    errors: list[dict[str, Any]] = []
