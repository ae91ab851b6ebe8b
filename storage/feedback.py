"""Votes on results: what people thought of a job."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, delete, select

from storage.database import insert_if_absent
from storage.ids import ArtifactId, JobId, PersonId
from storage.tables.feedback import FeedbackRow

_PRAISE = {
    *("+1", "thumbsup", "thumbs_up", "👍", "heart", "❤", "tada", "hooray", "🎉", "rocket", "🚀"),
    *("clap", "👏", "100", "💯"),
}
_BLAME = {"-1", "thumbsdown", "thumbs_down", "👎", "confused", "😕"}
_VARIATION_SELECTOR = "\ufe0f"
_SKIN_TONES = "🏻🏼🏽🏾🏿"


@dataclass(frozen=True)
class Vote:
    """What somebody thought. `source` is what a later removal names: "reaction:+1", "button"."""

    value: int
    """+1 or -1."""
    source: str
    comment: str = ""
    artifact: ArtifactId | None = None
    """The one file that is meant, when it is not the whole result."""


@dataclass(frozen=True)
class Tally:
    """How many people liked a job's result and how many did not."""

    up: int
    down: int


def vote(session: Session, job: JobId, person: PersonId, said: Vote, now: datetime) -> None:
    """Note a person's vote on a job; it replaces their earlier one."""
    if said.value not in (1, -1):
        raise ValueError(f"a vote is +1 or -1, not {said.value}")
    values = {
        "value": said.value,
        "source": said.source,
        "comment": said.comment,
        "artifact_id": said.artifact,
        "at": now,
    }
    if not insert_if_absent(session, FeedbackRow, {"job_id": job, "person_id": person, **values}):
        session.get_one(FeedbackRow, (job, person)).sqlmodel_update(values)
        session.flush()


def retract(session: Session, job: JobId, person: PersonId, source: str) -> bool:
    """Remove a person's vote if this source made it; False when another one did, or none."""
    session.flush()
    gone = session.exec(
        delete(FeedbackRow).where(
            col(FeedbackRow.job_id) == job,
            col(FeedbackRow.person_id) == person,
            col(FeedbackRow.source) == source,
        )
    )
    return gone.rowcount == 1


def tally(session: Session, job: JobId) -> Tally:
    """Count a job's votes."""
    counted = select(FeedbackRow.value, func.count()).where(FeedbackRow.job_id == job)
    counts = dict(session.exec(counted.group_by(col(FeedbackRow.value))).all())
    return Tally(counts.get(1, 0), counts.get(-1, 0))


def emoji_value(emoji: str) -> int | None:
    """How an emoji votes, +1 or -1, by any platform's name for it; None where it says nothing.

    Slack writes "+1" or "thumbsup::skin-tone-3", Discord the character itself, GitHub "+1",
    "hooray" or, in GraphQL, "THUMBS_UP".
    """
    name = emoji.strip(":").partition("::skin-tone-")[0].partition(":skin-tone-")[0].lower()
    name = name.rstrip(_SKIN_TONES + _VARIATION_SELECTOR)
    if name in _PRAISE:
        return 1
    return -1 if name in _BLAME else None
