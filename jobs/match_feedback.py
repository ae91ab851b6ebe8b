"""What people decided about a repository's earlier suggestions, for the next one to regard."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from engines.matching.feedback import (
    LATELY_DAYS,
    About,
    Feedback,
    Tried,
    about,
    rarity_in,
    words_of,
)
from engines.matching.state.evidence import MOST_FILES
from engines.matching.types import Mode, Person, Query, Ranking, Signature
from jobs.match_buttons import AWAY, BUSY, NOT_MINE
from jobs.match_history import Past
from jobs.wording import count
from storage import matches
from storage.database import Database
from storage.match_labels import Label, labels_of

MOST_ROWS = 1_000
"""Rows that are learned from, the latest."""
MOST_BELIEVED = 10
"""People of a ranking of whom it is kept how likely the history made them."""
_UNSAID = 0.5
"""What a refusal says of what somebody knows whose reason is not said, or not understood."""
_WORD = re.compile(r"[a-z]+(?:-[a-z]+)*")
_OF_AREA = re.compile(
    rf"\b(?:{NOT_MINE}|unfamiliar"
    r"|(?:not|never|no|outside|out of|isn['\u2019]?t)"
    r"(?: (?:an?|any|in|of|my|our|quite|really|so|that|the|too|very))*"
    r" (?:area|domain|expert|expertise|familiar|mine))\b"
)
"""What says so of the task itself: "finish mine first" and "ask the expert" do not."""
_OF_TIME = frozenset(
    (
        *(BUSY, AWAY, "bandwidth", "capacity", "holiday", "holidays", "leave", "ooo"),
        *("overloaded", "sick", "swamped", "time", "travelling", "vacation"),
    )
)


@dataclass(frozen=True)
class Experience:
    """What a repository's people decided so far."""

    by_mode: Mapping[Mode, Feedback]
    at_s: int

    def adjusted(self, ranking: Ranking, query: Query) -> Ranking:
        """The history's ranking, with regard to it."""
        return self.by_mode[query.mode].adjusted(ranking, _of_query(query), self.at_s)

    def told(self, people: Iterable[Person], query: Query, number: int | None) -> Mapping[str, str]:
        """By the person's key the one fact of it that is worth telling, of whom there is one."""
        feedback, task = self.by_mode[query.mode], _of_query(query)
        found: dict[str, str] = {}
        for person in people:
            taken, declined = feedback.count(person.key, task, self.at_s, number=number)
            lately = f"like this in the last {LATELY_DAYS} days"
            if declined:
                found[person.key] = f"declined {count(declined, 'task')} {lately}: not their area"
            elif taken:
                found[person.key] = f"took or was assigned {count(taken, 'task')} {lately}"
        return found


def experience_of(database: Database, repository: str, past: Past) -> Experience:
    """Everything that was decided about a repository's suggestions, as far as it is kept."""
    labels = database.read_now(lambda s: labels_of(s, repository, MOST_ROWS))
    rarity = rarity_in(past.knowledge)
    tried = {mode: list(_tried(labels, mode, past)) for mode in Mode}
    by_mode = {mode: Feedback(each, rarity) for mode, each in tried.items()}
    return Experience(by_mode, past.now_s)


def kept_of(query: Query, ranking: Ranking) -> matches.About:
    """What is kept of a task and of what the history alone said, to learn from."""
    believed = {one.person.key: one.score for one in ranking.candidates[:MOST_BELIEVED]}
    return matches.About(query.files[:MOST_FILES], words_of(query.text), believed)


def weight_of(reason: str) -> float:
    """How much a refusal says of what somebody knows, by the reason that they gave: nothing where
    they have no time.
    """
    said = " ".join(reason.casefold().split())
    is_area = _OF_AREA.search(said) is not None
    is_time = not _OF_TIME.isdisjoint(_WORD.findall(said))
    return _UNSAID if is_area == is_time else float(is_area)


def _of_query(query: Query) -> About:
    return about(query.files, words_of(query.text))


def _tried(labels: Sequence[Label], mode: Mode, past: Past) -> Iterator[Tried]:
    """Of each issue or pull request the last suggestion: what is asked twice is decided once."""
    last: dict[str, Tried] = {}
    for label in labels:
        if label.mode != mode or label.decided_at is None:
            continue
        target = label.job + label.target if label.number is None else label.target
        before = last.get(target)
        found = _one(label, label.decided_at.timestamp(), past)
        last[target] = found if before is None else _both(before, found)
    yield from last.values()


def _one(label: Label, decided_s: float, past: Past) -> Tried:
    kept = label.about
    return Tried(
        asked_s=int(label.asked_at.timestamp()),
        decided_s=int(decided_s),
        about=about(kept.files, kept.words),
        believed={_key_now(past, key): much for key, much in kept.believed.items()},
        named=_key_now(past, label.shown[0]),
        right=_key_now(past, label.right, label.right_login) if label.right else None,
        declined={_key_now(past, one.key): weight_of(one.reason) for one in label.declined},
        number=label.number,
    )


def _both(before: Tried, after: Tried) -> Tried:
    """One task that two jobs named people for."""
    return Tried(
        asked_s=before.asked_s,
        decided_s=max(before.decided_s, after.decided_s),
        about=after.about,
        believed=before.believed,
        named=before.named,
        right=after.right or before.right,
        declined={**before.declined, **after.declined},
        number=after.number,
    )


def _key_now(past: Past, key: str, login: str | None = None) -> str:
    """Somebody's key in the history as it is now: with it grows who is known to be whom."""
    people = past.knowledge.people
    if key in past.indices:
        return key
    owner = people.owner(login) if login else people.known(Signature("", key))
    return key if owner is None else people.person(owner).key
