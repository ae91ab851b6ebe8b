"""Approvals: one exact commit of a fork may run; the next push is another and needs its own."""

from datetime import datetime

from sqlmodel import Session

from storage.database import insert_if_absent
from storage.ids import PersonId
from storage.tables.trust import ApprovalRow


def approve(
    session: Session, repository: str, number: int, sha: str, person: PersonId, now: datetime
) -> None:
    """Let this commit of this pull request run; the caller has checked that the person may."""
    values = {
        "repository": repository.lower(),
        "number": number,
        "head_sha": sha.lower(),
        "approved_by": person,
        "approved_at": now,
    }
    insert_if_absent(session, ApprovalRow, values)


def is_approved(session: Session, repository: str, number: int, sha: str) -> bool:
    """Whether somebody approved exactly this commit of exactly this pull request."""
    key = (repository.lower(), number, sha.lower())
    return session.get(ApprovalRow, key) is not None
