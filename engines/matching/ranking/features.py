"""What is measured of each candidate for a task: one row a person, one column a measure.

Every measure is taken against the others of the same ranking (a share of the sum, a share of the
best) or is a time, so that what is learned in one repository holds in another.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np

from engines.matching.ranking.asked import Asked, asked_of
from engines.matching.ranking.shown import Singles
from engines.matching.state.evidence import Evidence, folders_of, kinds_of, names_of
from engines.matching.state.log import Spans
from engines.matching.state.similar import Alike
from engines.matching.state.table import (
    COUNT,
    FRESH,
    FRESH_DAYS,
    LAST,
    LONG,
    LONG_DAYS,
    SHORT,
    SHORT_DAYS,
    Floats,
    Gathered,
    Ints,
    Table,
    growth,
    sums,
)
from engines.matching.types import Mode, Query

SPANS = Spans(days=(1.0, 3.0, 10.0, 30.0, 90.0, 180.0, 720.0), lines=(10.0, 50.0))
_SPAN_NAMES = (*(f"{days:g}" for days in SPANS.days), *(f"of {lines:g}" for lines in SPANS.lines))
_MONTH, _HALF_YEAR = 3, 5
"""Places among the spans."""
_COLUMN_NAMES = ("fresh", "short", "long", "ever")
_TELLING = (
    "active 180:best",
    "active 720:best",
    "reviews 180:best",
    "file owned:best",
    "folder owned:best",
    "like path:best",
    "like text:best",
)
"""By which an unlikely candidate is told."""
_NEAREST = 40
"""Earlier tasks that speak for their authors."""


class Measures:
    """Columns in the making."""

    def __init__(self, rows: int) -> None:
        """For so many candidates."""
        self.names: list[str] = []
        self.columns: list[Floats] = []
        self._rows = rows

    def plain(self, name: str, values: Floats) -> None:
        """A measure that says the same in every ranking."""
        self.names.append(name)
        self.columns.append(values)

    def amount(self, name: str, values: Floats) -> None:
        """A measure that says something only beside the others': its share, and how near it comes
        to the best.
        """
        total, most = float(values.sum()), float(values.max(initial=0.0))
        self.plain(f"{name}:share", values / total if total > 0 else np.zeros(self._rows))
        self.plain(f"{name}:best", values / most if most > 0 else np.zeros(self._rows))

    def count(self, name: str, values: Floats) -> None:
        """An amount whose size counts too."""
        self.amount(name, values)
        self.plain(f"{name}:log", np.log1p(values))

    def order(self, name: str, values: Floats) -> None:
        """The place of each in the order of a measure, the largest first: 1, 1/2, 1/3 …"""
        places = np.empty(self._rows)
        places[np.argsort(-values, kind="stable")] = np.arange(self._rows)
        self.plain(f"{name}:place", 1.0 / (1.0 + places))

    def likeliest(self, most: int) -> Ints:
        """(at most `most`,) Rows of who was active, or near the task, ascending."""
        if self._rows <= most:
            return np.arange(self._rows)
        points = np.sum([self.columns[self.names.index(name)] for name in _TELLING], axis=0)
        return np.sort(np.argsort(-points, kind="stable")[:most])

    def matrix(self) -> Singles:
        """(candidates, measures)."""
        return np.stack(self.columns, axis=1).astype(np.float32)


@lru_cache(maxsize=2)
def measure_names(mode: Mode) -> tuple[str, ...]:
    """What the columns are, in their order."""
    nothing, query = Evidence(), Query(0, mode=mode)
    return tuple(measures_of(asked_of(nothing, query, [0])).names)


def measures_of(asked: Asked) -> Measures:
    """All measures of a query's candidates."""
    measures = Measures(asked.rows)
    _activity(asked, measures)
    _files(asked, measures)
    _folders(asked, measures)
    _texts(asked, measures)
    _likes(asked, measures)
    _reviews(asked, measures)
    _task(asked, measures)
    return measures


def _activity(asked: Asked, measures: Measures) -> None:
    evidence = asked.evidence
    counts, idle, since = evidence.work.activity(asked.row_of, asked.rows, asked.day, SPANS)
    _spans("active", counts, measures)
    measures.plain("idle", np.log1p(idle))
    measures.order("idle", -idle)
    measures.plain("since", np.log1p(since))
    ever = np.array([evidence.authored[person] for person in asked.candidates], float)
    measures.count("ever", ever)
    began = np.array([evidence.began.get(person, asked.day) for person in asked.candidates])
    measures.plain("tenure", np.log1p(np.maximum(asked.day - began, 0.0)))


def _spans(name: str, counts: Floats, measures: Measures) -> None:
    """How much lately, (candidates, spans), and who leads in a month and in half a year."""
    for span, column in zip(_SPAN_NAMES, counts.T, strict=True):
        measures.count(f"{name} {span}", column)
    measures.order(f"{name} 30", counts[:, _MONTH])
    measures.order(f"{name} 180", counts[:, _HALF_YEAR])


def _files(asked: Asked, measures: Measures) -> None:
    evidence, paths = asked.evidence, asked.paths
    known = max(sum(path in evidence.files for path in paths), 1)
    gathered = evidence.files.gather(paths, asked.row_of)
    _ownership("file", asked, gathered, measures)
    has = sums(gathered.rows, np.ones(len(gathered.rows)), asked.rows) / known
    measures.plain("file:known", has)
    latest = gathered.values[:, LAST] >= gathered.totals[:, LAST]
    measures.plain("file:latest", sums(gathered.rows, latest, asked.rows) / known)
    rarity = 1.0 / (1.0 + np.log1p(gathered.totals[:, COUNT]))
    share = gathered.values[:, LONG] / np.maximum(gathered.totals[:, LONG], 1e-300)
    measures.amount("file rare", sums(gathered.rows, share * rarity, asked.rows))
    lines = evidence.lines.gather(paths, asked.row_of)
    of_lines = lines.values[:, COUNT] / np.maximum(lines.totals[:, COUNT], 1e-300)
    measures.amount("lines", sums(lines.rows, of_lines, asked.rows))
    near = evidence.neighbours(paths)
    together = evidence.files.gather(near, asked.row_of)
    strengths = np.array([*near.values(), 0.0])[together.keys]
    shares = together.values[:, LONG] / np.maximum(together.totals[:, LONG], 1e-300)
    measures.amount("together", sums(together.rows, shares * strengths, asked.rows))


def _own_folders(paths: Sequence[str]) -> list[str]:
    """The folders that files lie in, each once."""
    return list(dict.fromkeys(path[: path.rfind("/") + 1] or "/" for path in paths))


def _folders(asked: Asked, measures: Measures) -> None:
    evidence, paths = asked.evidence, asked.paths
    own = _own_folders(paths)
    _ownership("folder", asked, evidence.folders.gather(own, asked.row_of), measures)
    above = [folder for folder in folders_of(paths) if folder not in own]
    gathered = evidence.folders.gather(above, asked.row_of)
    measures.amount("above", _share(gathered, asked.rows, LONG))
    tops = list(dict.fromkeys("/".join(path.split("/")[:-1][:2]) + "/" for path in paths))
    measures.amount("top", _share(evidence.folders.gather(tops, asked.row_of), asked.rows, LONG))
    names = _weighted(evidence.path_words, names_of(paths), asked)
    for column, values in zip(_COLUMN_NAMES, names, strict=True):
        measures.amount(f"names {column}", values)
    kinds = evidence.kinds.gather(kinds_of(paths), asked.row_of)
    measures.amount("kinds", _share(kinds, asked.rows, LONG))


def _texts(asked: Asked, measures: Measures) -> None:
    said = dict.fromkeys(asked.words)
    profile = _weighted(asked.evidence.words, said, asked)
    for column, values in zip(_COLUMN_NAMES, profile, strict=True):
        measures.amount(f"words {column}", values)


def _likes(asked: Asked, measures: Measures) -> None:
    evidence = asked.evidence
    for name, alike in (("text", asked.like_text), ("path", asked.like_path)):
        _nearest(asked, alike, evidence.work.people, measures, f"like {name}")
        dense = dict(zip(alike.tasks.tolist(), alike.scores.tolist(), strict=True))
        latest = [
            max((dense.get(task, 0.0) for task in evidence.latest.get(person, ())), default=0.0)
            for person in asked.candidates
        ]
        measures.plain(f"latest {name}", np.array(latest))
        measures.amount(f"latest {name}", np.array(latest))


def _nearest(asked: Asked, alike: Alike, people: Ints, measures: Measures, name: str) -> None:
    """How much the most similar tasks speak for their people: by similarity, by similarity and
    age, and by the most similar one of each.
    """
    order = np.argsort(-alike.scores, kind="stable")[:_NEAREST]
    tasks, scores = alike.tasks[order], alike.scores[order]
    rows = asked.row_of[people[tasks]]
    at = rows >= 0
    rows, scores, tasks = rows[at], scores[at], tasks[at]
    ages = np.maximum(asked.day - asked.evidence.work.days[tasks], 0.0)
    best = np.zeros(asked.rows)
    np.maximum.at(best, rows, scores)
    squares = scores**2
    measures.amount(name, sums(rows, squares, asked.rows))
    for kind, half_life in (("fresh", FRESH_DAYS), ("short", SHORT_DAYS), ("long", LONG_DAYS)):
        decayed = squares * np.exp2(-ages / half_life)
        measures.amount(f"{name} {kind}", sums(rows, decayed, asked.rows))
    measures.plain(f"{name} best", best)


def _reviews(asked: Asked, measures: Measures) -> None:
    evidence = asked.evidence
    counts, idle, _ = evidence.reviews.activity(asked.row_of, asked.rows, asked.day, SPANS)
    _spans("reviews", counts, measures)
    measures.plain("reviews idle", np.log1p(idle))
    seen = evidence.seen_files.gather(asked.paths, asked.row_of)
    measures.amount("seen file", _share(seen, asked.rows, LONG))
    measures.amount("seen file short", _share(seen, asked.rows, SHORT))
    folders = evidence.seen_folders.gather(_own_folders(asked.paths), asked.row_of)
    measures.amount("seen folder", _share(folders, asked.rows, LONG))
    measures.amount("seen folder short", _share(folders, asked.rows, SHORT))
    said = dict.fromkeys(asked.words)
    measures.amount("seen words", _weighted(evidence.seen_words, said, asked)[2])
    author = evidence.author_of(asked.query)
    pairs = evidence.pairs.gather([str(author)], asked.row_of)
    _ownership("pair", asked, pairs, measures)
    if asked.query.mode is Mode.REVIEWER:
        for name, alike in (("text", asked.like_text), ("path", asked.like_path)):
            _nearest(asked, alike, evidence.first_reviewers.people, measures, f"seen like {name}")


def _task(asked: Asked, measures: Measures) -> None:
    """The same for every candidate: what the other measures are worth here."""
    evidence, rows = asked.evidence, asked.rows
    known = sum(path in evidence.files for path in asked.paths)
    for name, value in (
        ("candidates", np.log1p(rows)),
        ("paths", np.log1p(len(asked.paths))),
        ("known paths", known / max(len(asked.paths), 1)),
        ("words", np.log1p(len(asked.words))),
        ("history", np.log1p(evidence.observed)),
    ):
        measures.plain(name, np.full(rows, float(value)))


def _ownership(name: str, asked: Asked, gathered: Gathered, measures: Measures) -> None:
    rows, values, totals = gathered.rows, gathered.values, gathered.totals
    age = asked.day - asked.evidence.origin
    short = values[:, SHORT] / growth(age, SHORT_DAYS)
    long = values[:, LONG] / growth(age, LONG_DAYS)
    fresh = values[:, FRESH] / np.maximum(totals[:, FRESH], 1e-300)
    measures.amount(f"{name} fresh", sums(rows, fresh, asked.rows))
    measures.count(f"{name} short", sums(rows, short, asked.rows))
    measures.count(f"{name} long", sums(rows, long, asked.rows))
    measures.count(f"{name} ever", sums(rows, values[:, COUNT], asked.rows))
    share = values[:, LONG] / np.maximum(totals[:, LONG], 1e-300)
    measures.amount(f"{name} owned", sums(rows, share, asked.rows))
    last = np.full(asked.rows, -1.0)
    np.maximum.at(last, rows, values[:, LAST])
    idle = np.where(last >= 0, asked.day - last, asked.day + 1.0)
    measures.plain(f"{name}:idle", np.log1p(np.maximum(idle, 0.0)))


def _share(gathered: Gathered, rows: int, column: int) -> Floats:
    """The sum over keys of each one's share of a key."""
    share = gathered.values[:, column] / np.maximum(gathered.totals[:, column], 1e-300)
    return sums(gathered.rows, share, rows)


def _weighted(table: Table, keys: Iterable[str], asked: Asked) -> list[Floats]:
    """Shares of keys, the rarer ones counting for more: by each of `_COLUMN_NAMES`."""
    gathered = table.gather(keys, asked.row_of)
    observed = asked.evidence.observed
    rarity = np.log((observed + 2.0) / np.maximum(gathered.totals[:, COUNT], 1.0))
    found: list[Floats] = []
    for column in (FRESH, SHORT, LONG, COUNT):
        share = gathered.values[:, column] / np.maximum(gathered.totals[:, column], 1e-300)
        found.append(sums(gathered.rows, share * rarity, asked.rows))
    return found
