"""`plan`: who does what and when, how sure that is, and what an event changes in it."""

import re
from collections.abc import Sequence
from typing import Literal

from handlers import (
    Call,
    Command,
    Context,
    Effect,
    IssueQuery,
    Option,
    Outcome,
    Permission,
    Place,
    RepositoryWishes,
    Takes,
    Target,
    Tier,
    UserError,
)
from handlers.effort import budget_s, seed
from handlers.issue_words import issues_meant
from handlers.jobs_in_reach import job_meant
from handlers.message import own_text
from handlers.plan_events import events_of, pins_of
from handlers.targets import not_ignored, path_of, repository_meant, source_of
from jobs.requests import (
    NOWHERE,
    PLAN_WHAT,
    ChangePlan,
    ComparePlans,
    PlanEvent,
    PlanFile,
    PlanTalk,
    Source,
    Talk,
    request_adapter,
)
from storage.clock import utc_now
from storage.ids import JobId, as_job_id
from storage.states import JobState
from storage.tables.jobs import JobRow
from storage.threads import latest_in_thread

DEFAULT_BUDGET_S = 5.0
CHANGE_BUDGET_S = 2.0
"""A change begins with a plan that is good already."""
LONGEST_BUDGET_S = 60.0
DEFAULT_SEED = 1
LONGEST_TEXT = 40_000
"""Characters of a message that are read."""
MOST_COMPARED = 4
_CHANGES: dict[str, Literal["what-if", "replan", "pin"]] = {
    "what-if": "what-if",
    "whatif": "what-if",
    "replan": "replan",
    "re-plan": "replan",
    "pin": "pin",
}
_ITEM = re.compile(r"^\s*(?:[-*+•◦▪]|\d{1,9}[.)])\s+\S", re.MULTILINE)
NOTHING_MORE = Talk()
"""The talk of a message that says all there is to plan: nobody looks at what stands above it."""

PlanRequest = PlanFile | PlanTalk | ChangePlan | ComparePlans


async def run(context: Context, call: Call) -> Outcome:
    """Ask for the job."""
    words = call.words
    first = words[0].casefold() if words else ""
    if first in _CHANGES:
        return await _changed(context, call, _CHANGES[first])
    if first == "compare":
        return await _compared(context, call)
    if query := issues_meant(words, COMMAND.verb):
        return await _of_issues(context, call, query)
    if not words:
        return await _of_talk(context, call)
    name, *more = words
    if more:
        raise UserError(f"`{call.line}` is more than I understand. {PLAN_WHAT}")
    if as_job_id(name):
        raise UserError(
            f"`{name}` is the id of a job. What has happened to its plan? "
            f"`/gryph plan replan {name} API late 3d`."
        )
    return await _of_file(context, call, name)


async def _of_file(context: Context, call: Call, word: str) -> PlanFile:
    target = context.read_target(word)
    if target.number is not None and target.path is None:
        raise UserError(f"`{word}`: issues are planned where they are, `/gryph plan #12 #13`.")
    path = path_of(call, target)
    source = source_of(context, target)
    not_ignored(path, wished := await context.wished(source.repository))
    return PlanFile(
        source=source,
        path=path,
        notes=wished.complaints,
        cpu_s=budget_s(call, DEFAULT_BUDGET_S, LONGEST_BUDGET_S),
        seed=seed(call, DEFAULT_SEED),
        asked_at=utc_now(),
    )


async def _of_talk(context: Context, call: Call) -> PlanTalk:
    text, snippets = own_text(context.invocation.text, LONGEST_TEXT), context.snippets()
    said = context.invocation
    may_be_above = said.topic or said.place.thread or said.reply_to or said.attached
    if not (text.strip() or snippets or may_be_above):
        raise UserError(PLAN_WHAT)
    source = _source_here(context)
    wished = await context.wished(source.repository)
    return PlanTalk(
        source=source,
        text=text,
        snippets=snippets,
        usual=_usual(wished),
        notes=wished.complaints,
        talk=NOTHING_MORE if snippets or _ITEM.search(text) else None,
        cpu_s=budget_s(call, DEFAULT_BUDGET_S, LONGEST_BUDGET_S),
        seed=seed(call, DEFAULT_SEED),
        asked_at=utc_now(),
    )


async def _of_issues(context: Context, call: Call, query: IssueQuery) -> PlanTalk:
    repository = repository_meant(context, None)
    issues = await context.issues_of(repository, query)
    if not issues.issues:
        raise UserError(f"{issues.named} of `{repository}` holds no open issue.")
    wished = await context.wished(repository)
    return PlanTalk(
        source=source_of(context, Target()),
        text=own_text(context.invocation.text, LONGEST_TEXT),
        issues=issues,
        usual=_usual(wished),
        talk=NOTHING_MORE,
        notes=wished.complaints,
        cpu_s=budget_s(call, DEFAULT_BUDGET_S, LONGEST_BUDGET_S),
        seed=seed(call, DEFAULT_SEED),
        asked_at=utc_now(),
    )


def _usual(wished: RepositoryWishes) -> str:
    """What the repository says of its people, as a list says it."""
    said = (("team", wished.team), ("timezone", wished.timezone))
    return "".join(f"{key}: {' '.join(value.split())}\n" for key, value in said if value)


async def _changed(
    context: Context, call: Call, task: Literal["what-if", "replan", "pin"]
) -> ChangePlan:
    job, words = _leading_job(call.words[1:])
    events: tuple[PlanEvent, ...] = pins_of(words) if task == "pin" else events_of(words)
    row = await _plan_meant(context, call, job)
    return ChangePlan(
        source=_source_of(row),
        task=task,
        follows=JobId(row.id),
        events=events,
        cpu_s=budget_s(call, CHANGE_BUDGET_S, LONGEST_BUDGET_S),
        seed=seed(call, DEFAULT_SEED),
        asked_at=utc_now(),
    )


async def _compared(context: Context, call: Call) -> ComparePlans:
    ids = [as_job_id(word.rstrip(",")) for word in call.words[1:]]
    jobs = list(dict.fromkeys(job for job in ids if job is not None))
    if None in ids or not jobs or len(jobs) > MOST_COMPARED:
        raise UserError(
            f"Compare which plans? Name two to {MOST_COMPARED} jobs: "
            "`/gryph plan compare J7K2M9Q J4F2KQX`; one alone is compared with this thread's plan."
        )
    rows = [await _plan_meant(context, call, job) for job in jobs]
    if len(rows) == 1:
        rows.insert(0, await _plan_meant(context, call, None))
    if len({row.id for row in rows}) == 1:
        raise UserError(f"`{rows[0].id}` is this thread's plan: compare it with which other?")
    return ComparePlans(
        source=_source_of(rows[0]),
        plans=tuple(JobId(row.id) for row in rows),
        asked_at=utc_now(),
    )


def _leading_job(words: Sequence[str]) -> tuple[JobId | None, Sequence[str]]:
    job = as_job_id(words[0].rstrip(",:")) if words else None
    return (job, words[1:]) if job else (None, words)


async def _plan_meant(context: Context, call: Call, job: JobId | None) -> JobRow:
    """The job whose plan is spoken of: the one named, or this thread's."""
    if job is None:
        place = context.invocation.place
        job = await _plan_of_thread(context, place)
    if job is None:
        raise UserError(
            f"Which plan? There is none in this thread: name its job, `/gryph plan {call.words[0]} "
            "J7K2M9Q …`."
        )
    row = await job_meant(context, job)
    if row.verb != COMMAND.verb or row.state != JobState.SUCCEEDED or not _holds_plan(row):
        raise UserError(f"`{job}` made no plan.")
    return row


async def _plan_of_thread(context: Context, place: Place) -> JobId | None:
    """The newest plan that people hold: what would be, if something happened, is none."""
    kept = place.model_dump(mode="json")
    return await context.database.read(
        lambda s: latest_in_thread(s, COMMAND.verb, kept, utc_now(), is_meant=_is_held)
    )


def _is_held(row: JobRow) -> bool:
    return _holds_plan(row) and row.request.get("task") != "what-if"


def _holds_plan(row: JobRow) -> bool:
    return row.request["kind"] != ComparePlans.model_fields["kind"].default


def _source_of(row: JobRow) -> Source:
    return request_adapter.validate_python(row.request).source


def _source_here(context: Context) -> Source:
    """The place's repository, so that who maintains it may look at the job; none is needed."""
    return NOWHERE if context.standing.repository is None else source_of(context, Target())


COMMAND = Command(
    verb="plan",
    summary="Plan who does what and when, tell how sure that is, and plan again after an event",
    takes=Takes.WORDS,
    permission=Permission(Tier.READ, Effect.COMMENT),
    examples=(
        "plan examples/plan.toml",
        "plan milestone:3",
        "plan what-if ana away 2026-12-07..2026-12-11",
        "plan replan J7K2M9Q API late 3d, ana sick 2d",
        'plan replan add "Hotfix" (1d, backend:2) due 2026-12-09',
        "plan pin API @ana",
        "plan compare J7K2M9Q J4F2KQX",
    ),
    run=run,
    options=(
        Option(
            "budget",
            "CPU seconds of search, 1 to 60; for a change of a plan 2, if not said.",
            default="5s",
        ),
        Option("seed", "The same seed gives the same plan.", default="1"),
    ),
    details=(
        "Plans what a file says (`plan.toml`, CSV, a PSPLIB `.sm` or an iMOPSE `.def`), the open "
        "issues of a milestone (`milestone:3` or its title) or those that are named (`#12 #13`), "
        "or a list below the command, in a pasted block, an attached file, or the thread above it: "
        "`- API (3d, backend:2) after DB @ana` is a task of three days for somebody with `backend` "
        "at level 2 or more, after another one, and for Ana only.\n\n"
        "The answer tells who does what and when, how likely each deadline is, what is critical, "
        "and how far it is at most from the best there can be. What nobody is able to do is told, "
        "with what waits for it, and planned around. With it come a picture, a table (CSV), a "
        "calendar (iCalendar) and a diagram (Mermaid).\n\n"
        "`plan what-if …` shows what an event would change; `plan replan …` plans again with as "
        "little as possible of what people hold moved, and tells each move and why; `plan pin …` "
        "gives a task to somebody. Events are `ana away 2026-12-07..2026-12-11`, `ana sick 2d`, "
        "`API takes 5d`, `API late 3d`, `API done 2026-12-04`, `add carl (backend:2)` and "
        '`add "Hotfix" (1d, backend:2) due 2026-12-09`; several are parted by commas. In a thread '
        "that holds a plan the job's id may be left out."
    ),
)
