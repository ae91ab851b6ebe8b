"""Approvals, the audit chain, secrets, leases, and people's and places' wishes."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column
from sqlmodel import Field

from storage.database import UtcDateTime
from storage.tables.row import Row


class ApprovalRow(Row, table=True):
    """Someone with write access let one exact commit of a fork run; the next push needs another."""

    __tablename__ = "approvals"

    repository: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    head_sha: str = Field(primary_key=True)
    approved_by: int = Field(foreign_key="people.id")
    approved_at: datetime = Field(sa_type=UtcDateTime)


class AuditRow(Row, table=True):
    """One line of the audit log; `mac` covers the row and the line before it."""

    __tablename__ = "audit"

    seq: int = Field(primary_key=True)
    at: datetime = Field(sa_type=UtcDateTime)
    actor: str
    action: str
    subject: str
    detail: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    mac: str


class SecretRow(Row, table=True):
    """A secret, encrypted."""

    __tablename__ = "secrets"

    name: str = Field(primary_key=True)
    ciphertext: str
    updated_at: datetime = Field(sa_type=UtcDateTime)


class LeaseRow(Row, table=True):
    """A role that one process at a time may hold (the leader's)."""

    __tablename__ = "leases"

    name: str = Field(primary_key=True)
    owner: str
    until: datetime = Field(sa_type=UtcDateTime)


class ConfigRow(Row, table=True):
    """A wish somebody stated with `config`."""

    __tablename__ = "config"

    scope: str = Field(primary_key=True)
    """"slack:T1:C1", "discord:812:99", "console:…", or "person:7"."""
    key: str = Field(primary_key=True)
    value: str
    updated_at: datetime = Field(sa_type=UtcDateTime)


class CheckoutGrantRow(Row, table=True):
    """A sealed read-only token for one repository, for the worker that runs the job."""

    __tablename__ = "checkout_grants"

    job_id: str = Field(foreign_key="jobs.id", primary_key=True)
    ciphertext: str
    expires_at: datetime = Field(sa_type=UtcDateTime)
