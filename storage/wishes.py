"""Wishes: what people and places stated with `config`, by scope and key."""

from datetime import datetime

from sqlmodel import Session, col, delete, select

from storage.database import insert_if_absent
from storage.tables.trust import ConfigRow


def get(session: Session, scope: str, key: str) -> str | None:
    """What was wished in this very scope; None when nothing was."""
    row = session.get(ConfigRow, (scope, key))
    return None if row is None else row.value


def put(session: Session, scope: str, key: str, value: str, now: datetime) -> None:
    """State a wish; it replaces the earlier one."""
    values = {"value": value, "updated_at": now}
    if not insert_if_absent(session, ConfigRow, {"scope": scope, "key": key, **values}):
        session.get_one(ConfigRow, (scope, key)).sqlmodel_update(values)
        session.flush()


def unset(session: Session, scope: str, key: str) -> bool:
    """Forget a wish; False when there was none."""
    session.flush()
    gone = session.exec(
        delete(ConfigRow).where(col(ConfigRow.scope) == scope, col(ConfigRow.key) == key)
    )
    return gone.rowcount == 1


def of_scope(session: Session, scope: str) -> dict[str, str]:
    """Every wish of a scope, by key in alphabetical order."""
    found = select(ConfigRow).where(ConfigRow.scope == scope).order_by(col(ConfigRow.key))
    return {row.key: row.value for row in session.exec(found)}
