"""Deliveries note what they have begun to post."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column; of what is under way nobody knows what was tried."""
    op.add_column("deliveries", sa.Column("tried", sa.String(), nullable=True))
    op.execute("UPDATE deliveries SET tried = 'anything' WHERE finished_at IS NULL")
