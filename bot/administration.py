"""What the operator changes from the command line: roles, and tokens that are refused.

Whoever can run it can read the home folder's keys, and so is the operator already. Everything is
written to the audit log in the transaction that does it.
"""

import re
from collections.abc import Callable
from typing import TypeVar

from sqlmodel import Session

from bot.auditing import note_head
from bot.auth import ApiKeys, Role, holder_of, role_of_tier
from bot.console.client import local_user
from bot.settings import GatewaySettings
from handlers import Platform
from storage import audit, console, people
from storage.audit import Entry
from storage.clock import utc_now
from storage.database import Database
from storage.ids import PersonId
from storage.migrations.run import current, newest
from storage.people import EVERYWHERE

T = TypeVar("T")
_PLATFORMS = "|".join(Platform)
_WORKSPACE = re.compile(rf"\*|(?:{_PLATFORMS}):[\w.@-]{{1,128}}(?:/[\w.-]{{1,128}})?", re.ASCII)
_ACCOUNT = re.compile(rf"({_PLATFORMS}):(\S{{1,128}})", re.ASCII)


class Misused(Exception):
    """What was asked for makes no sense; the message says why."""


def grant(settings: GatewaySettings, who: str, role: Role, workspace: str) -> str:
    """Give a person a role in a workspace; says what holds from now on. Raises Misused."""
    scope = scope_of(workspace)

    def work(session: Session) -> tuple[Entry, str]:
        person = _person(session, who, make=True)
        people.grant(session, person, scope, role.tier, _operator(session), utc_now())
        if not who.isdecimal():
            people.given_to(session, person, scope, who)
        entry = entry_of("role.grant", f"person:{person}", role=role.value, scope=scope)
        return entry, f"{_described(session, person)} is {role} in {scope}."

    return changed(settings, work)


def revoke(settings: GatewaySettings, who: str, workspace: str) -> str:
    """Take a role back; says what holds from now on. Raises Misused."""
    scope = scope_of(workspace)

    def work(session: Session) -> tuple[Entry, str]:
        person = _person(session, who, make=False)
        if not people.revoke(session, person, scope):
            raise Misused(f"{_described(session, person)} has no role in {scope}.")
        entry = entry_of("role.revoke", f"person:{person}", scope=scope)
        return entry, f"{_described(session, person)} has no role in {scope} any more."

    return changed(settings, work)


def roles(settings: GatewaySettings, who: str | None) -> str:
    """The roles of a person or of everybody, one a line; those without one are named too."""

    def work(session: Session) -> str:
        chosen = [_person(session, who, make=False)] if who else people.everybody(session)
        lines: list[str] = []
        for person in chosen:
            held = [
                f"{role_of_tier(each.tier)} in {each.scope}"
                for each in people.roles(session, person)
            ]
            lines.append(f"{_described(session, person)}: {', '.join(held) or 'no role'}")
        return "\n".join(lines) or "Nobody has been seen yet."

    return with_database(settings, lambda database: database.read_now(work))


def refuse_token(settings: GatewaySettings, token_or_id: str) -> str:
    """Refuse one token from now on, and what was asked for with it. Raises Misused."""
    try:
        gone = ApiKeys(settings.home).revoke(token_or_id)
    except ValueError as error:
        raise Misused(str(error)) from error
    account = f"api:{holder_of(gone)}"
    if not is_migrated(settings):
        return f"{gone} is refused from now on."

    def work(session: Session) -> tuple[Entry, str]:
        console.forget(session, utc_now(), account)
        return entry_of("token.revoke", gone), f"{gone} is refused from now on."

    return changed(settings, work)


def forget_tokens(settings: GatewaySettings) -> None:
    """After keys were retired: what was asked for with their tokens does not start any more."""
    if not is_migrated(settings):
        return

    def work(session: Session) -> tuple[Entry, str]:
        console.forget(session, utc_now())
        return entry_of("token.retire", "keys"), ""

    changed(settings, work)


def changed(settings: GatewaySettings, work: Callable[[Session], tuple[Entry, str]]) -> str:
    """Do it with its audit line in one transaction, and anchor that. Raises Misused."""
    key = audit.load_key(settings.home)

    def both(session: Session) -> str:
        entry, said = work(session)
        audit.append(session, key, entry, utc_now())
        return said

    def run(database: Database) -> str:
        said = database.write_now(both)
        note_head(settings, database)
        return said

    return with_database(settings, run)


def require_tables(settings: GatewaySettings) -> None:
    """Raises Misused where the database has no tables of this version."""
    if not is_migrated(settings):
        raise Misused("The database has no tables of this version yet: `gryph migrate`.")


def with_database(settings: GatewaySettings, run: Callable[[Database], T]) -> T:
    """Do something with the database. Raises Misused as `require_tables`."""
    require_tables(settings)
    database = Database(settings.sql_url)
    try:
        return run(database)
    finally:
        database.close()


def is_migrated(settings: GatewaySettings) -> bool:
    """Whether there is a database with the tables of this version."""
    if settings.database_url is None and not (settings.home / "gryph.db").exists():
        return False
    return current(settings.sql_url) == newest()


def scope_of(workspace: str) -> str:
    """A workspace as it was typed, if it is one. Raises Misused."""
    if not _WORKSPACE.fullmatch(workspace):
        raise Misused(
            f"Not a workspace: {workspace!r}. It is slack:TEAM, discord:SERVER, github:OWNER, "
            f"github:OWNER/NAME, console:local, or {EVERYWHERE} for all."
        )
    return workspace


def _person(session: Session, who: str, *, make: bool) -> PersonId:
    """By number, or by "platform:account" where the account is the platform's stable id."""
    if who.isdecimal():
        person = PersonId(int(who))
        if people.exists(session, person):
            return person
        raise Misused(f"There is no person {who}; `gryph role list` shows who was seen.")
    account = _ACCOUNT.fullmatch(who)
    if account is None:
        raise Misused(
            f"Not a person: {who!r}. Say a number from `gryph role list`, or an account like "
            "github:583231 or slack:U024BE7LH."
        )
    platform, name = account[1], account[2]
    found = people.find_person(session, platform=platform, account=name)
    if found is not None:
        return found
    if not make:
        raise Misused(f"{who} was never seen here.")
    return people.person_of(session, platform=platform, account=name, name=name, now=utc_now())


def _operator(session: Session) -> PersonId:
    user = local_user()
    return people.person_of(
        session, platform=Platform.CONSOLE, account=f"api:{user}", name=user, now=utc_now()
    )


def _described(session: Session, person: PersonId) -> str:
    held = people.accounts_of(session, person)
    names = ", ".join(f"{each.platform}:{each.account} ({each.name})" for each in held)
    return f"{person} {names}"


def entry_of(action: str, subject: str, **detail: str) -> Entry:
    """A line of the audit log on what the operator does here."""
    return Entry(f"console:api:{local_user()}", action, subject, detail)
