"""The job behind `match`: read the history, rank its people, name somebody, and say why."""

from dataclasses import dataclass, replace

from engines.matching.types import Mode
from jobs.desk import Declined, Desk, Done
from jobs.match_batch import Spreader
from jobs.match_buttons import choice_buttons
from jobs.match_feedback import experience_of
from jobs.match_finding import found_for, looked_up
from jobs.match_history import Past, Pasts
from jobs.match_knowledge import Knower
from jobs.match_people import declined_by, requested, spread_of, team_of
from jobs.match_rows import held_told, keep, suggested_by
from jobs.matches_told import Found, match_reply, summary_of
from jobs.messages import Actions, Block
from jobs.requests import MatchBatch, MatchKnowledge, MatchTask
from jobs.wording import plain
from storage import matches
from storage.database import Database

_LOCAL = "local:"


@dataclass(frozen=True)
class Finder:
    """Serves every `match` of a worker."""

    database: Database
    pasts: Pasts

    def task(self, request: MatchTask, desk: Desk) -> Done:
        """Name somebody for one task. Raises Declined where it cannot be read."""
        with self.pasts.held(request, desk) as past:
            return self._named(request, past, desk)

    def _named(self, request: MatchTask, past: Past, desk: Desk) -> Done:
        experience = experience_of(self.database, request.repository, past)
        looked = looked_up(past, request.task, Mode(request.mode), experience)
        spread = spread_of(past, looked.mode, desk.watch) if request.spread else None
        team = team_of(past, request.open_work, self.database, request.asked_at, spread)
        declined = declined_by(self.database, request.repository, looked.target)
        person = requested(past, self.database, request.person)
        if person is not None and past.wrote(person, looked.query):
            raise Declined(
                f"{looked.task.named} is {plain(person.shown)}'s own, so somebody else has to "
                "review it."
            )
        found = found_for(looked, team, team.standings(declined), person)
        newcomers = past.newcomers_note() if looked.mode is Mode.AUTHOR else ()
        notes = (*request.notes, *found.notes, *newcomers, *past.notes())
        held = held_told(
            self.database, request.repository, looked.target, looked.mode, request.asked_at
        )
        found = replace(found, notes=notes, held=held)
        noted = suggested_by(found, looked, request.repository, desk.job)
        is_wished = not request.unasked or (found.choice.confident and past.only is None)
        is_told = bool(noted.people) and is_wished
        if is_told:
            self.database.write_now(lambda s: matches.suggest(s, noted, request.asked_at))
        keep([found], desk)
        actions = _actions(found, request, desk) if is_told and found.task.is_open else ()
        return Done(summary_of(found), match_reply(found, actions))

    def batch(self, request: MatchBatch, desk: Desk) -> Done:
        """Name somebody for each of several tasks."""
        return Spreader(self.database, self.pasts).run(request, desk)

    def knowledge(self, request: MatchKnowledge, desk: Desk) -> Done:
        """Tell who knows what. Raises Declined where the path is nowhere."""
        return Knower(self.database, self.pasts).run(request, desk)


def _actions(found: Found, request: MatchTask, desk: Desk) -> tuple[Block, ...]:
    on_host = found.task.number is not None and not request.repository.startswith(_LOCAL)
    return (Actions(actions=choice_buttons(desk.job, on_host=on_host)),)
