"""What is kept of a match: rows for those who decide about it, a file for programs."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

from jobs.desk import Desk, NewArtifact
from jobs.match_finding import Looked
from jobs.match_people import name_of
from jobs.matches_told import Found
from storage import matches
from storage.ids import JobId

NAME = "match.json"


def suggested_by(found: Found, looked: Looked, repository: str, job: JobId) -> matches.Suggested:
    """What is noted of it, for who takes or declines."""
    choice = found.choice
    named = [one for one in (choice.first, choice.second) if one is not None]
    keys = {one.person.key for one in named}
    rest = [one for one in found.ranked if one.person.key not in keys] if named else []
    return matches.Suggested(
        job=job,
        repository=repository,
        target=looked.target,
        named=found.task.named or found.task.title,
        people=tuple(
            matches.Named(
                one.person.key,
                name_of(one.person),
                found.team.login(one.person),
                found.reasons(one.person),
            )
            for one in (*named, *rest)
        ),
        confidence=choice.first.probability if choice.first else 0.0,
        mode=found.mode.value,
        number=found.task.number,
        is_pull=found.task.is_pull,
        second=choice.second.person.key if choice.second else None,
        about=replace(looked.kept, left_out=tuple(_left_out(found))),
    )


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
                "name": name_of(one.person),
                "login": team.login(one.person),
                "sure": one.band.value,
                "reasons": found.reasons(one.person),
            }
            for one in (choice.first, choice.second)
            if one is not None
        ],
        "left_out": [{"name": name_of(one.person), "why": one.why} for one in choice.skipped],
        "notes": found.notes,
    }
