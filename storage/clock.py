"""The time, always aware and UTC."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)
