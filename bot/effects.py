"""What a handled event leaves behind, written in the one transaction that marks it handled.

A job for which there is no room is answered in its place: that is found out in the transaction that
would have made it. When the line may move again is looked up outside of it, since others wait for
that transaction; see docs/decisions/0011-bounded-lines.md.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from bot.face import Busy
from bot.line import LineWatch
from bot.metrics import GatewayMetrics
from bot.room import no_room
from handlers import Invocation
from jobs.messages import Reply, say
from jobs.requests import JobRequest
from storage import audit, bounds, deliveries, inbox, ledger
from storage.audit import Entry
from storage.bounds import Bounds, Full
from storage.clock import utc_now
from storage.database import Database
from storage.ids import JobId, PersonId
from storage.inbox import Taken
from storage.ledger import NewJob
from storage.line import Line
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


@dataclass(frozen=True)
class Terms:
    """On what effects are written."""

    audit_key: bytes
    bounds: Bounds


@dataclass(frozen=True)
class Written:
    """A command line as it stands in the database."""

    spoken: Spoken
    """Its result is an answer where there was no room for its job."""
    key: str
    """Of its delivery."""
    full: Full | None = None


class NoRoom(Exception):
    """There is no room for a job, and nobody has looked when there will be; nothing is written."""

    def __init__(self, full: Full) -> None:
        """`full` is what there is too much of."""
        super().__init__(full.bound)
        self.full = full


class Effects:
    """Writes them."""

    def __init__(
        self, database: Database, metrics: GatewayMetrics, line: LineWatch, terms: Terms
    ) -> None:
        """`line` tells those for whose jobs there is no room when there may be."""
        self._database = database
        self._metrics = metrics
        self._line = line
        self._terms = terms

    async def write(self, said: Said) -> list[Written]:
        """Commit it all and count it.

        Raises:
            storage.inbox.Superseded: Somebody else handled the event; nothing is written.
        """
        try:
            written = await self._commit(said, None)
        except NoRoom as found:
            if said.invocation.pushed is not None:  # nobody is there to be told
                raise Busy("there is no room for it in the line") from found
            line = await self._line.look_for(found.full.jobs)
            written = await self._commit(said, line)
        for one in written:
            self._metrics.commands.labels(one.spoken.verb or "none", one.spoken.outcome).inc()
            if one.full is not None:
                self._metrics.no_room.labels(one.full.bound).inc()
        return written

    async def _commit(self, said: Said, line: Line | None) -> list[Written]:
        return await self._database.write(
            lambda s: commit(s, said, self._terms, utc_now(), line=line)
        )


def commit(
    session: Session, said: Said, terms: Terms, now: datetime, *, line: Line | None = None
) -> list[Written]:
    """Write jobs, answers and audit lines; what is to be delivered now.

    Raises:
        storage.inbox.Superseded: Somebody else handled the event; nothing is written.
        NoRoom: A job cannot be taken, and there is no `line` to say more about it.
    """
    inbox.finish(session, said.taken, now)
    if any(isinstance(spoken.result, Asked) for spoken in said.lines):
        bounds.hold(session)
    written = [_write(session, said, spoken, (terms.bounds, line), now) for spoken in said.lines]
    # Last, since on PostgreSQL the chain is a lock that others wait for.
    for one in written:
        entry = _entry(said.invocation, one.spoken, one.key)
        audit.append(session, terms.audit_key, entry, now)
    return written


def _write(
    session: Session, said: Said, spoken: Spoken, room: tuple[Bounds, Line | None], now: datetime
) -> Written:
    if isinstance(spoken.result, Answer):
        return Written(spoken, _write_answer(session, said, spoken, spoken.result, now))
    new, (most, line) = _new_job(said, spoken, spoken.result), room
    if said.invocation.pushed is not None and not said.invocation.wants_reviewers:
        _supersede(session, new, now)
    full = bounds.full(session, most, new)
    if full is None:
        return Written(spoken, ledger.create(session, new, now).id)
    if line is None:
        raise NoRoom(full)
    answer = Answer(no_room(full, new, line), "limited")
    refused = replace(spoken, result=answer)
    return Written(refused, _write_answer(session, said, refused, answer, now), full)


def _supersede(session: Session, new: NewJob, now: datetime) -> None:
    """Of the jobs that pushes to one pull request made, only the newest is of any use."""
    assert new.repository is not None
    assert new.number is not None
    for row in ledger.unfinished(session, new.repository, new.number):
        if Invocation.model_validate(row.invocation).pushed is not None:
            reply = say("A newer push took its place.").model_dump(mode="json")
            ledger.request_cancel(session, JobId(row.id), "a newer push", reply, now)


def _new_job(said: Said, spoken: Spoken, asked: Asked) -> NewJob:
    request, invocation = asked.request, said.invocation
    return NewJob(
        inbox_id=said.taken.id,
        line_number=spoken.number,
        verb=request.verb,
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


def _write_answer(
    session: Session, said: Said, spoken: Spoken, answer: Answer, now: datetime
) -> str:
    # The outcome is part of the key, so that a face can tell a refusal from an answer.
    key = f"answer:{said.taken.id}:{spoken.number}:{spoken.outcome}"
    place = said.invocation.place
    deliveries.open_answer(
        session,
        key,
        place.platform,
        place.model_dump(mode="json"),
        answer.reply.model_dump(mode="json"),
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
