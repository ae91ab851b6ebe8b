"""A match in words: who, how sure that is, why, and who was left out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from engines.matching.assignment.types import Choice, Pick, Role
from engines.matching.facts import Facts, told
from engines.matching.types import MERGED_BEFORE, Mode, Person
from jobs.match_people import Team
from jobs.messages import Block, Collapsible, Heading, Reply, Table, Text
from jobs.requests import Wanted
from jobs.wording import count, notes_of, one_line, plain

MOST_REASONS, SECOND_REASONS = 5, 3
MOST_NEXT = 5
"""Of the ranking, below those who are named."""
_TITLE, _REASON = 100, 300


@dataclass(frozen=True)
class Found:
    """What was found for one task."""

    task: Wanted
    mode: Mode
    team: Team
    choice: Choice
    ranked: Sequence[Pick]
    """Everybody who may be named, best first."""
    facts: Mapping[str, Facts]
    """By the person's key, of those who are told of."""
    decided: Mapping[str, str] = field(default_factory=dict[str, str])
    """By the person's key what they decided about tasks like it."""
    notes: tuple[str, ...] = field(default=())
    files: tuple[str, ...] = ()
    """That the task is about."""
    hoarded: int = 0
    """Files that the first alone knows."""
    is_asked_for: bool = False
    """Whether the first was asked for by name."""
    held: str = ""
    """Who does it already, as Markdown; empty where nobody is known to."""

    @property
    def is_alone(self) -> bool:
        """Whether nobody else ever worked here."""
        return self.team.past.only is not None

    @property
    def named(self) -> str:
        """The task in one line; Markdown means nothing where it stands."""
        what = self.task.named or f"“{self.task.title}”"
        title = f" {self.task.title}" if self.task.number is not None else ""
        return one_line(f"{what}{title}", _TITLE)

    def reasons(self, person: Person, most: int = MOST_REASONS) -> tuple[str, ...]:
        """Facts about somebody, as Markdown: of the history, what they decided about such tasks,
        and what they have to do.
        """
        facts = self.facts.get(person.key)
        said = told(facts) if facts is not None else []
        kept = said if len(said) <= most else [*said[: most - 1], said[-1]]
        besides = (self.decided.get(person.key), self.team.load_told(person))
        return tuple(plain(one, _REASON) for one in (*kept, *besides) if one)


def summary_of(found: Found) -> str:
    """In one plain line."""
    first = found.choice.first
    if first is None:
        return f"Nobody to name for {found.named}"
    who = found.team.called(first.person)
    if found.is_alone:
        return f"Only {who} has worked here"
    if found.is_asked_for:
        return f"{who} for {found.named}, as asked"
    if not found.choice.confident:
        return f"No confident candidate for {found.named}; nearest is {who}"
    return f"{who} for {found.named}: {first.band.value}"


def match_reply(found: Found, actions: Sequence[Block]) -> Reply:
    """All of it."""
    doing = "work on" if found.task.files and not found.task.is_pull else "take"
    doing = "review" if found.mode is Mode.REVIEWER else doing
    blocks: list[Block] = [
        Heading(text=f"Who should {doing} {found.named}"),
        *([Text(markdown=found.held)] if found.held else ()),
        *_first(found),
        *_second(found),
        *_left_out(found),
        *_next(found),
        *notes_of(found.notes),
        *actions,
    ]
    return Reply(summary=summary_of(found), blocks=tuple(blocks))


def _first(found: Found) -> Iterator[Block]:
    choice = found.choice
    if choice.first is None:
        yield Text(markdown=_nobody(found))
        return
    who = f"**{found.team.shown(choice.first.person)}**"
    if found.is_alone:
        said = f"Only {who} has worked here, so there is nobody else to name."
    elif found.is_asked_for:
        said = f"{who}, as asked; by the history {choice.first.band.value}:"
    elif choice.confident:
        said = f"{who}, {choice.first.band.value}:"
    else:
        said = f"No confident candidate. The nearest is {who}:"
    yield Text(markdown=_with_reasons(said, found.reasons(choice.first.person)))
    if choice.warnings:
        yield Text(markdown="\n".join(f"⚠ {plain(one, _REASON)}" for one in choice.warnings))


def _nobody(found: Found) -> str:
    only = found.team.past.only
    if only is not None and not found.choice.skipped:
        return f"Only {found.team.shown(only)} has worked here, and it is theirs."
    if found.choice.skipped:
        return "Nobody who is likely can take it now."
    what = "tasks merged" if found.mode is Mode.AUTHOR else "reviews"
    most = found.team.past.everybody[:3]
    knowledge, indices = found.team.past.knowledge, found.team.past.indices
    told_of = ", ".join(
        f"{found.team.shown(one)} ({count(len(knowledge.worked_on(indices[one.key])), 'task')})"
        for one in most
    )
    return (
        f"No confident candidate: nobody has had {MERGED_BEFORE} {what} here, which is the least "
        f"that I name people by. Those who did most are {told_of}."
    )


def _second(found: Found) -> Iterator[Block]:
    choice = found.choice
    if choice.second is None or choice.first is None:
        return
    who = f"**{found.team.shown(choice.second.person)}**"
    if choice.role is Role.LEARNER:
        first = found.team.shown(choice.first.person)
        of = len(found.files)
        files = "this file" if of == 1 else f"{found.hoarded} of the {of} files"
        said = f"To learn, {who}: {first} alone knows {files}."
    else:
        said = f"As back-up, {who}, {choice.second.band.value}:"
    yield Text(markdown=_with_reasons(said, found.reasons(choice.second.person, SECOND_REASONS)))


def _left_out(found: Found) -> Iterator[Block]:
    choice, shown = found.choice, found.team.shown
    if choice.skipped:
        those = ", ".join(f"{shown(one.person)} ({plain(one.why)})" for one in choice.skipped)
        yield Text(markdown=f"Left out: {those}.")
    best, first = choice.best, choice.first
    if best and first and best.person != first.person and not found.is_asked_for:
        why = found.team.why_spared(best.person, first.person)
        yield Text(markdown=f"If load did not count it would be {shown(best.person)}, who {why}.")


def _next(found: Found) -> Iterator[Block]:
    named = {one.person.key for one in (found.choice.first, found.choice.second) if one}
    rest = [pick for pick in found.ranked if pick.person.key not in named][:MOST_NEXT]
    if rest:
        rows = tuple(
            (
                found.team.shown(pick.person),
                pick.band.value,
                next(iter(found.reasons(pick.person)), ""),
            )
            for pick in rest
        )
        table = Table(header=("Person", "How sure", "Strongest fact"), rows=rows)
        yield Collapsible(title="Next in the ranking", blocks=(table,))


def _with_reasons(said: str, reasons: Sequence[str]) -> str:
    return "\n".join((said, "", *(f"- {one}" for one in reasons))) if reasons else said
