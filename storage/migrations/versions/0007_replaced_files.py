"""Files that Apply writes over know what they were made from."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the column; files of before are new ones, which replace nothing."""
    op.add_column("artifacts", sa.Column("replaces", sa.String(), nullable=True))
