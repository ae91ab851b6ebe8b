"""People: who an account is, what they may do, and how two accounts become one person."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, insert
from sqlmodel import Session, col, delete, select, update

from storage.database import insert_if_absent
from storage.ids import CROCKFORD, PersonId
from storage.tables.feedback import FeedbackRow
from storage.tables.jobs import JobRow
from storage.tables.matching import AbsenceRow, MatchRow
from storage.tables.people import AccountRow, LinkCodeRow, PersonRow, RoleRow
from storage.tables.sessions import WebSessionRow
from storage.tables.trust import ApprovalRow, ConfigRow

EVERYWHERE = "*"
"""The scope of a role that counts in every place."""
LINK_TTL_S = 600
LINK_DIGITS = 8


class LinkRefused(Exception):
    """Two accounts were not joined; the message tells the person why."""


@dataclass(frozen=True)
class Account:
    """One platform's account of a person."""

    platform: str
    account: str
    name: str


def person_of(
    session: Session, *, platform: str, account: str, name: str, now: datetime
) -> PersonId:
    """The person behind an account, made on first sight; follows the account's display name."""
    row = _account(session, platform, account)
    if row is None:
        return _new_person(session, Account(platform, account, name), now)
    if row.name != name:
        row.name = name
        session.flush()
    return PersonId(row.person_id)


def accounts_of(session: Session, person: PersonId) -> list[Account]:
    """Every account of a person, the first one first."""
    found = select(AccountRow).where(AccountRow.person_id == person).order_by(col(AccountRow.id))
    return [Account(row.platform, row.account, row.name) for row in session.exec(found)]


def tier_in(session: Session, person: PersonId, scopes: Sequence[str]) -> int | None:
    """The highest tier granted in any of the scopes or everywhere; None where nothing was."""
    return session.exec(
        select(func.max(RoleRow.tier)).where(
            RoleRow.person_id == person, col(RoleRow.scope).in_({*scopes, EVERYWHERE})
        )
    ).one()


def grant(
    session: Session, person: PersonId, scope: str, tier: int, by: PersonId, now: datetime
) -> None:
    """Give a person a tier in one scope, whatever they had there before."""
    values = {"tier": tier, "granted_by": by, "granted_at": now, "account": None}
    if not insert_if_absent(session, RoleRow, {"person_id": person, "scope": scope, **values}):
        row = session.get_one(RoleRow, (person, scope))
        row.sqlmodel_update(values)
        session.flush()


def given_to(session: Session, person: PersonId, scope: str, account: str) -> None:
    """Note that a role was given to one account ("github:7"): it goes with it in `unlink`."""
    session.get_one(RoleRow, (person, scope)).account = account
    session.flush()


def revoke(session: Session, person: PersonId, scope: str) -> bool:
    """Take back what was granted in one scope; False when nothing was."""
    session.flush()
    gone = session.exec(
        delete(RoleRow).where(col(RoleRow.person_id) == person, col(RoleRow.scope) == scope)
    )
    return gone.rowcount == 1


@dataclass(frozen=True)
class Granted:
    """A role as it was given."""

    person: PersonId
    scope: str
    tier: int
    granted_at: datetime


def roles(session: Session, person: PersonId | None = None) -> list[Granted]:
    """What was granted to a person, or to everybody."""
    found = select(RoleRow).order_by(col(RoleRow.person_id), col(RoleRow.scope))
    if person is not None:
        found = found.where(RoleRow.person_id == person)
    return [
        Granted(PersonId(row.person_id), row.scope, row.tier, row.granted_at)
        for row in session.exec(found)
    ]


def find_person(session: Session, *, platform: str, account: str) -> PersonId | None:
    """The person behind an account that has been seen."""
    row = _account(session, platform, account)
    return None if row is None else PersonId(row.person_id)


def account_called(session: Session, platform: str, name: str) -> tuple[PersonId, Account] | None:
    """Who has an account of this name, whatever its case; of several the one seen last."""
    found = session.exec(
        select(AccountRow)
        .where(AccountRow.platform == platform, func.lower(AccountRow.name) == name.lower())
        .order_by(col(AccountRow.id).desc())
        .limit(1)
    ).first()
    if found is None:
        return None
    return PersonId(found.person_id), Account(found.platform, found.account, found.name)


def called(session: Session, platform: str, name: str) -> list[PersonId]:
    """Everybody who has an account of this name, whatever its case."""
    found = select(AccountRow.person_id).where(
        AccountRow.platform == platform, func.lower(AccountRow.name) == name.lower()
    )
    return [PersonId(person) for person in session.exec(found.distinct())]


def everybody(session: Session, limit: int = 200) -> list[PersonId]:
    """The people that have been seen, the newest first."""
    found = select(PersonRow.id).order_by(col(PersonRow.id).desc()).limit(limit)
    return [PersonId(number) for number in session.exec(found) if number is not None]


def exists(session: Session, person: PersonId) -> bool:
    """Whether there is such a person."""
    return session.get(PersonRow, person) is not None


def start_link(session: Session, person: PersonId, meant: str, now: datetime) -> str:
    """A code that the account `meant` may enter within ten minutes; replaces the person's last one.

    `meant` is "platform:account", or "github:login".
    """
    session.exec(
        delete(LinkCodeRow).where(
            (col(LinkCodeRow.person_id) == person) | (col(LinkCodeRow.expires_at) <= now)
        )
    )
    code = "".join(secrets.choice(CROCKFORD) for _ in range(LINK_DIGITS))
    expires_at = now + timedelta(seconds=LINK_TTL_S)
    row = LinkCodeRow(digest=_digest(code, meant), person_id=person, expires_at=expires_at)
    session.add(row)
    session.flush()
    return code


def offered_by(session: Session, code: str, entered_by: str, now: datetime) -> PersonId:
    """Who asked for a code that this account may enter. Raises LinkRefused."""
    row = session.get(LinkCodeRow, _digest(code, entered_by))
    if row is None:
        raise LinkRefused(
            "This code is not known, is another account's, or was used already. Ask for a new one."
        )
    if row.expires_at <= now:
        raise LinkRefused("This code has expired. Ask for a new one; it is good for ten minutes.")
    return PersonId(row.person_id)


def finish_link(
    session: Session, code: str, entered_by: str, person: PersonId, now: datetime
) -> PersonId:
    """Join the caller with the person who started the code, and return who they are from now on.

    Raises:
        LinkRefused: The code is unknown, used, expired, for another account, or the caller's own.
    """
    row = session.get(LinkCodeRow, _digest(code, entered_by))
    if row is not None:
        _hold(session, PersonId(row.person_id), person)
        session.expire(row)
    kept = offered_by(session, code, entered_by, now)
    if kept == person:
        raise LinkRefused("This code is your own: enter it from the account you want to add.")
    _merge(session, kept, person)
    return kept


def unlink(session: Session, person: PersonId, account: Account, now: datetime) -> bool:
    """Make an account of a person somebody of its own again; False where it is their only one.

    What was done under it stays where it is; a role that was given to it goes with it.
    """
    row = _account(session, account.platform, account.account)
    if row is None or row.person_id != person or len(accounts_of(session, person)) == 1:
        return False
    made = session.connection().execute(insert(PersonRow).values(name=row.name, created_at=now))
    assert made.inserted_primary_key is not None
    row.person_id = int(made.inserted_primary_key[0])
    session.flush()
    its = col(RoleRow.account) == f"{account.platform}:{account.account}"
    moved = update(RoleRow).where(col(RoleRow.person_id) == person, its)
    session.exec(moved.values(person_id=row.person_id))
    _log_out(session, account, row.person_id)
    return True


def _log_out(session: Session, account: Account, person: int) -> None:
    """What was logged in on the web under an account ends, and goes with the account."""
    on_web = f"web:{account.platform}:{account.account}"
    session.exec(delete(WebSessionRow).where(col(WebSessionRow.account) == on_web))
    session.exec(
        update(AccountRow).where(col(AccountRow.account) == on_web).values(person_id=person)
    )


def join(session: Session, kept: PersonId, other: PersonId) -> PersonId:
    """Make two people one who has proven to be both; returns who they are from now on.

    Raises:
        LinkRefused: One of them was joined elsewhere meanwhile.
    """
    if kept != other:
        _merge(session, kept, other)
    return kept


def add_account(session: Session, person: PersonId, account: Account, now: datetime) -> None:
    """Say that an account is this person's, whoever's it was."""
    values = {
        "person_id": person,
        "platform": account.platform,
        "account": account.account,
        "name": account.name,
        "linked_at": now,
    }
    if not insert_if_absent(session, AccountRow, values):
        held = col(AccountRow.platform) == account.platform
        mine = update(AccountRow).where(held, col(AccountRow.account) == account.account)
        session.exec(mine.values(person_id=person, name=account.name))


def _hold(session: Session, *people: PersonId) -> None:
    """Lock the people, always in the same order, so that crossed links wait instead of dying."""
    held = select(PersonRow).where(col(PersonRow.id).in_(people)).order_by(col(PersonRow.id))
    session.exec(held.with_for_update()).all()


def _account(session: Session, platform: str, account: str) -> AccountRow | None:
    return session.exec(
        select(AccountRow).where(AccountRow.platform == platform, AccountRow.account == account)
    ).one_or_none()


def _new_person(session: Session, account: Account, now: datetime) -> PersonId:
    made = session.connection().execute(insert(PersonRow).values(name=account.name, created_at=now))
    assert made.inserted_primary_key is not None
    person = PersonId(int(made.inserted_primary_key[0]))
    values = {
        "person_id": person,
        "platform": account.platform,
        "account": account.account,
        "name": account.name,
        "linked_at": now,
    }
    insert_if_absent(session, AccountRow, values)
    row = _account(session, account.platform, account.account)
    assert row is not None
    if row.person_id != person:  # a transaction that has ended meanwhile saw the account first
        session.exec(delete(PersonRow).where(col(PersonRow.id) == person))
    return PersonId(row.person_id)


def _digest(code: str, meant: str) -> str:
    """Of the code as Crockford reads it (case, spaces and dashes do not matter, O is 0, I is 1)
    and of the account it is for.
    """
    spelled = code.upper().replace(" ", "").replace("-", "")
    read = spelled.translate(str.maketrans("OIL", "011"))
    return hashlib.sha256(f"{read}\0{meant.strip().lower()}".encode()).hexdigest()


def _merge(session: Session, kept: PersonId, gone: PersonId) -> None:
    """Give everything of `gone` to `kept`. Whoever writes for `gone` meanwhile is made to wait."""
    both = select(PersonRow).where(col(PersonRow.id).in_((kept, gone)))
    people = session.exec(both.order_by(col(PersonRow.id)).with_for_update()).all()
    if len(people) != len({kept, gone}):
        raise LinkRefused("One of the accounts was linked elsewhere meanwhile. Ask for a new code.")
    session.exec(delete(LinkCodeRow).where(col(LinkCodeRow.person_id).in_((kept, gone))))
    _merge_roles(session, kept, gone)
    _merge_votes(session, kept, gone)
    _merge_wishes(session, kept, gone)
    _merge_absences(session, kept, gone)
    _repoint(session, kept, gone)
    session.exec(delete(PersonRow).where(col(PersonRow.id) == gone))
    session.expire_all()


def _repoint(session: Session, kept: PersonId, gone: PersonId) -> None:
    for references in (
        update(AccountRow).where(col(AccountRow.person_id) == gone).values(person_id=kept),
        update(JobRow).where(col(JobRow.person_id) == gone).values(person_id=kept),
        update(ApprovalRow).where(col(ApprovalRow.approved_by) == gone).values(approved_by=kept),
        update(RoleRow).where(col(RoleRow.granted_by) == gone).values(granted_by=kept),
        update(WebSessionRow).where(col(WebSessionRow.person_id) == gone).values(person_id=kept),
        update(MatchRow).where(col(MatchRow.decided_by) == gone).values(decided_by=kept),
    ):
        session.exec(references)


def _merge_roles(session: Session, kept: PersonId, gone: PersonId) -> None:
    for role in session.exec(select(RoleRow).where(RoleRow.person_id == gone)).all():
        if not insert_if_absent(session, RoleRow, {**role.model_dump(), "person_id": kept}):
            held = session.get_one(RoleRow, (kept, role.scope))
            if held.tier < role.tier:
                held.sqlmodel_update(role.model_dump(exclude={"person_id"}))
        session.delete(role)
    session.flush()


def _merge_votes(session: Session, kept: PersonId, gone: PersonId) -> None:
    """Where both voted on the same job, the later vote counts."""
    for vote in session.exec(select(FeedbackRow).where(FeedbackRow.person_id == gone)).all():
        if not insert_if_absent(session, FeedbackRow, {**vote.model_dump(), "person_id": kept}):
            held = session.get_one(FeedbackRow, (vote.job_id, kept))
            if held.at < vote.at:
                held.sqlmodel_update(vote.model_dump(exclude={"person_id"}))
        session.delete(vote)
    session.flush()


def _merge_wishes(session: Session, kept: PersonId, gone: PersonId) -> None:
    """What `kept` wished wins."""
    for wish in session.exec(select(ConfigRow).where(ConfigRow.scope == f"person:{gone}")).all():
        moved = {**wish.model_dump(), "scope": f"person:{kept}"}
        insert_if_absent(session, ConfigRow, moved)
        session.delete(wish)
    session.flush()


def _merge_absences(session: Session, kept: PersonId, gone: PersonId) -> None:
    """Whoever is away is away under each of their names."""
    for absence in session.exec(select(AbsenceRow).where(AbsenceRow.person_id == gone)).all():
        moved = absence.model_dump(exclude={"id"}) | {"person_id": kept}
        insert_if_absent(session, AbsenceRow, moved)
        session.delete(absence)
    session.flush()
