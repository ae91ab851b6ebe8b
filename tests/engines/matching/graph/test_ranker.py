import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engines.matching.graph.asked import Asked
from engines.matching.graph.dump import answers, write_answers
from engines.matching.graph.ledger import Ledger
from engines.matching.graph.practice import Learner, block_of
from engines.matching.graph.ranker import GraphRanker
from engines.matching.graph.settings import Encoder, GraphConfig
from engines.matching.graph.snapshot import snapshot
from engines.matching.graph.weights import NoWeights, read_weights
from engines.matching.people import People
from engines.matching.protocol import see
from engines.matching.types import Merged, Mode, Query
from tests.engines.matching.histories import DAY_S, signed, task

CONFIG = GraphConfig(width=16, block=15, steps=2, memory=4, rate=1e-2, inertia=0.1)
AREAS = {"a": "parser", "b": "network", "c": "storage"}
REVIEWERS = {"a": "d", "b": "e", "c": "f"}


def history(tasks: int) -> list[Merged]:
    """Everybody works in a directory of their own, on a file that is never touched again."""
    rng = np.random.default_rng(7)
    authors: list[str] = rng.choice(list(AREAS), tasks).tolist()
    return [
        task(who, day * DAY_S, f"src/{AREAS[who]}/f{day}.py", reviewers=REVIEWERS[who])
        for day, who in enumerate(authors)
    ]


class Reading:
    """A ranker that reads along."""

    def __init__(self, ranker: GraphRanker, tasks: Sequence[Merged]) -> None:
        self.ranker = ranker
        self.people = People()
        self.read(tasks)

    def read(self, tasks: Sequence[Merged]) -> None:
        for one in tasks:
            who = see(self.people, one)
            for kept, gone in self.people.take_joined():
                self.ranker.join(kept, gone)
            self.ranker.observe(one, who)

    def scores(self, path: str, letters: str) -> list[float]:
        known = [self.people.known(signed(letter)) for letter in letters]
        query = Query(at_s=10_000 * DAY_S, files=(path,), mode=self.ranker.mode)
        return self.ranker.scores(query, [i for i in known if i is not None]).tolist()

    def first(self, path: str, letters: str) -> str:
        return letters[int(np.argmax(self.scores(path, letters)))]


@pytest.fixture(scope="module")
def reading() -> Reading:
    return Reading(GraphRanker(Mode.AUTHOR, CONFIG), history(90))


@pytest.mark.parametrize(("person", "area"), AREAS.items())
def test_who_knows_the_directory_is_found_for_a_file_that_is_new(
    reading: Reading, person: str, area: str
) -> None:
    assert reading.first(f"src/{area}/new.py", "abc") == person


@pytest.mark.parametrize("encoder", [Encoder.GATV2, Encoder.RGCN])
def test_so_it_is_by_every_encoder(encoder: Encoder) -> None:
    reading = Reading(GraphRanker(Mode.AUTHOR, replace(CONFIG, encoder=encoder)), history(90))
    assert [reading.first(f"src/{area}/new.py", "abc") for area in AREAS.values()] == list("abc")


def test_reviewers_are_found_by_what_they_accepted() -> None:
    reading = Reading(GraphRanker(Mode.REVIEWER, CONFIG), history(90))
    assert [reading.first(f"src/{area}/new.py", "def") for area in AREAS.values()] == list("def")


def test_scores_are_log_probabilities_over_those_who_are_asked_about(reading: Reading) -> None:
    assert np.exp(reading.scores("src/network/new.py", "ab")).sum() == pytest.approx(1.0)


def test_somebody_whom_the_graph_does_not_know_comes_last_by_far(reading: Reading) -> None:
    query = Query(at_s=10_000 * DAY_S, files=("src/network/new.py",))
    known = [reading.people.see(signed(letter)) for letter in "abc"]
    scores = reading.ranker.scores(query, [*known, 1_000])
    assert scores.argmin() == 3
    assert scores[3] < -5.0


def test_before_anything_was_read_all_are_alike() -> None:
    scores = GraphRanker(Mode.AUTHOR, CONFIG).scores(Query(at_s=0), [3, 4])
    assert np.exp(scores) == pytest.approx([0.5, 0.5])


def test_a_task_of_which_nothing_is_known_is_still_ranked(reading: Reading) -> None:
    assert np.isfinite(reading.scores("", "abc")).all()


def test_who_is_new_is_found_without_training(reading: Reading, tmp_path: Path) -> None:
    reading.ranker.save(tmp_path / "graph.safetensors")
    learner = Learner(CONFIG)
    learner.restore(read_weights(tmp_path / "graph.safetensors")[0])
    ledger, people = Ledger(), People()
    days = range(90, 100)
    new = [task("n", day * DAY_S, f"src/cache/f{day}.py") for day in days]
    for one in [*history(90), *new]:
        ledger.add(one, see(people, one))
    found = snapshot(ledger, CONFIG)
    block = block_of(found, found.rows().values(), CONFIG)
    asked = Asked(block.snapshot)
    asked.add(["src/cache/new.py"], "", None)
    logits = learner.logits(learner.encoded(block), asked)[0]
    able = [block.snapshot.rows()[people.see(signed(letter))] for letter in "abcn"]
    assert int(np.argmax(logits[able])) == 3


def test_what_comes_later_changes_no_earlier_answer() -> None:
    whole = {a.row.task: a.row.ranking for a in answers(history(75), Mode.AUTHOR, CONFIG)}
    begun = {a.row.task: a.row.ranking for a in answers(history(60), Mode.AUTHOR, CONFIG)}
    assert begun
    assert begun == {sha: whole[sha] for sha in begun}


def test_reading_on_from_what_was_saved_is_the_same_as_reading_on(tmp_path: Path) -> None:
    tasks = history(140)
    config = CONFIG
    unbroken = Reading(GraphRanker(Mode.AUTHOR, config), tasks[:110])
    unbroken.ranker.save(tmp_path / "graph.safetensors")
    again = Reading(GraphRanker.load(tmp_path / "graph.safetensors", tasks[:110]), tasks[:110])
    assert again.scores("src/parser/new.py", "abc") == unbroken.scores("src/parser/new.py", "abc")
    unbroken.read(tasks[110:])
    again.read(tasks[110:])
    assert again.ranker.learned == unbroken.ranker.learned == 135
    assert again.scores("src/parser/new.py", "abc") == unbroken.scores("src/parser/new.py", "abc")


def test_what_was_learned_from_another_history_is_refused(tmp_path: Path) -> None:
    reading = Reading(GraphRanker(Mode.AUTHOR, CONFIG), history(5))
    reading.ranker.save(tmp_path / "graph.safetensors")
    with pytest.raises(NoWeights, match="another history"):
        GraphRanker.load(tmp_path / "graph.safetensors", [task("z", 0, "other.py")] * 5)
    (tmp_path / "broken").write_text("no tensors")
    with pytest.raises(NoWeights):
        GraphRanker.load(tmp_path / "broken", [])


def test_a_dump_names_candidates_by_their_keys(tmp_path: Path) -> None:
    found = list(answers(history(40), Mode.AUTHOR, CONFIG))
    write_answers(found, tmp_path / "scores.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "scores.jsonl").read_text().splitlines()]
    assert len(lines) == 40
    assert lines[-1]["task"] == history(40)[-1].sha
    assert set(lines[-1]["scores"]) == {"a@x", "b@x", "c@x"}
