"""What a reaction on one of our messages leaves behind: a vote on its job, while it stands."""

from sqlmodel import Session

from handlers import Reaction
from storage import deliveries, feedback, people
from storage.clock import utc_now
from storage.feedback import Vote
from storage.ids import JobId


def count(session: Session, reaction: Reaction) -> None:
    """Count the vote, or take it back; emoji of no value, and those of bots, are none."""
    value = feedback.emoji_value(reaction.emoji)
    message = deliveries.message_about(session, reaction.message_key)
    if value is None or message is None or message.job_id is None or reaction.caller.is_bot:
        return
    caller, job = reaction.caller, JobId(message.job_id)
    person = people.person_of(
        session, platform=caller.platform, account=caller.account, name=caller.name, now=utc_now()
    )
    source, at = f"reaction:{reaction.emoji}", reaction.happened_at or reaction.received_at
    if reaction.added:
        feedback.vote(session, job, person, Vote(value, source), at)
    else:
        feedback.retract(session, job, person, source, at)
