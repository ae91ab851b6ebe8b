"""Votes on results: what people thought of a job."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from storage.database import insert_if_absent
from storage.ids import ArtifactId, JobId, PersonId
from storage.tables.feedback import FeedbackRow

RETRACTED = 0
"""Stands for a vote that was taken back."""
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


def vote(session: Session, job: JobId, person: PersonId, said: Vote, at: datetime) -> None:
    """Note a person's vote on a job, cast at that time; it replaces an earlier one, not a later."""
    if said.value not in (1, -1):
        raise ValueError(f"a vote is +1 or -1, not {said.value}")
    values = {
        "value": said.value,
        "source": said.source,
        "comment": said.comment,
        "artifact_id": said.artifact,
        "at": at,
    }
    if not insert_if_absent(session, FeedbackRow, {"job_id": job, "person_id": person, **values}):
        row = session.get_one(FeedbackRow, (job, person))
        if row.at <= at:
            row.sqlmodel_update(values)
            session.flush()


def retract(session: Session, job: JobId, person: PersonId, source: str, at: datetime) -> bool:
    """Take a person's vote back if this source made it before; False when none is left by it.

    That it was taken back stays: the vote itself may be told later than its end.
    """
    values = {"value": RETRACTED, "source": source, "comment": "", "artifact_id": None, "at": at}
    if insert_if_absent(session, FeedbackRow, {"job_id": job, "person_id": person, **values}):
        return False
    row = session.get_one(FeedbackRow, (job, person))
    if row.source != source or row.at > at or row.value == RETRACTED:
        return False
    row.sqlmodel_update(values)
    session.flush()
    return True


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
