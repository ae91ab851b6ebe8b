"""What became of the matches of a repository, in numbers."""

from collections.abc import Iterator

from handlers import Context
from handlers.targets import repository_meant
from jobs.messages import Heading, Reply, Table, say
from jobs.wording import count, one_line
from storage.match_labels import Outcomes, labels_of, outcomes_of

OUTCOMES = "outcomes"
_NEWEST = 1_000
"""People named who are looked at."""
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400


async def outcomes(context: Context) -> Reply:
    """How often they were followed, as far back as jobs are kept."""
    repository = repository_meant(context, None)
    labels = await context.database.read(lambda s: labels_of(s, repository, _NEWEST))
    named = one_line(repository)
    if not labels:
        return say(f"Nobody has been named for a task of `{named}` yet, as far as is kept.")
    found = outcomes_of(labels)
    summary = f"{count(found.made, 'task')} of {named} for which somebody was named"
    table = Table(header=("What became of them", "Tasks"), rows=tuple(_rows(found)))
    return Reply(summary=summary, blocks=(Heading(text=summary), table))


def _rows(found: Outcomes) -> Iterator[tuple[str, str]]:
    done = found.followed + found.reassigned
    yield "Done by who was named", _of(found.followed, done)
    yield "Done by somebody else", _of(found.reassigned, done)
    yield "Nobody has it, as far as is known", str(found.made - done)
    yield "Somebody declined", str(found.declined)
    waited_s = found.first_response_s
    yield "Time to the first response, median", "never" if waited_s is None else _span(waited_s)


def _of(some: int, done: int) -> str:
    return f"{some} of {done}" if done else "0"


def _span(seconds: float) -> str:
    for unit_s, unit in ((_DAY_S, "d"), (_HOUR_S, "h"), (_MINUTE_S, "min")):
        if seconds >= unit_s:
            return f"{seconds / unit_s:.1f} {unit}"
    return f"{seconds:.0f} s"
