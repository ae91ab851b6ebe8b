"""Several tasks given out together, so that no one person gets all of them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from engines.matching.assignment.batch import BatchOptions, Given, Item, assign
from engines.matching.types import Mode
from jobs.desk import Declined, Desk, Done
from jobs.match_feedback import Experience, experience_of
from jobs.match_finding import Looked, found_given, looked_up
from jobs.match_history import UNTAUGHT, Past, Pasts
from jobs.match_people import Team, declined_by, team_of
from jobs.match_rows import keep, suggested_by
from jobs.matches_told import Found
from jobs.messages import Block, Heading, Reply, Table, Text
from jobs.requests import MatchBatch, Wanted
from jobs.wording import count, notes_of, one_line, plain
from storage import matches
from storage.database import Database
from storage.ids import JobId

_TITLE = 80
_WHY = 200


@dataclass(frozen=True)
class Spreader:
    """Serves `match` of a milestone, or of several numbers."""

    database: Database
    pasts: Pasts

    def run(self, request: MatchBatch, desk: Desk) -> Done:
        """Name somebody for each task that is open and nobody's. Raises Declined without any."""
        tasks = [one for one in request.tasks if one.is_open and not one.given_to]
        held = {one.named: who for one in tasks if (who := self._holder(one, request))}
        tasks = [one for one in tasks if one.named not in held]
        if not tasks:
            raise Declined(f"All of {plain(request.named)} is closed, assigned or taken already.")
        notes = (*request.notes, *_left_alone(request.tasks, held))
        request = request.model_copy(update={"notes": notes})
        with self.pasts.held(request, desk) as past:
            return self._spread(request, tasks, past, desk)

    def _holder(self, task: Wanted, request: MatchBatch) -> str | None:
        """Who took a task, as Markdown."""
        target, mode = matches.target_of(number=task.number), _mode(task)
        row = self.database.read_now(
            lambda s: matches.holder(s, request.repository, target, mode, request.asked_at)
        )
        return None if row is None else plain(row.name)

    def _spread(self, request: MatchBatch, tasks: Sequence[Wanted], past: Past, desk: Desk) -> Done:
        team = team_of(past, request.open_work, self.database, request.asked_at)
        experience = experience_of(self.database, request.repository, past)
        looked = [_looked(team, one, experience, desk) for one in tasks]
        refused = [declined_by(self.database, request.repository, one.target) for one in looked]
        items = [
            Item(one.ranking, declined=keys) for one, keys in zip(looked, refused, strict=True)
        ]
        options = BatchOptions(past.now_s)
        given = assign(items, team.standings(room=len(items)), options)
        found = [
            found_given(one, team, each.pick, keys)
            for one, each, keys in zip(looked, given, refused, strict=True)
        ]
        self._note(found, looked, request, desk)
        keep(found, desk)
        return _told(request, found, given, desk.job)

    def _note(
        self, found: Sequence[Found], looked: Sequence[Looked], request: MatchBatch, desk: Desk
    ) -> None:
        for one, each in zip(found, looked, strict=True):
            noted = suggested_by(one, each, request.repository, desk.job)
            if noted.people:
                self.database.write_now(
                    lambda s, noted=noted: matches.suggest(s, noted, request.asked_at)
                )


def _looked(team: Team, task: Wanted, experience: Experience, desk: Desk) -> Looked:
    desk.watch.report(f"looking at {task.named}")
    return looked_up(team.past, task, _mode(task), experience)


def _mode(task: Wanted) -> Mode:
    return Mode.REVIEWER if task.is_pull else Mode.AUTHOR


def _told(request: MatchBatch, found: Sequence[Found], given: Sequence[Given], job: JobId) -> Done:
    named = [one for one in found if one.choice.first is not None]
    loads = Counter(one.choice.first.person.key for one in named if one.choice.first)
    people = "1 person" if len(loads) == 1 else f"{len(loads)} people"
    whole = f"{count(len(found), 'task')} of {one_line(request.named)}"
    summary = f"{len(named)} of {whole} given to {people}" if named else f"Nobody for {whole}"
    rows = tuple(_row(one, each) for one, each in zip(found, given, strict=True))
    untaught = {note for one in found for note in one.notes if note == UNTAUGHT}
    notes = (*found[0].team.past.notes(), *untaught)
    blocks: list[Block] = [
        Heading(text=f"Who should take what of {one_line(request.named)}"),
        Text(markdown=f"{plain(summary, _WHY)}."),
        Table(header=("Task", "Person", "How sure", "Why"), rows=rows),
        *notes_of((*request.notes, *notes)),
    ]
    if named:
        task = named[0].task.named
        blocks.append(
            Text(
                markdown=f"`/gryph match take {job} {task}` takes one; `decline`, `suggest` and "
                "`assign` work alike."
            )
        )
    return Done(summary, Reply(summary=summary, blocks=tuple(blocks)))


def _row(found: Found, given: Given) -> tuple[str, ...]:
    first = found.choice.first
    task = plain(f"{found.task.named} {found.task.title}", _TITLE)
    if first is None:
        return (task, "nobody", "", plain(given.why, _WHY))
    why = next(iter(found.reasons(first.person)), "")
    return (task, found.team.shown(first.person), first.band.value, why)


def _left_alone(tasks: Sequence[Wanted], held: Mapping[str, str]) -> Iterator[str]:
    closed = [one.named for one in tasks if not one.is_open]
    if closed:
        yield f"Closed, and left alone: {', '.join(closed)}."
    tasks = [one for one in tasks if one.is_open]
    said = [f"{one.named} ({plain(', '.join(one.given_to))})" for one in tasks if one.given_to]
    if said:
        yield f"Assigned already, and left alone: {', '.join(said)}."
    if held:
        taken = ", ".join(f"{task} ({who})" for task, who in held.items())
        yield f"Taken already, and left alone: {taken}."
