"""The line: how urgent a job is, and what orders and counts jobs without reading them all."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the class of a job and two indexes."""
    urgency = sa.Column("urgency", sa.Integer(), nullable=False, server_default=sa.text("0"))
    op.add_column("jobs", urgency)
    op.create_index("ix_jobs_line", "jobs", ["state", "queue", "person_id", "repository"])
    op.create_index("ix_jobs_started_at", "jobs", ["started_at"])
