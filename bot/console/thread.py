"""A thread's messages as they lie in storage and travel over the API."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from bot.face import JobView
from jobs.messages import Block, Collapsible, File, Picture, Reply
from storage.console import MessageKind
from storage.tables.console import ConsoleMessageRow

ARTIFACTS_PATH = "/api/v1/artifacts"
REFUSALS = (":error", ":refused", ":limited")
"""One of these ends the key of an answer that says why nothing was done."""


class Body(BaseModel):
    """What a message says; which fields are set follows from its kind."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str | None = None
    """Who wrote a person's message."""
    text: str | None = None
    """A person's message, as written."""
    repository: str | None = None
    job: JobView | None = None
    """The job as a status shows it now, or as it was when its result was posted."""
    reply: Reply | None = None
    """Of a result or an answer."""
    refused: bool = False
    """Whether an answer says why nothing was done: a mistake, no permission, a rate limit."""

    def stored(self) -> Mapping[str, Any]:
        """As JSON for storage."""
        return self.model_dump(mode="json")


class ThreadMessage(Body):
    """One message of a thread."""

    id: int
    kind: MessageKind
    about: int | None
    """The person's message that this one is about."""
    version: int
    """1 when new; grows with each edit."""
    created_at: datetime
    updated_at: datetime


class Thread(BaseModel):
    """A thread's messages from the top, and where to resume reading its changes."""

    conversation: str
    messages: tuple[ThreadMessage, ...]
    last_event_id: int


class Receipt(BaseModel):
    """Where a posted message stands; its answer follows in the thread after `last_event_id`."""

    conversation: str
    message: int
    last_event_id: int


def message_of(row: ConsoleMessageRow) -> ThreadMessage:
    """The message that a row holds."""
    fields = {
        "id": row.id,
        "kind": row.kind,
        "about": row.about,
        "version": row.version,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }
    return ThreadMessage.model_validate({**row.body, **fields})


def files_of(reply: Reply) -> list[File | Picture]:
    """Everything a reply offers for download, in reading order."""
    return _files(reply.blocks)


def _files(blocks: tuple[Block, ...]) -> list[File | Picture]:
    found: list[File | Picture] = []
    for block in blocks:
        if isinstance(block, Collapsible):
            found.extend(_files(block.blocks))
        elif isinstance(block, File | Picture):
            found.append(block)
    return found
