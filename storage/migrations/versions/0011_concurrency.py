"""How many requests an endpoint takes at one time."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the column: 8 for the models that are there, as many as every endpoint took before."""
    column = sa.Column("concurrency", sa.Integer(), nullable=False, server_default=sa.text("8"))
    op.add_column("models", column)
