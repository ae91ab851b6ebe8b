import numpy as np
import pytest

from engines.matching.graph.groups import components_of, teams_of
from engines.matching.graph.ledger import Ledger
from engines.matching.graph.settings import GraphConfig
from engines.matching.graph.snapshot import (
    DEVELOPER,
    DIRECTORY,
    FEATURES,
    FILE,
    SKILL,
    TASK,
    Relation,
    Snapshot,
    snapshot,
)
from engines.matching.graph.words import skills_of
from engines.matching.people import People
from engines.matching.protocol import see
from engines.matching.types import Merged, Touch
from tests.engines.matching.histories import DAY_S, task

CONFIG = GraphConfig()


def graph(*tasks: Merged, config: GraphConfig = CONFIG) -> Snapshot:
    ledger, people = Ledger(), People()
    for one in tasks:
        ledger.add(one, see(people, one))
    return snapshot(ledger, config)


def weight(found: Snapshot, relation: Relation, source: int, target: int) -> list[float]:
    edges = found.edges[relation]
    at = np.flatnonzero((edges.sources == source) & (edges.targets == target))
    return edges.weights[int(at[0])].tolist() if len(at) else []


def test_an_edge_weighs_what_was_done_by_its_age_at_each_half_life() -> None:
    found = graph(
        task("a", 0, "x.py"), task("b", 120 * DAY_S, "y.py"), task("a", 180 * DAY_S, "x.py")
    )
    person = found.rows()[0]
    weights = weight(found, (DEVELOPER, "changed", FILE), person, found.files["x.py"])
    assert weights == pytest.approx([1 + 2**-6, 1 + 2**-1, 2])


def test_a_renamed_file_keeps_who_changed_it() -> None:
    moved = task("b", DAY_S)
    moved = Merged(
        **{name: getattr(moved, name) for name in moved.__slots__ if name != "touches"},
        touches=(Touch("new.py", was="old.py"),),
    )
    found = graph(task("a", 0, "old.py"), moved)
    assert set(found.files) == {"new.py"}
    assert weight(found, (DEVELOPER, "changed", FILE), found.rows()[0], found.files["new.py"])


def test_what_is_older_than_the_window_is_forgotten() -> None:
    found = graph(task("a", 0, "old.py"), task("b", 4 * 365 * DAY_S, "new.py"))
    assert set(found.files) == {"new.py"}
    assert found.people.tolist() == [1]


def test_only_the_most_touched_files_are_kept() -> None:
    config = GraphConfig(files=1)
    found = graph(task("a", 0, "x.py", "y.py"), task("a", DAY_S, "y.py"), config=config)
    assert set(found.files) == {"y.py"}


def test_files_change_together_with_those_of_the_same_tasks() -> None:
    found = graph(task("a", 0, "x.py", "y.py"), task("a", 0, "z.py"))
    x, y, z = (found.files[name] for name in ("x.py", "y.py", "z.py"))
    assert weight(found, (FILE, "changes", FILE), x, y) == pytest.approx([0.5] * 3)
    assert not weight(found, (FILE, "changes", FILE), x, z)
    assert not weight(found, (FILE, "changes", FILE), x, x)


def test_a_file_lies_in_all_directories_above_it_and_most_in_the_nearest() -> None:
    found = graph(task("a", 0, "src/app/x.py"))
    lies = (FILE, "lies", DIRECTORY)
    assert weight(found, lies, 0, found.directories["src/app"]) == [1.0] * 3
    assert weight(found, lies, 0, found.directories["src"]) == [0.5] * 3


def test_reviewers_are_linked_to_files_and_to_authors() -> None:
    found = graph(task("a", 0, "x.py", reviewers="b"))
    author, reviewer = found.rows()[0], found.rows()[1]
    assert weight(found, (DEVELOPER, "reviewed", FILE), reviewer, 0) == [1.0] * 3
    assert weight(found, (DEVELOPER, "reviewed", DEVELOPER), reviewer, author) == [1.0] * 3
    assert not weight(found, (DEVELOPER, "changed", FILE), reviewer, 0)


def test_tasks_ask_for_skills_and_rare_ones_tell_more() -> None:
    tasks = [task("a", day, f"{'parser' if day % 4 else 'net'}/x.c", text="") for day in range(8)]
    found = graph(*tasks, *(task("b", 9, "y") for _ in range(30)))
    assert found.rarity[found.skills["net"]] > found.rarity[found.skills["parser"]]
    assert (found.edges[SKILL, "of", TASK].sources == found.skills["net"]).sum() == 2


def test_every_type_has_the_features_that_the_network_expects() -> None:
    found = graph(task("a", 0, "src/x.py", text="a fix"), task("b", 5, "src/x.py", reviewers="a"))
    assert {name: rows.shape[1] for name, rows in found.features.items()} == FEATURES
    assert all(np.isfinite(rows).all() for rows in found.features.values())


def test_a_history_of_nothing_but_a_bot_is_an_empty_graph() -> None:
    ledger = Ledger()
    bot = task("bot", 0, "x.py")
    bot = Merged(**{n: getattr(bot, n) for n in bot.__slots__ if n != "by_bot"}, by_bot=True)
    ledger.add(bot, see(People(), bot))
    found = snapshot(ledger, CONFIG)
    assert not len(found.people)
    assert not found.files


def test_a_directory_with_most_of_the_work_is_no_component() -> None:
    paths = ["src/app/a/x", "src/app/b/y", "src/app/c/z", "docs/p", "docs/q", "setup"]
    touches = np.array([9.0, 9.0, 9.0, 1.0, 1.0, 1.0])
    names = components_of(paths, touches)
    assert names == ["src/app/a", "src/app/b", "src/app/c", "docs", "docs", ""]


def test_people_of_the_same_directories_are_a_team() -> None:
    shares = np.array([[3.0, 1, 0, 0], [2, 2, 0, 0], [0, 0, 5, 1], [0, 0, 1, 1], [0, 0, 0, 0]])
    assert teams_of(shares).tolist() == [0, 0, 1, 1, 2]


def test_skills_are_languages_and_words() -> None:
    assert skills_of(["src/net/Socket.PY"], "Fix the flaky reconnect") == [
        "fix", "flaky", "reconnect", ".py", "socket", "net",
    ]  # fmt: skip
