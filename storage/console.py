"""The console's threads: messages written once by key, changes readable in one order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlmodel import Session, col, select, update

from storage.database import insert_if_absent
from storage.tables.console import ConsoleClientRow, ConsoleConversationRow, ConsoleMessageRow


class MessageKind(StrEnum):
    """What a message of a thread is."""

    PERSON = "person"
    STATUS = "status"
    RESULT = "result"
    ANSWER = "answer"


class NoConversation(Exception):
    """There is no such thread (any more)."""


@dataclass(frozen=True)
class NewMessage:
    """A message to be put into a thread; `key` makes the second attempt find the first."""

    conversation: str
    key: str
    kind: MessageKind
    body: Mapping[str, Any]
    about: int | None = None
    tier: int | None = None


def open_conversation(session: Session, conversation: str, owner: str, now: datetime) -> None:
    """Begin a thread, unless it has begun."""
    values = {
        "id": conversation,
        "owner": owner,
        "change": 0,
        "created_at": now,
        "updated_at": now,
    }
    insert_if_absent(session, ConsoleConversationRow, values)


def find_conversation(session: Session, conversation: str) -> ConsoleConversationRow | None:
    """The thread as it is now."""
    return session.get(ConsoleConversationRow, conversation)


def add(session: Session, new: NewMessage, now: datetime) -> ConsoleMessageRow:
    """Put a message at the end of its thread; with a known key, the message that is there.

    Raises:
        NoConversation: Nobody began this thread.
    """
    thread = _locked(session, new.conversation)
    known = find_by_key(session, new.key)
    if known is not None:
        return known
    change = _touch(thread, now)
    row = ConsoleMessageRow(
        conversation=new.conversation,
        key=new.key,
        kind=new.kind,
        about=new.about,
        body=dict(new.body),
        created_change=change,
        change=change,
        tier=new.tier,
        created_at=now,
        updated_at=now,
    )
    session.add(row)
    session.flush()
    return row


def edit(session: Session, message: int, body: Mapping[str, Any], now: datetime) -> bool:
    """Give a message a new body; False when it says so already.

    Raises:
        NoConversation: The message is gone.
    """
    row = session.get(ConsoleMessageRow, message)
    if row is None:
        raise NoConversation(f"message {message}")
    thread = _locked(session, row.conversation)
    session.refresh(row)
    if row.body == body:
        return False
    row.body = dict(body)
    row.version += 1
    row.change = _touch(thread, now)
    row.updated_at = now
    session.flush()
    return True


def find(session: Session, message: int) -> ConsoleMessageRow | None:
    """The message with this id."""
    return session.get(ConsoleMessageRow, message)


def find_by_key(session: Session, key: str) -> ConsoleMessageRow | None:
    """The message that was written under this key."""
    return session.exec(select(ConsoleMessageRow).where(ConsoleMessageRow.key == key)).one_or_none()


def changed_after(
    session: Session, conversation: str, change: int, limit: int
) -> Sequence[ConsoleMessageRow]:
    """Messages made or edited after that change, as they are now, in the order of change."""
    found = select(ConsoleMessageRow).where(
        ConsoleMessageRow.conversation == conversation, ConsoleMessageRow.change > change
    )
    return session.exec(found.order_by(col(ConsoleMessageRow.change)).limit(limit)).all()


def thread(
    session: Session, conversation: str, after: int, limit: int
) -> Sequence[ConsoleMessageRow]:
    """Messages that stand after that place in the thread, from the top."""
    found = select(ConsoleMessageRow).where(
        ConsoleMessageRow.conversation == conversation, ConsoleMessageRow.created_change > after
    )
    return session.exec(found.order_by(col(ConsoleMessageRow.created_change)).limit(limit)).all()


def grant(session: Session, account: str, tier: int, expires_at: datetime) -> None:
    """Remember that the account showed a valid token of this tier."""
    values = {"account": account, "tier": tier, "token_expires_at": expires_at}
    if insert_if_absent(session, ConsoleClientRow, values):
        return
    row = session.get_one(ConsoleClientRow, (account, tier))
    row.token_expires_at = max(row.token_expires_at, expires_at)
    session.flush()


def forget(session: Session, now: datetime, account: str | None = None) -> None:
    """No token that the account (or anybody) has shown so far counts any more.

    Another that is still valid counts again from its next request on.
    """
    shown = update(ConsoleClientRow).where(col(ConsoleClientRow.token_expires_at) > now)
    if account is not None:
        shown = shown.where(col(ConsoleClientRow.account) == account)
    session.exec(shown.values(token_expires_at=now))


def holds(session: Session, account: str, tier: int, now: datetime) -> bool:
    """Whether the account has shown a token of at least this tier that is still valid."""
    found = select(ConsoleClientRow).where(
        ConsoleClientRow.account == account,
        ConsoleClientRow.tier >= tier,
        ConsoleClientRow.token_expires_at > now,
    )
    return session.exec(found).first() is not None


def _locked(session: Session, conversation: str) -> ConsoleConversationRow:
    found = select(ConsoleConversationRow).where(ConsoleConversationRow.id == conversation)
    row = session.exec(found.with_for_update()).one_or_none()
    if row is None:
        raise NoConversation(conversation)
    return row


def _touch(thread: ConsoleConversationRow, now: datetime) -> int:
    """Number the next change of the thread, whose row the caller has locked."""
    thread.change += 1
    thread.updated_at = now
    return thread.change
