"""Which job was the last of its kind in a thread."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from storage.ids import JobId
from storage.states import JobState
from storage.tables.deliveries import DeliveryRow
from storage.tables.jobs import JobRow

LOOKED_BACK = timedelta(days=14)
LOOKED_AT = 50
"""Jobs of the channel, newest first."""


def latest_in_thread(
    session: Session,
    verb: str,
    place: Mapping[str, Any],
    now: datetime,
    *,
    is_meant: Callable[[JobRow], bool] | None = None,
) -> JobId | None:
    """The newest finished job of `verb`, of those that are meant, whose command or answer stands
    in the thread of `place` (a `handlers.Place` as it is kept); None outside of threads.
    """
    thread = place.get("thread")
    if thread is None:
        return None
    invocation = col(JobRow.invocation)
    rows = session.exec(
        select(JobRow, DeliveryRow)
        .join(DeliveryRow, col(DeliveryRow.job_id) == col(JobRow.id))
        .where(
            JobRow.verb == verb,
            JobRow.state == JobState.SUCCEEDED,
            col(JobRow.created_at) > now - LOOKED_BACK,
            DeliveryRow.platform == place["platform"],
            invocation["place"]["channel"].as_string() == place["channel"],
            invocation["place"]["workspace"].as_string() == place["workspace"],
        )
        .order_by(col(JobRow.created_at).desc())
        .limit(LOOKED_AT)
    )
    return next(
        (
            JobId(job.id)
            for job, delivery in rows
            if thread in _threads(job, delivery) and (is_meant is None or is_meant(job))
        ),
        None,
    )


def _threads(job: JobRow, delivery: DeliveryRow) -> set[Any]:
    """By what name, on its platform, the thread of a job may be known."""
    place = job.invocation["place"]
    data = (delivery.status or {}).get("data", {})
    return {place.get("thread"), place.get("message"), data.get("thread"), data.get("ts")} - {None}
