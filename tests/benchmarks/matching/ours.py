"""What is measured of our own engine: its answers, the graph alone, leaks, load and time."""

import subprocess
import tempfile
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import process_time

import numpy as np
from typing_extensions import override

from engines.matching.assignment.choosing import Options, choose
from engines.matching.assignment.load import Fairness, prices
from engines.matching.engine import Matcher, evaluated, open_matcher
from engines.matching.graph.ranker import GraphRanker
from engines.matching.graph.settings import GraphConfig
from engines.matching.protocol import Floats, Question, Row, Who
from engines.matching.types import Candidate, Merged, Mode, Person, Query, Ranking, Signature
from tests.benchmarks.machine import percentile
from tests.benchmarks.matching.answers import Answers, Setting, asked

OURS, GRAPH = "ours", "graph alone"
PRICED_EVERY = 20
"""Tasks between two looks at the load."""
BUSIEST = 3


def ours(setting: Setting) -> dict[str, Answers]:
    """The engine's answers, as `evaluate` dumps them."""
    begun_s = process_time()
    rows = evaluated(setting.tasks, setting.mode)
    return {OURS: Answers(rows, [], process_time() - begun_s)}


def graph_alone(setting: Setting) -> dict[str, Answers]:
    """The graph network without the ranker."""
    graph = _Graph(setting.mode)
    return asked(setting, {GRAPH: graph}, [graph])


class _Graph:
    """A graph ranker as a scorer."""

    def __init__(self, mode: Mode) -> None:
        self._ranker = GraphRanker(mode, GraphConfig())

    def observe(self, task: Merged, who: Who) -> None:
        self._ranker.observe(task, who)

    def join(self, kept: int, gone: int) -> None:
        self._ranker.join(kept, gone)

    def scores(self, question: Question) -> Floats:
        return self._ranker.scores(question.query, question.candidates, question.author)


@dataclass(frozen=True)
class Leaks:
    """What `recommend` said in a clone that ends at the question's history, and in the whole."""

    asked: int
    identical: int
    """Rankings, scores and confidence, to the last bit."""
    as_evaluated: int
    """Rankings that are those of `evaluate`."""
    largest: float
    """Difference between any two scores of a person."""

    @override
    def __str__(self) -> str:
        return (
            f"{self.asked} asked again in a clone that ends before them: {self.identical} identical "
            f"to the whole, {self.as_evaluated} to the evaluation; largest difference {self.largest:g}"
        )


def leaks(setting: Setting, rows: Sequence[Row], count: int) -> Leaks:
    """Ask about so many of the rows again, drawn by the seed, in clones of their own."""
    known = [row for row in rows if row.history]
    rng = np.random.default_rng(setting.seed)
    chosen: list[int] = rng.permutation(len(known))[:count].tolist()
    drawn = [known[at] for at in chosen]
    identical, same, largest = 0, 0, 0.0
    for row in drawn:
        query = query_again(row, setting)
        whole = open_matcher(setting.repository, row.history).rank(query)
        with tempfile.TemporaryDirectory() as folder:
            cut(setting.repository, row.history, Path(folder))
            alone = open_matcher(Path(folder)).rank(query)
        identical += whole == alone
        ranking = tuple((one.person.key, one.score) for one in alone.candidates)
        evaluated_scores = dict(row.ranking)
        same += dict(ranking) == evaluated_scores
        gaps = [abs(evaluated_scores.get(key, 0.0) - score) for key, score in ranking]
        largest = max(largest, *gaps, 0.0)
    return Leaks(len(drawn), identical, same, largest)


def cut(repository: Path, sha: str, folder: Path) -> None:
    """A bare repository of what is reachable from one commit, and nothing else."""
    git = ["git", "-c", "safe.bareRepository=all"]
    subprocess.run([*git, "init", "-q", "--bare", str(folder)], check=True)
    packed = subprocess.run(
        [*git, "-C", str(repository), "pack-objects", "-q", "--revs", "--stdout"],
        input=sha.encode(),
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    subprocess.run(
        [*git, "-C", str(folder), "index-pack", "--stdin"],
        input=packed,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    subprocess.run([*git, "-C", str(folder), "update-ref", "HEAD", sha], check=True)


def query_again(row: Row, setting: Setting) -> Query:
    """What the row was asked."""
    author = Signature("", row.author) if setting.mode is Mode.REVIEWER else None
    return Query(row.at_s, row.files, row.text, setting.mode, author)


@dataclass(frozen=True)
class Timing:
    """CPU time of one process."""

    opening_s: float
    """Reading the history and learning from it anew: what a nightly retraining costs."""
    p50_ms: float
    p95_ms: float

    @override
    def __str__(self) -> str:
        return (
            f"{self.opening_s:.1f} CPU s to open and learn; a ranking {self.p50_ms:.1f} CPU ms, "
            f"p95 {self.p95_ms:.1f}"
        )


def timing(setting: Setting, rows: Sequence[Row], count: int = 300) -> Timing:
    """Of opening, and of so many recommendations afterwards."""
    begun_s = process_time()
    matcher: Matcher = open_matcher(setting.repository)
    now_s = matcher.tasks[-1].merged_s + 1
    queries = [
        Query(now_s, one.files, one.text, one.mode, one.author)
        for one in (query_again(row, setting) for row in rows[-count:])
    ]
    if queries:
        matcher.rank(queries[0])
    opening_s = process_time() - begun_s
    taken_ms: list[float] = []
    for query in queries:
        begun_s = process_time()
        matcher.rank(query)
        taken_ms.append(1000 * (process_time() - begun_s))
    if not taken_ms:
        return Timing(opening_s, 0.0, 0.0)
    return Timing(opening_s, percentile(taken_ms, 0.5), percentile(taken_ms, 0.95))


@dataclass(frozen=True)
class Load:
    """What the three busiest get of a stream, and how often the first is right."""

    likeliest_share: float
    likeliest_top1: float
    priced_share: float
    priced_top1: float

    @override
    def __str__(self) -> str:
        return (
            f"the three busiest get {self.likeliest_share:.3f} at a top-1 of "
            f"{self.likeliest_top1:.3f} if the likeliest is named; at prices {self.priced_share:.3f} "
            f"at {self.priced_top1:.3f}"
        )


def load(rows: Sequence[Row], fairness: Fairness | None = None) -> Load:
    """Give out the rows one by one: to the likeliest, and at prices learned from the latest rows
    before. Shares are of all rows, hits of the covered ones.
    """
    fairness = fairness or Fairness()
    recent: deque[Ranking] = deque(maxlen=fairness.window)
    priced: dict[str, float] = {}
    likeliest, spread = Counter[str](), Counter[str]()
    hits = [0, 0]
    covered = sum(row.covered for row in rows)
    for number, row in enumerate(rows):
        ranking = ranking_of(row)
        if number % PRICED_EVERY == 0:
            priced = prices(tuple(recent), fairness)
        recent.append(ranking)
        first = choose(ranking, {}, Options(row.at_s, prices=priced)).first
        if first is None:
            continue
        likeliest[row.ranking[0][0]] += 1
        spread[first.person.key] += 1
        hits[0] += row.covered and row.ranking[0][0] in row.truth
        hits[1] += row.covered and first.person.key in row.truth
    return Load(
        _busiest(likeliest), hits[0] / max(covered, 1), _busiest(spread), hits[1] / max(covered, 1)
    )


def ranking_of(row: Row) -> Ranking:
    """The engine's ranking that the row was made of."""
    candidates = tuple(Candidate(Person(key, key), score) for key, score in row.ranking)
    return Ranking(candidates, row.confidence or 0.0)


def _busiest(counts: Counter[str]) -> float:
    return sum(count for _, count in counts.most_common(BUSIEST)) / max(counts.total(), 1)
