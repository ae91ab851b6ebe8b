"""The models that may be asked, what each is the default for, and where code may go."""

from datetime import datetime

from sqlmodel import Field

from storage.database import UtcDateTime
from storage.tables.row import Row


class ModelRow(Row, table=True):
    """One model, as the operator registered it."""

    __tablename__ = "models"

    name: str = Field(primary_key=True)
    kind: str
    address: str
    """A folder, an id on the hub, or the address of an endpoint."""
    model: str | None = None
    """As the endpoint calls it."""
    ciphertext: str | None = None
    """The endpoint's key, sealed."""
    context_tokens: int | None = None
    precision: str
    memory_gb: float | None = None
    concurrency: int
    """Requests at an endpoint at one time."""
    said_on_premises: bool
    """The operator's word for an endpoint whose address does not show it."""
    is_enabled: bool
    added_at: datetime = Field(sa_type=UtcDateTime)


class ModelDefaultRow(Row, table=True):
    """The model that is asked first for one purpose."""

    __tablename__ = "model_defaults"

    purpose: str = Field(primary_key=True)
    model: str = Field(foreign_key="models.name")


class RemoteRuleRow(Row, table=True):
    """Whether code of one workspace, owner or repository may go to a remote model."""

    __tablename__ = "remote_rules"

    scope: str = Field(primary_key=True)
    """"slack:T1", "github:owner", "github:owner/name", or "*"."""
    is_allowed: bool
    updated_at: datetime = Field(sa_type=UtcDateTime)
