"""Approvals: one exact commit of a fork may run; the next push is another and needs its own."""

from datetime import datetime

from sqlmodel import Session

from storage.database import insert_if_absent
from storage.ids import PersonId
from storage.tables.trust import ApprovalRow


def approve(
    session: Session, repository: str, number: int, sha: str, person: PersonId, now: datetime
) -> None:
    """Let this commit of this pull request run; the caller has checked that the person may.

    The newest approval counts, since it ends when who gave it loses write access.
    """
    key = {"repository": repository.lower(), "number": number, "head_sha": sha.lower()}
    values = {"approved_by": person, "approved_at": now}
    if not insert_if_absent(session, ApprovalRow, {**key, **values}):
        row = session.get_one(ApprovalRow, tuple(key.values()))
        row.sqlmodel_update(values)
        session.flush()


def approved_by(session: Session, repository: str, number: int, sha: str) -> PersonId | None:
    """Who approved exactly this commit of exactly this pull request; None where nobody did.

    Whether they still may is for the caller to ask.
    """
    key = (repository.lower(), number, sha.lower())
    row = session.get(ApprovalRow, key)
    return None if row is None else PersonId(row.approved_by)
