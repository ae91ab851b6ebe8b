"""Roles know the account they were given to."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column; of a role given before nobody knows any more, so it stays with its person."""
    op.add_column("roles", sa.Column("account", sa.String(), nullable=True))
