"""`explain`: what a job was asked, what it did and when."""

from collections.abc import Iterator

from handlers import Call, Command, Context, Effect, Outcome, Permission, Takes, Tier
from handlers.jobs_in_reach import job_meant
from jobs.messages import Block, Code, Fields, Heading, Reply, Table, Text
from jobs.requests import request_adapter
from jobs.wording import count, plain
from storage import ledger, matches
from storage.ids import JobId
from storage.matches import About
from storage.tables.matching import MatchRow

EVENTS_SHOWN = 25
RANKED_SHOWN = 5
"""People of a match."""
_LONGEST = 600


async def run(context: Context, call: Call) -> Outcome:
    """Answer from the ledger."""
    job = call.jobs[0]
    row = await job_meant(context, job)
    events = await context.database.read(lambda s: ledger.events_after(s, JobId(row.id), 0))
    source = request_adapter.validate_python(row.request).source
    commit = source.sha or source.ref or "the working tree as it was"
    history = Table(
        header=("When (UTC)", "State", "What"),
        rows=tuple(
            (f"{event.at:%H:%M:%S}", event.state, event.text) for event in events[-EVENTS_SHOWN:]
        ),
    )
    matched = await context.database.read(lambda s: matches.first_of(s, JobId(row.id)))
    return Reply(
        summary=f"{row.id}: {row.line}",
        blocks=(
            Heading(text=f"Job {row.id}"),
            Code(text=f"/gryph {row.line}"),
            Fields(
                pairs=(
                    ("Asked by", f"@{row.invocation['caller']['name']}"),
                    ("Repository", source.repository),
                    ("Commit", f"`{commit}`"),
                    ("Attempts", str(row.attempt)),
                    ("Outcome", row.state if row.failure is None else f"failed: {row.failure}"),
                )
            ),
            *(block for one in matched for block in _matched(one)),
            history,
        ),
    )


def _matched(row: MatchRow) -> Iterator[Block]:
    """How a match came about: what was looked at, and what was believed of whom."""
    about = matches.about_of(row)
    looked_at = [
        count(len(about.files), "file") if about.files else "",
        f"{count(len(about.words), 'word')} that tell something" if about.words else "",
    ]
    yield Heading(text=f"Who was named for {row.named}")
    yield Text(markdown=f"Looked at: {' and '.join(filter(None, looked_at)) or 'nothing'}.")
    yield Table(
        header=("Person", "By the history alone", "Why"),
        rows=tuple(
            (plain(one.name), _chance(about, one.key), "; ".join(one.reasons))
            for one in matches.ranking_of(row)[:RANKED_SHOWN]
        ),
    )
    if about.left_out:
        yield Text(markdown=f"Left out: {plain('; '.join(about.left_out), _LONGEST)}.")


def _chance(about: About, key: str) -> str:
    return f"{100 * about.believed[key]:.0f} %" if key in about.believed else ""


COMMAND = Command(
    verb="explain",
    summary="Tell what a job was asked, on which commit, and what happened when",
    takes=Takes.JOB,
    permission=Permission(Tier.ANYONE, Effect.READ),
    examples=("explain J7K2M9Q",),
    run=run,
)
