"""What we read of GitHub's webhooks: only the fields used, each as tolerant as can be."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import Field

from bot.github.wire import AppRef, Read, User


class Owner(Read):
    """Whose repository it is."""

    login: str


class Repository(Read):
    """Where it happened."""

    full_name: str
    owner: Owner | None = None

    @property
    def workspace(self) -> str:
        """The owner's login."""
        return self.owner.login if self.owner else self.full_name.partition("/")[0]


class InstallationRef(Read):
    """Through which installation we were told."""

    id: int


class HeadRef(Read):
    """A pull request's head."""

    sha: str | None = None


class Note(Read):
    """A comment, or an issue or pull request as the message its author wrote."""

    id: int
    number: int | None = None
    title: str | None = None
    head: HeadRef | None = None
    body: str | None = None
    user: User | None = None
    draft: bool = False
    updated_at: str | None = None
    created_at: str | None = None
    in_reply_to_id: int | None = None


class Was(Read):
    """A value before an edit."""

    was: str | None = Field(default=None, alias="from")


class Changes(Read):
    """What an edit changed."""

    body: Was | None = None


class PullRef(Read):
    """A pull request, by number."""

    number: int


class RequestedAction(Read):
    """The button pressed on a check run."""

    identifier: str


class CheckRunNote(Read):
    """The check run a button was pressed on; a fork's has no `pull_requests`."""

    id: int
    external_id: str | None = None
    pull_requests: tuple[PullRef, ...] = ()
    app: AppRef | None = None


class Payload(Read):
    """A webhook of any of the events we hear."""

    action: str = ""
    sender: User | None = None
    repository: Repository | None = None
    installation: InstallationRef | None = None
    issue: Note | None = None
    pull_request: Note | None = None
    comment: Note | None = None
    changes: Changes | None = None
    assignee: User | None = None
    requested_reviewer: User | None = None
    check_run: CheckRunNote | None = None
    requested_action: RequestedAction | None = None


@dataclass(frozen=True)
class Delivery:
    """One verified webhook."""

    event: str
    guid: str
    payload: Payload
    received_at: datetime
