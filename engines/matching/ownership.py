"""Who knows files, and which files too few people know.

Of a file one knows what one has changed of it, half of it for each year since. Somebody knows it if
they know at least a quarter of what the one who knows it best does, and are still active. The bus
factor is the truck factor of Avelino, Passos, Hora and Valente, A novel approach for estimating
truck factors (ICPC 2016), over those who know: people who have gone are lost already. Their own
degree of authorship does not forget; it misses those who work on old files now (README).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from engines.matching.facts import DAY_S, LATELY_DAYS
from engines.matching.knowledge import Knowledge, before, directories_of
from engines.matching.types import Person

HALF_LIFE_DAYS = 365
ACTIVE_DAYS = 180
YEAR_DAYS = 365
_NEAR_TO_BEST = 0.25
_ABANDONED = 0.5
_OFTEN = 2
"""Changes in a year from which a file's risk is worth reading about."""
_MOST_GONE = 3


class Holder(NamedTuple):
    """What one person has done to some files."""

    person: Person
    tasks: int
    lines: int
    """Added and deleted in these files."""
    share: float
    """Of the tasks that changed them, each counting half as much after a year; all add up to 1."""
    last_s: int
    is_active: bool
    """Anything of theirs was merged in the last 180 days."""
    knows: int
    """How many of the files, as long as they are active."""


@dataclass(frozen=True, slots=True)
class Ownership:
    """Who has to do with some files."""

    files: tuple[str, ...]
    """Those that were found; sorted."""
    holders: tuple[Holder, ...]
    """Everybody who changed them, the largest share first."""
    bus_factor: int
    """How many active people must go until more than half of the files have nobody who knows them;
    0 if that is so already.
    """


class Hoard(NamedTuple):
    """Files that one active person alone knows."""

    person: Person
    files: tuple[str, ...]
    learner: Person | None
    """Of the first of them: see `Risk`."""


@dataclass(frozen=True, slots=True)
class Risk:
    """A file that is changed often and known to one active person, or to nobody any more."""

    path: str
    knower: Person | None
    gone: tuple[Person, ...]
    """Who knew it, at most three; the one who did most first."""
    changes_lately: int
    """Tasks of people in the last 90 days."""
    changes_year: int
    """In the last 365."""
    learner: Person | None
    """The nearest active person who does not know it."""


@dataclass(frozen=True, slots=True)
class AreaAtRisk:
    """The files at risk of one directory."""

    directory: str
    """"" for the root."""
    files: int
    changes_year: int
    """Summed over these files."""
    worst: tuple[Risk, ...]


class _Scene:
    """A history at one time."""

    def __init__(self, knowledge: Knowledge, at_s: int) -> None:
        self.knowledge = knowledge
        self.at_s = at_s
        self.known = knowledge.known_at(at_s)
        since = self.first_since(ACTIVE_DAYS)
        self.active = {
            index
            for index in knowledge.workers()
            if (worked := before(knowledge.worked_on(index), self.known)) and worked[-1] >= since
        }

    def first_since(self, days: int) -> int:
        return min(self.known, self.knowledge.known_at(self.at_s - days * DAY_S))

    def positions_of(self, path: str) -> list[int]:
        """Tasks of people that changed a file."""
        knowledge = self.knowledge
        positions = [change.position for change in knowledge.changes_of(path)]
        return [at for at in before(positions, self.known) if not knowledge.tasks[at].by_bot]

    def authors_of(self, path: str) -> list[int]:
        """Who knows a file, best first, or would if they had not gone."""
        known: dict[int, float] = {}
        for position in self.positions_of(path):
            weight = self.weight(position)
            for index in self.knowledge.doers(position):
                known[index] = known.get(index, 0.0) + weight
        least = _NEAR_TO_BEST * max(known.values(), default=0.0)
        authors = [index for index, much in known.items() if much >= least]
        return sorted(authors, key=lambda index: (-known[index], self.key(index)))

    def weight(self, position: int) -> float:
        """What is left of a task."""
        age_s = self.at_s - self.knowledge.tasks[position].merged_s
        return 2.0 ** (-age_s / (HALF_LIFE_DAYS * DAY_S))

    def knowers_of(self, path: str) -> list[int]:
        return [index for index in self.authors_of(path) if index in self.active]

    def key(self, index: int) -> str:
        return self.knowledge.people.person(index).key


def ownership(
    knowledge: Knowledge, paths: Iterable[str], at_s: int, existing: Collection[str] | None = None
) -> Ownership:
    """Who has to do with files and with everything in directories.

    `existing` are the files that are there at the time; without it, those that were deleted count
    as well.
    """
    scene = _Scene(knowledge, at_s)
    files = _found(scene, paths, existing)
    knowers = [scene.knowers_of(path) for path in files]
    authored = Counter(index for path in files for index in scene.authors_of(path))
    return Ownership(tuple(files), _holders(scene, files, authored), _truck_factor(scene, knowers))


def hoard(knowledge: Knowledge, files: Sequence[str], at_s: int) -> Hoard | None:
    """Who alone knows at least half of those of the files that anybody ever changed."""
    scene = _Scene(knowledge, at_s)
    changed = [path for path in dict.fromkeys(files) if scene.positions_of(path)]
    alone: dict[int, list[str]] = {}
    for path in changed:
        knowers = scene.knowers_of(path)
        if len(knowers) == 1:
            alone.setdefault(knowers[0], []).append(path)
    if not alone:
        return None
    index = min(alone, key=lambda one: (-len(alone[one]), scene.key(one)))
    if 2 * len(alone[index]) < len(changed):
        return None
    learner = _nearest(scene, alone[index][0], [index])
    person = knowledge.people.person
    found = None if learner is None else person(learner)
    return Hoard(person(index), tuple(alone[index]), found)


def risks(
    knowledge: Knowledge,
    at_s: int,
    existing: Collection[str],
    most_areas: int = 10,
    most_files: int = 5,
) -> list[AreaAtRisk]:
    """Directories with files at risk, those that are changed most often first."""
    scene = _Scene(knowledge, at_s)
    lately, year = scene.first_since(LATELY_DAYS), scene.first_since(YEAR_DAYS)
    found: dict[str, list[Risk]] = {}
    for path in sorted(existing):
        positions = scene.positions_of(path)
        in_year = len(positions) - len(before(positions, year))
        if in_year < _OFTEN:
            continue
        in_lately = len(positions) - len(before(positions, lately))
        risk = _risk(scene, path, in_lately, in_year)
        if risk is not None:
            found.setdefault(next(iter(directories_of(path)), ""), []).append(risk)
    areas = [_area(directory, those, most_files) for directory, those in found.items()]
    areas.sort(key=lambda area: (-area.changes_year, area.directory))
    return areas[:most_areas]


def _found(scene: _Scene, paths: Iterable[str], existing: Collection[str] | None) -> list[str]:
    wanted = {path.strip("/") for path in paths}
    everywhere = bool(wanted & {"", "."})
    there = scene.knowledge.paths() if existing is None else existing
    return sorted(
        path
        for path in there
        if (everywhere or path in wanted or not wanted.isdisjoint(directories_of(path)))
        and scene.positions_of(path)
    )


def _holders(scene: _Scene, files: Sequence[str], knows: Counter[int]) -> tuple[Holder, ...]:
    knowledge = scene.knowledge
    lines: Counter[int] = Counter()
    positions: dict[int, set[int]] = {}
    for path in files:
        for position, changed in knowledge.changes_of(path):
            if position >= scene.known:
                break
            for index in knowledge.doers(position):
                lines[index] += changed
                positions.setdefault(index, set()).add(position)
    weights = {
        # In order, so that a sum is the same each time.
        index: sum(scene.weight(position) for position in sorted(those))
        for index, those in positions.items()
    }
    whole = sum(weights.values())
    holders = [
        Holder(
            person=knowledge.people.person(index),
            tasks=len(those),
            lines=lines[index],
            share=weights[index] / whole,
            last_s=knowledge.tasks[max(those)].merged_s,
            is_active=index in scene.active,
            knows=knows[index],
        )
        for index, those in positions.items()
    ]
    return tuple(sorted(holders, key=lambda one: (-one.share, -one.tasks, one.person.key)))


def _truck_factor(scene: _Scene, knowers: Sequence[Sequence[int]]) -> int:
    """Takes out whoever knows most files until more than half of the files have nobody."""
    left = [set(those) for those in knowers]
    removed = 0
    while left and sum(1 for those in left if not those) <= _ABANDONED * len(left):
        counts = Counter(index for those in left for index in those)
        top = min(counts, key=lambda index: (-counts[index], scene.key(index)))
        for those in left:
            those.discard(top)
        removed += 1
    return removed


def _risk(scene: _Scene, path: str, lately: int, year: int) -> Risk | None:
    authors = scene.authors_of(path)
    knowers = [index for index in authors if index in scene.active]
    if len(knowers) > 1 or not authors:
        return None
    person = scene.knowledge.people.person
    learner = _nearest(scene, path, knowers)
    gone = [index for index in authors if index not in scene.active]
    return Risk(
        path=path,
        knower=person(knowers[0]) if knowers else None,
        gone=tuple(person(index) for index in gone[:_MOST_GONE]),
        changes_lately=lately,
        changes_year=year,
        learner=None if learner is None else person(learner),
    )


def _nearest(scene: _Scene, path: str, knowers: Sequence[int]) -> int | None:
    """Who changed the file most among those who do not know it; else its nearest directory."""
    knowledge = scene.knowledge
    year = scene.first_since(YEAR_DAYS)
    areas = [before(knowledge.under(directory), scene.known) for directory in directories_of(path)]
    recent = [those[len(before(those, year)) :] for those in areas]
    for positions in (scene.positions_of(path), *recent):
        counts = Counter(index for at in positions for index in knowledge.doers(at))
        able = [index for index in counts if index in scene.active and index not in knowers]
        if able:
            return min(able, key=lambda index: (-counts[index], scene.key(index)))
    return None


def _area(directory: str, those: Sequence[Risk], most_files: int) -> AreaAtRisk:
    worst = sorted(those, key=lambda one: (-one.changes_lately, -one.changes_year, one.path))
    total = sum(one.changes_year for one in those)
    return AreaAtRisk(directory, len(those), total, tuple(worst[:most_files]))
