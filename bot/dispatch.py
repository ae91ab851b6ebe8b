"""From an accepted event to its effects: parse, permission, rate limit, handler, one commit.

An event is handled at least once and its effects are committed once: the commit that writes the
jobs and answers also marks the event handled, under a fencing attempt number. Edge of the process
for exceptions of handlers: `UserError` is the answer; anything else is logged with the event's id
and tried again, and after three tries the person is told.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from bot import commands as registry
from bot import quiet
from bot.checkpoint import checkpoint
from bot.effects import Answer, Asked, Effects, Said, Spoken, Terms
from bot.face import Busy, Face
from bot.grammar import GrammarError, find_lines, parse, read_target, snippets_of
from bot.grammar.lines import LIMIT, Lines
from bot.intake import DurableIntake
from bot.limits import Limits
from bot.line import LineWatch, place_in_words
from bot.metrics import GatewayMetrics
from bot.misreadings import misread, understood
from bot.pushes import Pushes
from bot.quotas import Quotas
from bot.standings import Speaker, Standings
from bot.trigger import Trigger
from bot.wishes.reading import RepositoryFiles
from handlers import (
    Call,
    Command,
    Context,
    Invocation,
    Platform,
    RepositoryWriter,
    Standing,
    Tier,
    UserError,
)
from jobs.messages import Action, Actions, Reply, Text, say
from jobs.requests import Source, request_adapter
from storage import inbox, ledger, people, traces
from storage.bounds import Bounds
from storage.clock import utc_now
from storage.database import Database
from storage.ids import ArtifactId, JobId, PersonId
from storage.inbox import Superseded, Taken
from storage.ledger import Ending, Ring
from storage.redaction import Redactor
from storage.states import JobState
from storage.tables.jobs import JobRow

log = structlog.get_logger()

SWEEP_S = 1.0
SOON_S = 0.05
"""Between two looks for events while there are more than can be held."""
LEAST_TAKEN = 16
"""Room for so many has to be there before more are taken."""
KEEP_S = inbox.LEASE_S / 3
"""Events are held on to every so many seconds."""
HANDLED_S = 60.0
"""The most one event may take: nothing in it should, and it is tried again."""
AT_ONCE = 16
"""Events handled side by side."""
TRIES = 3
TRIED_FOR = timedelta(minutes=2)
"""What fails is tried for so long at least: a try also counts that ended with its gateway."""
LONGEST_WAIT_S = 60.0
BUSY_FOR = timedelta(hours=1)
"""How long a platform that does not answer is asked again before the person is told."""
LONG_TEXT = 10_000
FRESH_S = 20.0
"""A permission checked this recently is not asked for again."""


@dataclass(frozen=True)
class Surroundings:
    """What the dispatcher was composed with."""

    database: Database
    faces: Mapping[Platform, Face]
    limits: Limits
    metrics: GatewayMetrics
    audit_key: bytes
    read_artifact: Callable[[ArtifactId], Awaitable[bytes]]
    repositories: Mapping[str, str]
    per_hour: tuple[int, int, int]
    """Commands per hour for a person, a workspace and a repository."""
    bounds: Bounds = field(default_factory=Bounds)
    redactor: Redactor = field(default_factory=Redactor)
    """What commands pass before they are kept."""


class Dispatcher:
    """Handles events; several gateways may run one each."""

    def __init__(
        self,
        surroundings: Surroundings,
        intake: DurableIntake,
        *,
        on_jobs: Callable[[], None],
        on_deliveries: Callable[[str], None],
    ) -> None:
        """`on_jobs` and `on_deliveries` (with a delivery's key) wake the loops that go on."""
        self._around = surroundings
        self._line = LineWatch(surroundings.database)
        terms = Terms(surroundings.audit_key, surroundings.bounds)
        self._effects = Effects(surroundings.database, surroundings.metrics, self._line, terms)
        self._intake = intake
        self._on_jobs = on_jobs
        self._on_deliveries = on_deliveries
        self._standings = Standings(
            surroundings.database, surroundings.faces, surroundings.repositories
        )
        host = surroundings.faces.get(Platform.GITHUB)
        self._quotas = Quotas(surroundings.limits, surroundings.per_hour, surroundings.metrics)
        self._trigger = Trigger(surroundings.faces)
        self._wishes = RepositoryFiles(None if host is None else host.host)
        self._pushes = Pushes(
            None if host is None else host.host,
            self._trigger,
            self._wishes,
            self._standings,
            self._quotas,
            surroundings.database,
        )
        self._writers: dict[Platform, RepositoryWriter] = {
            platform: face.writer
            for platform, face in surroundings.faces.items()
            if face.writer is not None
        }

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._sweep())
            group.create_task(self._keep())
            for _ in range(AT_ONCE):
                group.create_task(self._consume())

    async def _consume(self) -> None:
        while True:
            async with self._intake.next() as taken:
                await self._intake.calm()
                await self.handle(taken)
            checkpoint()

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(KEEP_S)
            try:
                await self._intake.keep()
            except SQLAlchemyError as error:
                log.warning("inbox out of reach", error=str(error))

    async def _sweep(self) -> None:
        """Take events that nobody holds: left over from a burst, or from a handler that died."""
        while True:
            room = self._intake.room
            if room >= LEAST_TAKEN:
                self._intake.older_wait = await self._take_due(room) == room
            is_full = room < LEAST_TAKEN or self._intake.older_wait
            await asyncio.sleep(SOON_S if is_full else SWEEP_S)

    async def _take_due(self, most: int) -> int:
        try:
            due = await self._around.database.write(
                lambda s: inbox.take_due(s, utc_now(), most, holder=self._intake.holder)
            )
        except SQLAlchemyError as error:
            log.warning("inbox out of reach", error=str(error))
            return 0
        for taken in due:
            self._intake.hold(taken)
        return len(due)

    async def handle(self, taken: Taken) -> None:
        """Handle one event; never raises but for cancellation."""
        parent = taken.payload.get("traceparent")
        with (
            structlog.contextvars.bound_contextvars(inbox=taken.id),
            traces.span("handle", parent=parent, inbox=taken.id, attempt=taken.attempt) as span,
        ):
            await self._handle(taken, span.traceparent)

    async def _handle(self, taken: Taken, traceparent: str | None) -> None:
        try:
            async with asyncio.timeout(HANDLED_S):
                if taken.payload["kind"] in quiet.KINDS:
                    await self._note(taken)
                else:
                    heard = {**taken.payload, "traceparent": traceparent}
                    await self._invoke(taken, Invocation.model_validate(heard))
        except Superseded:
            log.info("event handled elsewhere", inbox=taken.id)
        except ValidationError as error:  # written by another version; no try will read it
            log.exception("event not readable", inbox=taken.id)
            await self._drop(taken, repr(error))
        except Busy as busy:
            wait_s, is_last = max(busy.retry_after_s, _grown_s(taken)), not _may_wait(taken)
            await self._postpone(taken, str(busy), wait_s, is_last=is_last)
        except Exception as error:
            log.exception("event failed", inbox=taken.id, attempt=taken.attempt)
            is_last = not _may_fail(taken)
            await self._postpone(taken, repr(error), _grown_s(taken), is_last=is_last)

    async def _postpone(self, taken: Taken, error: str, wait_s: float, *, is_last: bool) -> None:
        outcome = "given_up" if is_last else "postponed"
        self._around.metrics.events_put_off.labels(taken.platform, outcome).inc()
        until = utc_now() + timedelta(seconds=wait_s)
        try:
            if is_last and _is_said(taken):
                await self._give_up(taken, error)
            elif is_last:
                await self._drop(taken, error)
            else:
                await self._around.database.write(lambda s: inbox.postpone(s, taken, until, error))
        except Superseded:
            return
        except SQLAlchemyError as trouble:  # its lease ends by itself, and then it is swept up
            log.warning("inbox out of reach", inbox=taken.id, error=str(trouble))

    async def _drop(self, taken: Taken, error: str) -> None:
        """Close an event that came to nothing, keeping why."""
        log.error("event dropped", inbox=taken.id, error=error)
        await self._around.database.write(lambda s: inbox.finish(s, taken, utc_now(), error))

    async def _give_up(self, taken: Taken, error: str) -> None:
        invocation = Invocation.model_validate(taken.payload)
        log.error("event given up", inbox=taken.id, error=error)
        person = await self._person(invocation)
        spoken = [Spoken("", "", 0, _given_up(taken))]
        await self._commit(taken, invocation, person, spoken)

    # Commands

    async def _invoke(self, taken: Taken, invocation: Invocation) -> None:
        if invocation.pushed is not None:
            await self._look_at_push(taken, invocation)
            return
        lines = await _lines_of(invocation)
        if not lines.found and not invocation.addressed:
            await self._around.database.write(lambda s: inbox.finish(s, taken, utc_now()))
            return
        person = await self._person(invocation)
        here = await self._standings.here(invocation, person)
        speaker = Speaker(invocation, person, here)
        if lines.found:
            spoken = [
                await self._speak(taken, speaker, number, found.line)
                for number, found in enumerate(lines.found)
            ]
        else:
            spoken = [Spoken("", "", 0, understood(invocation.text))]
        if lines.dropped:
            text = f"One message holds at most {LIMIT} commands; {lines.dropped} were left out."
            spoken.append(Spoken("", "", len(spoken), Answer(say(text), "error")))
        await self._commit(taken, invocation, person, spoken)

    async def _look_at_push(self, taken: Taken, pushed: Invocation) -> None:
        spoken = await self._pushes.asked(taken, pushed)
        if spoken is None:
            await self._around.database.write(lambda s: inbox.finish(s, taken, utc_now()))
            return
        await self._commit(taken, pushed, await self._person(pushed), [spoken])

    async def _speak(self, taken: Taken, speaker: Speaker, number: int, line: str) -> Spoken:
        """Run one line. When it was tried for long enough, its failing is its answer: what the
        message's other lines did has to be kept and told.
        """
        verb = ""
        with traces.span("command", number=number) as span:
            try:
                call = parse(line, registry.COMMANDS)
                verb = call.verb
                result = await self._run(taken, speaker, call)
            except GrammarError as error:
                result = misread(error)
            except UserError as error:
                result = Answer(say(str(error)), "error")
            except Exception as error:
                if _may_wait(taken) if isinstance(error, Busy) else _may_fail(taken):
                    raise
                log.exception("line given up", inbox=taken.id, number=number)
                result = _given_up(taken)
            spoken = Spoken(verb, self._around.redactor.redacted(line), number, result)
            span.note(verb=verb, outcome=spoken.outcome)
            return spoken

    async def _run(self, taken: Taken, speaker: Speaker, call: Call) -> Answer | Asked:
        command = registry.COMMANDS[call.verb]
        standing, is_requester = await self._over(speaker, command, call)
        if why := registry.refusal(command, standing, is_requester=is_requester):
            return Answer(say(why), "refused")
        # An event that is handled once more has been counted.
        if taken.attempt == 1 and (why := await self._quotas.refusal(speaker)):
            return Answer(say(why), "limited")
        outcome = await command.run(self._context(speaker, standing), call)
        if isinstance(outcome, Reply):
            return Answer(outcome, "answer")
        started = registry.COMMANDS[outcome.verb]
        if why := await self._refusal_to_start(started, speaker, standing, outcome.source):
            return Answer(say(why), "refused")
        request = await self._trigger.hold(outcome, speaker.invocation)
        retry_of = call.jobs[0] if call.jobs else None
        waits_for = await self._standings.waits_for(started, request.source, speaker.invocation)
        return Asked(request, waits_for, retry_of, command.urgency)

    async def _over(self, speaker: Speaker, command: Command, call: Call) -> tuple[Standing, bool]:
        """The caller's standing over what they speak of, and whether they asked for that job."""
        if not call.jobs:
            return speaker.here, False
        row = await self._around.database.read(lambda s: ledger.get(s, call.jobs[0]))
        if row is None:
            return speaker.here, False
        permission, is_requester = command.permission, row.person_id == speaker.person
        passes = is_requester and permission.requester_may
        enough = Tier.ANYONE if passes else permission.tier
        return await self._standings.over_job(speaker, row, enough), is_requester

    async def _refusal_to_start(
        self, command: Command, speaker: Speaker, standing: Standing, source: Source
    ) -> str | None:
        """Why the job may not be made, or no longer start; None if it may."""
        if why := registry.refusal(command, standing, is_requester=False):
            return why
        if await self._standings.may_work_on(speaker, source, command.permission.tier):
            return await self._wishes.refusal(command, standing, source)
        return (
            f"`{source.repository}` is not open to you here: speak in the place that works on it, "
            "or link the account that may with `/gryph link`."
        )

    def _context(self, speaker: Speaker, standing: Standing) -> Context:
        async def on_host(repository: str, number: int | None) -> Standing | None:
            if not self._standings.is_hosted(repository):
                return None
            return await self._standings.on_host(speaker, repository, number)

        return Context(
            invocation=speaker.invocation,
            standing=standing,
            person=speaker.person,
            database=self._around.database,
            commands=registry.COMMANDS,
            writers=self._writers,
            read_artifact=self._around.read_artifact,
            quota=lambda: self._quotas.left(speaker),
            in_line=self._in_line,
            repositories=self._around.repositories,
            on_host=on_host,
            wished=self._wishes.of,
            pull_of=self._trigger.pull_of,
            read_target=read_target,
            snippets=lambda: snippets_of(speaker.invocation.text),
            issues_of=self._trigger.issues_of,
            task_of=self._trigger.task_of,
            work_of=self._trigger.work_of,
        )

    async def _in_line(self, job: JobId) -> str:
        row = await self._around.database.read(lambda s: ledger.get(s, job))
        standing = await self._line.where(job, row.queue) if row is not None else None
        if standing is None:
            return ""
        return place_in_words(standing.ahead, standing.wait_s) or "next in line"

    # What is written

    async def _person(self, invocation: Invocation) -> PersonId:
        caller = invocation.caller
        return await self._around.database.write(
            lambda s: people.person_of(
                s,
                platform=caller.platform,
                account=caller.account,
                name=caller.name,
                now=utc_now(),
            )
        )

    async def _commit(
        self, taken: Taken, invocation: Invocation, person: PersonId, spoken: list[Spoken]
    ) -> None:
        written = await self._effects.write(Said(taken, invocation, person, tuple(spoken)))
        for one in written:
            self._on_deliveries(one.key)
        if any(isinstance(one.spoken.result, Asked) for one in written):
            self._on_jobs()

    # Reactions, and what happens on the code host

    async def _note(self, taken: Taken) -> None:
        work = quiet.effect(taken.payload)

        def effects(session: Session) -> None:
            inbox.finish(session, taken, utc_now())
            work(session)

        await self._around.database.write(effects)

    # Once more, before a job starts

    async def clearance(self, ring: Ring) -> bool:
        """Check permission and approval of a queued job again; see `bot.outbox.Clearance`."""
        row = await self._around.database.read(lambda s: ledger.get(s, ring.job))
        if row is None or row.state != JobState.QUEUED:
            return False
        if row.cleared_at and utc_now() - row.cleared_at < timedelta(seconds=FRESH_S):
            return True
        invocation = Invocation.model_validate(row.invocation)
        if invocation.place.platform not in self._around.faces:
            return False
        command = registry.COMMANDS[row.verb]
        source = request_adapter.validate_python(row.request).source
        if invocation.pushed is None:
            why = await self._withdrawn(row, command, source, invocation)
        else:
            why = await self._pushes.refusal(invocation)
        why = why or await self._standings.waits_for(command, source, invocation)
        if why is None:
            await self._around.database.write(lambda s: ledger.clear(s, ring.job, utc_now()))
            return True
        await self.reject(ring.job, why)
        return False

    async def _withdrawn(
        self, row: JobRow, command: Command, source: Source, invocation: Invocation
    ) -> str | None:
        """Why the one who asked for the job may no longer have it started."""
        person = PersonId(row.person_id)
        speaker = Speaker(invocation, person, await self._standings.here(invocation, person))
        standing = await self._standings.over_job(speaker, row, command.permission.tier)
        return await self._refusal_to_start(command, speaker, standing, source)

    async def reject(self, job: JobId, why: str) -> None:
        """End a queued job that may no longer start, and say why."""
        text = f"Not started: {why}"
        again = Actions(actions=(Action(verb="retry", label="Retry", job=job),))
        reply = Reply(summary=text, blocks=(Text(markdown=text), again))
        ending = Ending(JobState.FAILED, "not started", reply.model_dump(mode="json"), "user")
        await self._around.database.write(lambda s: ledger.reject(s, job, ending, utc_now()))
        self._on_deliveries(job)


def _is_said(taken: Taken) -> bool:
    """Whether somebody waits for an answer."""
    return taken.payload["kind"] == "invocation" and taken.payload.get("pushed") is None


def _may_wait(taken: Taken) -> bool:
    """Whether a platform that is busy is asked once more."""
    return _age(taken) < BUSY_FOR


def _may_fail(taken: Taken) -> bool:
    """Whether what failed is tried once more."""
    return taken.attempt < TRIES or _age(taken) <= TRIED_FOR


def _grown_s(taken: Taken) -> float:
    """What fails for long is tried less often: there are others, who can be helped."""
    return min(LONGEST_WAIT_S, 2.0 ** min(taken.attempt, 10))


def _age(taken: Taken) -> timedelta:
    return utc_now() - datetime.fromisoformat(str(taken.payload["received_at"]))


def _given_up(taken: Taken) -> Answer:
    text = (
        "I could not handle this: something on my side or the platform's failed "
        f"again and again. Nothing was started. (event {taken.id})"
    )
    return Answer(say(text), "error")


async def _lines_of(invocation: Invocation) -> Lines:
    """The message's command lines; a long text is read off the loop."""

    def read() -> Lines:
        return find_lines(
            invocation.text, previous=invocation.previous_text, verbs=registry.COMMANDS
        )

    return read() if len(invocation.text) < LONG_TEXT else await asyncio.to_thread(read)
