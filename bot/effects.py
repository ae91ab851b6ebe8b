"""What a handled event leaves behind, written in the one transaction that marks it handled."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from handlers import Invocation
from jobs.messages import Reply
from jobs.requests import JobRequest
from storage import audit, deliveries, inbox, ledger
from storage.audit import Entry
from storage.ids import JobId, PersonId
from storage.inbox import Taken
from storage.ledger import NewJob
from storage.states import Urgency

LINE_IN_AUDIT = 500


@dataclass(frozen=True)
class Answer:
    """What is said at once."""

    reply: Reply
    outcome: str
    """"answer", "error", "refused" or "limited"; for metrics and audit."""


@dataclass(frozen=True)
class Asked:
    """A job to be made."""

    request: JobRequest
    waits_for: str | None
    retry_of: JobId | None
    urgency: Urgency = Urgency.PERSON


@dataclass(frozen=True)
class Spoken:
    """One command line with what came of it."""

    verb: str
    line: str
    number: int
    result: Answer | Asked

    @property
    def outcome(self) -> str:
        """The same in one word."""
        return "job" if isinstance(self.result, Asked) else self.result.outcome


@dataclass(frozen=True)
class Said:
    """A whole message, handled."""

    taken: Taken
    invocation: Invocation
    person: PersonId
    lines: tuple[Spoken, ...]


def commit(session: Session, said: Said, audit_key: bytes, now: datetime) -> list[str]:
    """Write jobs, answers and audit lines; returns the keys of what is now to be delivered.

    Raises:
        storage.inbox.Superseded: Somebody else handled the event; nothing is written.
    """
    inbox.finish(session, said.taken, now)
    keys: list[str] = []
    for spoken in said.lines:
        if isinstance(spoken.result, Asked):
            key = _write_job(session, said, spoken, now)
        else:
            key = _write_answer(session, said, spoken, now)
        keys.append(key)
    # Last, since on PostgreSQL the chain is a lock that others wait for.
    for spoken, key in zip(said.lines, keys, strict=True):
        audit.append(session, audit_key, _entry(said.invocation, spoken, key), now)
    return keys


def _write_job(session: Session, said: Said, spoken: Spoken, now: datetime) -> str:
    asked = spoken.result
    assert isinstance(asked, Asked)
    request, invocation = asked.request, said.invocation
    new = NewJob(
        inbox_id=said.taken.id,
        line_number=spoken.number,
        verb=request.kind,
        line=spoken.line,
        queue=request.queue,
        request=request.model_dump(mode="json"),
        invocation=invocation.model_dump(mode="json"),
        person=said.person,
        platform=invocation.place.platform,
        place=invocation.place.model_dump(mode="json"),
        repository=request.source.repository,
        number=request.source.number,
        head_sha=request.source.sha,
        retry_of=asked.retry_of,
        urgency=asked.urgency,
        waits_for=asked.waits_for,
    )
    return ledger.create(session, new, now).id


def _write_answer(session: Session, said: Said, spoken: Spoken, now: datetime) -> str:
    assert isinstance(spoken.result, Answer)
    # The outcome is part of the key, so that a face can tell a refusal from an answer.
    key = f"answer:{said.taken.id}:{spoken.number}:{spoken.outcome}"
    place = said.invocation.place
    deliveries.open_answer(
        session,
        key,
        place.platform,
        place.model_dump(mode="json"),
        spoken.result.reply.model_dump(mode="json"),
        now,
    )
    return key


def _entry(invocation: Invocation, spoken: Spoken, key: str) -> Entry:
    caller, place = invocation.caller, invocation.place
    return Entry(
        actor=f"{caller.platform}:{caller.account}",
        action=spoken.verb or "message",
        subject=key,
        detail={
            "line": spoken.line[:LINE_IN_AUDIT],
            "outcome": spoken.outcome,
            "place": f"{place.workspace}/{place.channel}",
        },
    )
