"""What a repository says of its people, for plans that do not."""

from dataclasses import replace

from engines.planning.reading.drafts import DraftPerson, DraftPlan
from engines.planning.reading.team_list import drafted_list
from engines.planning.types import CannotPlan

WHERE = "the repository's `.gryph.toml` (`[plan]`)"


def usual_of(said: str) -> DraftPlan:
    """People and time zone, as `PlanTalk.usual` says them. Raises CannotPlan."""
    try:
        return drafted_list(said)
    except CannotPlan as reason:
        raise CannotPlan(f"{WHERE}: {reason}") from reason


def with_usual(draft: DraftPlan, usual: DraftPlan) -> DraftPlan:
    """The plan with the repository's people, where it names nobody with more than a name, and its
    time zone, where it has none.
    """
    people = draft.people
    if all(map(_is_bare, people)):
        known = {one.id.casefold() for one in usual.people}
        people = (*usual.people, *(one for one in people if one.id.casefold() not in known))
    return replace(draft, people=people, zone=draft.zone or usual.zone)


def _is_bare(person: DraftPerson) -> bool:
    """Whether nothing is known of somebody but their name."""
    return replace(person, where="", name="") == DraftPerson("", person.id)
