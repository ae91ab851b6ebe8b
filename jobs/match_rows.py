"""What is kept of a match: rows for those who decide about it, a file for programs."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice

from engines.matching.facts import day
from engines.matching.types import Mode, Person
from jobs.desk import Desk, NewArtifact
from jobs.match_finding import Looked
from jobs.matches_told import Found
from jobs.wording import plain
from storage import matches
from storage.database import Database
from storage.ids import JobId
from storage.matches import MatchState

NAME = "match.json"
MOST_OTHERS = 100
"""People who are kept besides the ranking, some sixty bytes each."""


def suggested_by(found: Found, looked: Looked, repository: str, job: JobId) -> matches.Suggested:
    """What is noted of it, for who takes or declines."""
    choice = found.choice
    named = [one for one in (choice.first, choice.second) if one is not None]
    keys = {one.person.key for one in named}
    rest = [one for one in found.ranked if one.person.key not in keys] if named else []
    offered = [one.person for one in (*named, *rest)]
    return matches.Suggested(
        job=job,
        repository=repository,
        target=looked.target,
        named=found.task.named or found.task.title,
        people=tuple(replace(_known(found, one), reasons=found.reasons(one)) for one in offered),
        confidence=choice.first.probability if choice.first else 0.0,
        mode=found.mode.value,
        number=found.task.number,
        is_pull=found.task.is_pull,
        second=choice.second.person.key if choice.second else None,
        about=replace(
            looked.kept,
            left_out=tuple(_left_out(found)),
            author=found.task.author,
        ),
        is_open=found.task.is_open,
        others=tuple(islice(_others(found, looked, offered), MOST_OTHERS)),
    )


def _known(found: Found, person: Person) -> matches.Named:
    return matches.Named(person.key, person.shown, found.team.login(person))


def _others(found: Found, looked: Looked, offered: Sequence[Person]) -> Iterator[matches.Named]:
    """Whom else somebody may mean: who was left out, who is likely, and who did most."""
    ranked = [one.person for one in (*found.choice.skipped, *looked.ranking.candidates)]
    seen = {one.key for one in offered}
    for person in (*ranked, *found.team.past.everybody):
        if person.key not in seen:
            seen.add(person.key)
            yield _known(found, person)


def held_told(
    database: Database, repository: str, target: str, mode: Mode, asked_at: datetime
) -> str:
    """Who does the task already, as Markdown; empty where nobody is known to."""
    row = database.read_now(lambda s: matches.holder(s, repository, target, mode.value, asked_at))
    if row is None or row.decided_at is None:
        return ""
    did = "took" if row.state == MatchState.TAKEN else "was assigned"
    on = day(int(row.decided_at.timestamp()))
    return f"{plain(row.name)} {did} this on {on} (`{row.job_id}`)."


def _left_out(found: Found) -> Iterator[str]:
    for one in found.choice.skipped:
        yield f"{found.team.called(one.person)}: {one.why}"


def keep(found: Sequence[Found], desk: Desk) -> None:
    """Leave what was found as a file, for programs; it holds no address."""
    told = [_document(one) for one in found]
    content = json.dumps({"version": 1, "tasks": told}, ensure_ascii=False, indent=1)
    desk.keep(NewArtifact(NAME, "application/json", content.encode()))


def _document(found: Found) -> dict[str, object]:
    choice, team = found.choice, found.team
    return {
        "task": found.task.named or found.task.title,
        "for": found.mode,
        "confident": choice.confident,
        "role_of_second": choice.role,
        "named": [
            {
                "name": one.person.shown,
                "login": team.login(one.person),
                "sure": one.band.value,
                "reasons": found.reasons(one.person),
            }
            for one in (choice.first, choice.second)
            if one is not None
        ],
        "left_out": [{"name": one.person.shown, "why": one.why} for one in choice.skipped],
        "notes": found.notes,
    }
