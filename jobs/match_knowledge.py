"""Who knows a file or a folder, and which files only one person knows, or nobody any more."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engines.matching.assignment.standing import Standings
from engines.matching.facts import LATELY_DAYS, day
from engines.matching.ownership import (
    ACTIVE_DAYS,
    AreaAtRisk,
    Holder,
    Ownership,
    Risk,
    ownership,
    risks,
)
from engines.matching.types import Person
from jobs.desk import Declined, Desk, Done
from jobs.match_history import Past, Pasts
from jobs.match_paths import is_vendored, resolved, rooted, under, unknown
from jobs.match_people import Team, team_of
from jobs.messages import Block, Heading, Reply, Table, Text
from jobs.requests import MatchKnowledge
from jobs.wording import code, count, notes_of, one_line, plain
from storage.database import Database

MOST_HOLDERS = 10
MOST_AREAS, MOST_FILES = 6, 4
"""Folders with files at risk that are shown, and files of each."""
_VENDORED = "Folders of other people's code (`vendor`, `third_party` and such) are left out."
_LONGEST = 400


@dataclass(frozen=True)
class Knower:
    """Serves `match who` and `match risks`."""

    database: Database
    pasts: Pasts

    def run(self, request: MatchKnowledge, desk: Desk) -> Done:
        """Tell it. Raises Declined where the path is nowhere."""
        with self.pasts.held(request, desk) as past:
            team = team_of(past, request.open_work, self.database, request.asked_at)
            if request.task == "who":
                return _who(request, past, team)
            return _risks(request, past, team)


def _who(request: MatchKnowledge, past: Past, team: Team) -> Done:
    path, notes = request.path, list(request.notes)
    whole = rooted(past, path)
    wanted, existing = [whole], past.files
    if path != ".":
        files, said = resolved(past, path)
        if not files:
            raise Declined(unknown(past, path, "match who"))
        notes += said
        if whole in past.there or not under(past, whole):
            wanted, existing = [*files], None
    found = ownership(past.knowledge, wanted, past.now_s, existing)
    named = "this repository" if path == "." else path
    if not found.holders:
        raise Declined(f"Nobody but bots ever changed {code(named)}.")
    summary = _factor(found, named, team)
    blocks: list[Block] = [
        Heading(text=f"Who knows {one_line(named, _LONGEST)}"),
        Text(markdown=f"{plain(summary, _LONGEST)}."),
        *_holders(found, team),
        *notes_of((*notes, *past.notes())),
    ]
    return Done(summary, Reply(summary=summary, blocks=tuple(blocks)))


def _factor(found: Ownership, named: str, team: Team) -> str:
    """What happens if people leave."""
    factor = found.bus_factor
    only = team.past.only
    if only is not None:
        return f"Only {team.called(only)} has worked here"
    if len(found.files) == 1:
        what = {0: "no active person knows it", 1: "one active person knows it"}
        said = what.get(factor, f"{factor} active people know it")
    elif factor == 0:
        said = "no active person knows more than half of the files"
    else:
        leave = "one person leaves" if factor == 1 else f"{factor} people leave"
        said = f"once {leave}, nobody knows more than half of the files"
    return f"Bus factor {factor} of {one_line(named)}: {said}"


def _holders(found: Ownership, team: Team) -> Iterator[Block]:
    many = len(found.files) > 1
    rows = tuple(_row(one, team, len(found.files)) for one in found.holders[:MOST_HOLDERS])
    header = ("Person", "Share", "Tasks", "Last", "Here now")
    yield Table(header=(*header, "Knows") if many else header, rows=rows)
    more = len(found.holders) - len(rows)
    if more > 0:
        yield Text(markdown=f"{more:,} more changed something here.")


def _row(one: Holder, team: Team, files: int) -> tuple[str, ...]:
    cells = (
        team.shown(one.person),
        f"{100 * one.share:.0f} %",
        str(one.tasks),
        day(one.last_s),
        "yes" if one.is_active else f"not in {ACTIVE_DAYS} days",
    )
    return (*cells, f"{one.knows} of {files} files") if files > 1 else cells


def _risks(request: MatchKnowledge, past: Past, team: Team) -> Done:
    path = request.path
    whole = rooted(past, path)
    there, said = [whole] if whole in past.there else under(past, whole), list[str]()
    if not there:
        found, said = resolved(past, path)
        there = [one for one in found if one in past.there]
        if not there and found:
            raise Declined(f"{code(path)} is not there any more: nothing of it is at risk.")
        if not there:
            raise Declined(unknown(past, path, "match risks"))
    existing = there if is_vendored(whole) else [one for one in there if not is_vendored(one)]
    areas = risks(past.knowledge, past.now_s, existing, MOST_AREAS, MOST_FILES)
    left_out = (_VENDORED,) if len(existing) < len(there) else ()
    notes = notes_of((*request.notes, *said, *left_out, *past.notes()))
    where = "" if path == "." else f" in {one_line(path)}"
    if not areas:
        line = f"No file{where} that is changed often is known to fewer than two active people."
        return _said(line, notes)
    if past.only is not None:
        only = team.called(past.only)
        return _said(f"Only {only} has worked here: nobody else knows anything{where}.", notes)
    files = sum(area.files for area in areas)
    one = files == 1
    summary = (
        f"{count(files, 'file')}{where} that {'is' if one else 'are'} changed often "
        f"{'has' if one else 'have'} at most one active person who knows {'it' if one else 'them'}"
    )
    standings = team.standings()
    blocks: list[Block] = [
        Heading(text="Files at risk"),
        Text(markdown=f"{plain(summary, _LONGEST)}."),
    ]
    for area in areas:
        blocks += _area(area, team, standings)
    blocks += notes
    return Done(summary, Reply(summary=summary, blocks=tuple(blocks)))


def _said(line: str, notes: Sequence[Block]) -> Done:
    return Done(line, Reply(summary=line, blocks=(Text(markdown=plain(line, _LONGEST)), *notes)))


def _area(area: AreaAtRisk, team: Team, standings: Standings) -> Sequence[Block]:
    where = code(f"{area.directory}/") if area.directory else "The root folder"
    changes = count(area.changes_year, "change")
    said = f"{where}: {count(area.files, 'file')}, {changes} in a year"
    header = ("File", "Known to", f"Changes in {LATELY_DAYS} days", "Could learn it")
    rows = tuple(_risk(one, team, standings) for one in area.worst)
    return (Text(markdown=said), Table(header=header, rows=rows))


def _risk(risk: Risk, team: Team, standings: Standings) -> tuple[str, ...]:
    name = risk.path.rpartition("/")[2]
    if risk.knower is not None:
        known = team.shown(risk.knower)
    else:
        known = "nobody any more"
        if risk.gone:
            known += f" (was {', '.join(team.shown(one) for one in risk.gone)})"
    return (code(name), known, str(risk.changes_lately), _learner(risk.learner, team, standings))


def _learner(person: Person | None, team: Team, standings: Standings) -> str:
    """Nobody who wants no matches is ever named as one who could."""
    if person is None or standings[person.key].opted_out:
        return "nobody near it"
    return team.shown(person)
