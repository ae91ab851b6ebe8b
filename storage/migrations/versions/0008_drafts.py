"""Drafts of running jobs; deliveries know which one is shown, and since when."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the table and two columns; of what was shown before nobody knows when."""
    op.create_table(
        "drafts",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"]),
        sa.PrimaryKeyConstraint("job_id"),
    )
    shown = sa.Column("shown_draft", sa.Integer(), nullable=False, server_default=sa.text("0"))
    op.add_column("deliveries", shown)
    op.add_column("deliveries", sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True))
