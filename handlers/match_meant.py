"""Which match somebody speaks of, and how its choices are told."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from handlers import Context, UserError
from handlers.jobs_in_reach import job_meant
from jobs.match_buttons import DECLINE, VERB, choice_buttons
from jobs.messages import Action, Block, Reply, Text
from jobs.requests import MatchBatch, MatchTask, request_adapter
from jobs.wording import code, plain
from storage import matches
from storage.clock import utc_now
from storage.ids import JobId
from storage.matches import REVIEWER, Actor
from storage.states import JobState
from storage.tables.jobs import JobRow
from storage.tables.matching import MatchRow
from storage.threads import latest_in_thread

_LISTED = 10


@dataclass(frozen=True)
class Meant:
    """What a decision is about: one task of one job."""

    job: JobRow
    repository: str
    target: str
    """See `storage.matches.target_of`."""
    named: str
    """What messages call the task."""
    has_several: bool
    """Whether the job has other tasks, so that this one has to be named."""
    rest: tuple[str, ...]
    """Words behind it."""
    is_pressed: bool = False
    """Whether it is spelled as buttons spell it."""

    @property
    def id(self) -> JobId:
        """The job's."""
        return JobId(self.job.id)

    @property
    def shown(self) -> str:
        """The task, as Markdown."""
        return code(self.named) if self.named else "it"

    @property
    def task(self) -> str:
        """The task as commands have to name it; empty where they need not."""
        return self.named if self.has_several else ""

    def buttons(self, row: MatchRow) -> tuple[Action, ...]:
        """The choices about who is named now; a refusal says whom it is about."""
        made = choice_buttons(self.id, self.task, on_host=row.number is not None)
        if row.turn == 1:
            return made
        return tuple(
            one.model_copy(update={"words": f"{one.words} {row.turn}"})
            if one.words.startswith(DECLINE)
            else one
            for one in made
        )

    def held(self, session: Session) -> MatchRow:
        """Who is named now, as nobody else changes it meanwhile. Raises UserError once the task is
        closed.
        """
        row = matches.hold(session, self.id, self.target)
        assert row is not None, "it was there before, and rows go with their job only"
        self.require_open(row)
        return row

    def require_open(self, row: MatchRow) -> None:
        """Let nobody decide what is over. Raises UserError."""
        if row.finished_at is not None:
            raise UserError(f"{self.shown} is closed by now.")

    def current(self, session: Session) -> MatchRow:
        """Who is named now."""
        rows = matches.current(session, self.id)
        return next(row for row in rows if row.target == self.target)


async def match_meant(
    context: Context, choice: str, job: JobId | None, words: Sequence[str]
) -> Meant:
    """The match of the job that is named, or of this thread's latest one.

    Raises:
        UserError: The caller may know of none, or it is not said of which of its tasks.
    """
    found = await job_meant(context, job or await _of_thread(context, choice))
    request = request_adapter.validate_python(found.request)
    if not isinstance(request, MatchTask | MatchBatch) or found.state != JobState.SUCCEEDED:
        raise UserError(f"`{found.id}` named nobody.")
    rows = await context.database.read(lambda s: matches.current(s, JobId(found.id)))
    rest = list(words)
    row = _task(rows, rest, choice, found.id)
    return Meant(found, request.repository, row.target, row.named, len(rows) > 1, tuple(rest))


async def _of_thread(context: Context, choice: str) -> JobId:
    place = context.invocation.place.model_dump(mode="json")
    kinds = (MatchTask.model_fields["kind"].default, MatchBatch.model_fields["kind"].default)
    job = await context.database.read(
        lambda s: latest_in_thread(
            s, VERB, place, utc_now(), is_meant=lambda row: row.request["kind"] in kinds
        )
    )
    if job is None:
        raise UserError(
            f"Which match? There is none in this thread: name its job, `/gryph match {choice} "
            "J7K2M9Q`."
        )
    return job


def _task(rows: Sequence[MatchRow], rest: list[str], choice: str, job: str) -> MatchRow:
    """The task that is spoken of; its name is taken from the front of `rest`."""
    if not rows:
        raise UserError(f"`{job}` named nobody.")
    named = next((row for row in rows if rest and row.named and row.named == rest[0]), None)
    if named is not None:
        del rest[0]
        return named
    if len(rows) > 1:
        known = ", ".join(code(row.named) for row in rows[:_LISTED])
        raise UserError(
            f"Which of them? `{job}` is about {known}: "
            f"`/gryph match {choice} {job} {rows[0].named}`."
        )
    return rows[0]


def actor_in(session: Session, context: Context) -> Actor:
    """The caller."""
    return matches.actor_of(session, context.person, context.invocation.caller.name)


def who(row: MatchRow) -> str:
    """Who is named, as Markdown that mentions nobody."""
    return plain(row.name)


def still_there(row: MatchRow) -> str:
    """That the code host goes on giving it to somebody who is not to do it."""
    doing = "asked to review it" if row.mode == REVIEWER and row.is_pull else "assigned"
    return f"On GitHub {who(row)} is still {doing}; that is changed there."


def reply(text: str, *blocks: Block) -> Reply:
    """A decision that everybody there is to know of."""
    summary = text.partition("\n")[0]
    return Reply(summary=summary, blocks=(Text(markdown=text), *blocks), for_all=True)
