"""From a task to whom a history names for it: one task at a time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from engines.matching.assignment.choosing import Options, choose
from engines.matching.assignment.probabilities import probabilities
from engines.matching.assignment.standing import Standings, standing_of, why_not
from engines.matching.assignment.types import Band, Choice, Pick
from engines.matching.facts import Facts, facts_of, is_heard_of
from engines.matching.ownership import hoard
from engines.matching.types import Candidate, Mode, Person, Query, Ranking
from engines.text.words import query_words
from jobs.match_feedback import Experience, kept_of
from jobs.match_history import Past
from jobs.match_paths import Named, named_files
from jobs.match_people import Team
from jobs.matches_told import Found
from jobs.requests import Wanted
from jobs.wording import plain
from storage import matches

MOST_OFFERED = 10
"""People of a ranking who are kept, for when somebody declines."""
_UNMEASURED = 0.35
"""What may be believed at most of a probability that was calibrated for something else."""
MOST_TEXT = 2_000
"""Characters that a ranking looks at."""
_UNHEARD = (
    "No task of this history has a word of that, and no path: this is who would be the likeliest "
    "for any task."
)


@dataclass(frozen=True)
class Looked:
    """A task that was looked up in a history, and who is likely to be the one."""

    task: Wanted
    mode: Mode
    query: Query
    ranking: Ranking
    """The history's, with regard to what people decided before."""
    experience: Experience
    kept: matches.About
    """What there is to learn from, once somebody decides about it."""
    notes: tuple[str, ...]
    is_blind: bool = False
    """Whether nothing that it says was ever heard of here."""

    @property
    def target(self) -> str:
        """See `storage.matches.target_of`."""
        task = self.task
        text = f"{task.title}\n{task.text}"
        return matches.target_of(number=task.number, path=" ".join(sorted(task.files)), text=text)

    def decided(self, people: Sequence[Person]) -> Mapping[str, str]:
        """By the person's key what they decided about tasks like it, as a fact."""
        return self.experience.told(people, self.query, self.task.number)


def looked_up(past: Past, task: Wanted, mode: Mode, experience: Experience) -> Looked:
    """Rank everybody for a task. Raises Declined where a path of it is nowhere."""
    about = named_files(past, task)
    if about.is_text:
        word = task.files[0]
        text = f"{word}\n{task.text}".strip()
        task = task.model_copy(update={"named": "", "title": word, "text": text, "files": ()})
    query = _query(past, task, mode, about)
    ranking, notes = _ranked(past, query)
    is_blind = past.only is None and _is_blind(past, query)
    unheard = (_UNHEARD,) if is_blind and ranking.candidates else ()
    return Looked(
        task=task,
        mode=mode,
        query=query,
        ranking=experience.adjusted(ranking, query),
        experience=experience,
        kept=kept_of(query, ranking),
        notes=(*about.notes, *_of_task(task), *unheard, *notes),
        is_blind=is_blind,
    )


def found_for(looked: Looked, team: Team, standings: Standings, person: Person | None) -> Found:
    """Name somebody; `person` is who was asked for by name."""
    past, query = team.past, looked.query
    picks = probabilities(looked.ranking)
    alone = hoard(past.knowledge, query.files, past.now_s) if query.files else None
    wanted = [*(pick.person for pick in picks[:MOST_OFFERED]), *([person] if person else [])]
    facts = facts_by_key(past, query, wanted)
    options = Options(
        at_s=past.now_s,
        requested=person,
        prices=team.prices(),
        hoarded_by=alone.person if alone else None,
        learner=alone.learner if alone else None,
        facts=facts,
    )
    return Found(
        task=looked.task,
        mode=looked.mode,
        team=team,
        choice=_chosen(looked, standings, options),
        ranked=[
            pick
            for pick in picks[:MOST_OFFERED]
            if why_not(standing_of(standings, pick.person), 1.0, past.now_s) is None
        ],
        facts=facts,
        decided=looked.decided(wanted),
        notes=looked.notes,
        files=query.files,
        hoarded=len(alone.files) if alone else 0,
        is_asked_for=person is not None,
    )


def _chosen(looked: Looked, standings: Standings, options: Options) -> Choice:
    """Nobody who is likely is spared for somebody who is a long shot, and of what nothing is known
    nobody is sure.
    """
    choice = choose(looked.ranking, standings, options)
    if looked.is_blind and options.requested is None:
        choice = replace(choice, confident=False)
    best, first = choice.best, choice.first
    is_long_shot = best and first and first.band is Band.NONE and best.band is not Band.NONE
    if is_long_shot and options.requested is None:
        return choose(looked.ranking, standings, replace(options, prices={}))
    return choice


def found_given(looked: Looked, team: Team, first: Pick | None, declined: frozenset[str]) -> Found:
    """The same for a task of several, which was given to somebody in regard to the others."""
    past, at_s = team.past, team.past.now_s
    standings = team.standings(declined)
    picks = probabilities(looked.ranking)[:MOST_OFFERED]
    free = [one for one in picks if why_not(standing_of(standings, one.person), 1.0, at_s) is None]
    wanted = [one.person for one in (*free, *([first] if first else ()))]
    facts = facts_by_key(past, looked.query, wanted)
    return Found(
        task=looked.task,
        mode=looked.mode,
        team=team,
        choice=Choice(first, None, None, first, (), (), confident=first is not None),
        ranked=free,
        facts=facts,
        decided=looked.decided(wanted),
        notes=looked.notes,
    )


def facts_by_key(past: Past, query: Query, people: Iterable[Person]) -> Mapping[str, Facts]:
    """What is known of people in regard to a task."""
    indices = past.indices
    return {one.key: facts_of(past.knowledge, query, indices[one.key]) for one in people}


def _query(past: Past, task: Wanted, mode: Mode, about: Named) -> Query:
    text = "\n".join((task.title, " ".join(task.labels), task.text))[:MOST_TEXT]
    author = past.signature_of(task.author, task.signed) if mode is Mode.REVIEWER else None
    return Query(past.now_s, about.files, text.strip(), mode, author)


def _ranked(past: Past, query: Query) -> tuple[Ranking, tuple[str, ...]]:
    """The history's ranking, and what has to be told of it."""
    ranking = past.matcher.rank(query)
    if ranking.candidates:
        return ranking, past.untaught_note(query.mode)
    author = past.knowledge.people.known(query.author) if query.author else None
    own = None if author is None else past.knowledge.people.person(author).key
    if past.only is not None and past.only.key != own:  # who alone ever worked here needs none
        return Ranking((Candidate(past.only, 1.0),), 1.0), ()
    if query.mode is Mode.REVIEWER:
        able = past.matcher.rank(replace(query, mode=Mode.AUTHOR, author=None))
        ranking, notes = _able_to_review(able, own)
        return ranking, (*notes, *past.untaught_note(Mode.AUTHOR)) if notes else ()
    return ranking, ()


def _able_to_review(ranking: Ranking, own: str | None) -> tuple[Ranking, tuple[str, ...]]:
    """Those who would be able to do it, but for who did; how sure that is nobody has measured."""
    others = [one for one in ranking.candidates if one.person.key != own and one.score > 0]
    whole = sum(one.score for one in others)
    if not others:
        return Ranking((), 0.0), ()
    candidates = tuple(Candidate(one.person, one.score / whole) for one in others)
    note = "The history tells of hardly any reviews: named is who would be able to do it as well."
    return Ranking(candidates, min(ranking.confidence, _UNMEASURED)), (note,)


def _is_blind(past: Past, query: Query) -> bool:
    words = set(query_words(query.text))
    return not (
        query.files
        or is_heard_of(past.knowledge, query.text)
        or not words.isdisjoint(past.path_words)
    )


def _of_task(task: Wanted) -> Iterable[str]:
    """What is worth knowing of a task before somebody is asked."""
    if len(task.text) > MOST_TEXT:
        yield f"The ranking looks at the first {MOST_TEXT:,} characters of the text."
    if not task.is_open:
        yield f"{task.named} is closed."
    if task.assignees:
        who = ", ".join(plain(one) for one in task.assignees)
        yield f"{task.named} is assigned to {who} already."
    if task.asked_reviewers:
        who = ", ".join(plain(one) for one in task.asked_reviewers)
        yield f"{task.named} waits for a review by {who} already."
