"""What a person is told for whose job there is no room: what is full, how long, what to do."""

from bot.line import about, ordinal
from jobs.messages import Action, Actions, Reply, Suggestion, Text
from storage.bounds import Bound, Full
from storage.ledger import NewJob
from storage.line import Line, Pace
from storage.states import Urgency

APPROVAL = "There is room again when somebody with write access approves one, or one is cancelled."


def no_room(full: Full, new: NewJob, line: Line) -> Reply:
    """An answer in place of the job; `line` tells when the first of those that wait may start."""
    what = _what(full, new)
    when = APPROVAL if new.waits_for else _when(full, new, line)
    markdown = f"{what} {when} {_remedy(full)}"
    buttons: list[Action | Suggestion] = [Suggestion(line=new.line, label="Try again")]
    if full.own is not None:
        buttons.append(Action(verb="cancel", label="Cancel", job=full.own, destructive=True))
    blocks = (Text(markdown=markdown), Actions(actions=tuple(buttons)))
    return Reply(summary=what, blocks=blocks)


def _what(full: Full, new: NewJob) -> str:
    number = len(full.jobs)
    kind = "scheduled jobs" if new.urgency is Urgency.BACKGROUND else "jobs"
    where = "for an approval" if new.waits_for else f"in the `{new.queue}` line"
    wait = "waits" if number == 1 else "wait"
    match full.bound:
        case Bound.PERSON:
            what = f"{number} of your {kind} {wait} {where}, and nobody may have more there."
        case Bound.REPOSITORY:
            what = (
                f"{number} of the {kind} for `{new.repository}` {wait} {where}, "
                "and no repository may have more there."
            )
        case Bound.LINE:
            what = f"{number} {kind} {wait} {where}, and it holds no more."
    return f"Not taken: {what}"


def _when(full: Full, new: NewJob, line: Line) -> str:
    """When the first of them is expected to start, and so to make room."""
    pace = line.paces.get(new.queue, Pace())
    places = [line.ahead[job] for job in full.jobs if job in line.ahead]
    # Asked for in the same message: those who stand in line already go first, at most.
    ahead = min(places, default=pace.queued)
    place = f" is {'next' if ahead == 0 else ordinal(ahead + 1)} in line and" if places else " is"
    wait_s = pace.wait_s(ahead)
    if wait_s is not None:
        return f"The first of them{place} expected to start in {about(wait_s)}: try again then."
    why = "nothing runs at the moment" if pace.running == 0 else "no job has ended here lately"
    return f"When the first of them starts I cannot tell, since {why}."


def _remedy(full: Full) -> str:
    if full.own is None:
        return "`/gryph status` tells how many wait by then."
    return f"`/gryph status` shows yours; `/gryph cancel {full.own}` makes room at once."
