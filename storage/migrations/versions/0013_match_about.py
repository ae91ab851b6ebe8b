"""What a task was about for which somebody was named, to know others by that are like it."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the column; of what was suggested before nobody knows any more what it was about."""
    column = sa.Column("about", sa.JSON(), nullable=False, server_default=sa.text("'{}'"))
    op.add_column("matches", column)
