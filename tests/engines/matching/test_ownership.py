from collections.abc import Iterable
from dataclasses import replace

import pytest

from engines.matching.facts import DAY_S
from engines.matching.knowledge import Knowledge
from engines.matching.ownership import hoard, ownership, risks
from engines.matching.people import People
from engines.matching.types import Merged, Touch
from tests.engines.matching.histories import task

NOW_S = 1_777_800_000


def done(author: str, days_ago: float, *paths: str, times: int = 1) -> list[Merged]:
    """As many tasks, an hour apart."""
    end_s = int(NOW_S - days_ago * DAY_S)
    return [task(author, end_s - 3600 * n, *paths) for n in reversed(range(times))]


def known(*tasks: Iterable[Merged]) -> Knowledge:
    knowledge = Knowledge(People())
    for one in sorted((one for some in tasks for one in some), key=lambda one: one.merged_s):
        knowledge.observe(one)
    return knowledge


def test_shares_are_decayed_and_those_who_left_are_told() -> None:
    knowledge = known(done("a", 730, "x"), done("b", 365, "x"), done("b", 170, "y"))
    found = ownership(knowledge, ["x"], NOW_S)
    # At a half-life of 365 days a's task weighs 1/4 and b's 1/2.
    assert [(one.person.name, round(one.share, 9)) for one in found.holders] == [
        ("b", round(2 / 3, 9)),
        ("a", round(1 / 3, 9)),
    ]
    assert [one.is_active for one in found.holders] == [True, False]
    assert [one.tasks for one in found.holders] == [1, 1]


def test_lines_are_those_of_the_files_asked_for() -> None:
    touches = (Touch("s/x", added=3, deleted=1), Touch("t/y", added=50))
    knowledge = known([replace(done("a", 1)[0], touches=touches)])
    assert [one.lines for one in ownership(knowledge, ["s"], NOW_S).holders] == [4]
    assert [one.lines for one in ownership(knowledge, ["."], NOW_S).holders] == [54]


def test_directories_hold_what_is_in_them_and_still_exists() -> None:
    knowledge = known(done("a", 9, "s/x", "s/t/y", "sz", "s/gone"))
    assert ownership(knowledge, ["s/"], NOW_S, {"s/x", "s/t/y", "sz"}).files == ("s/t/y", "s/x")
    assert ownership(knowledge, ["s/x"], NOW_S).files == ("s/x",)
    nowhere = ownership(knowledge, ["nowhere"], NOW_S)
    assert (nowhere.files, nowhere.holders, nowhere.bus_factor) == ((), (), 0)


def test_who_knows_a_quarter_of_what_the_best_does_knows_a_file() -> None:
    for times, knows in ((4, 1), (5, 0)):
        knowledge = known(done("a", 30, "x", times=times), done("b", 30, "x"))
        found = {one.person.name: one.knows for one in ownership(knowledge, ["x"], NOW_S).holders}
        assert found == {"a": 1, "b": knows}
        assert ownership(knowledge, ["x"], NOW_S).bus_factor == 1 + knows
    # Two years ago: of eight changes two are left.
    knowledge = known(done("a", 760, "x", times=8), done("b", 30, "x"), done("a", 1, "y"))
    assert [one.knows for one in ownership(knowledge, ["x"], NOW_S).holders] == [1, 1]


def test_the_bus_factor_counts_who_must_go_until_most_files_have_nobody() -> None:
    # a alone knows three of six files, b two, c one: without a half of them have somebody still.
    files = [*done("a", 9, "1", "2", "3"), *done("b", 8, "4", "5"), *done("c", 7, "6")]
    assert ownership(known(files), ["."], NOW_S).bus_factor == 2
    # Who has gone is lost already: with a away for a year, b is the last to hold half of the files.
    gone = [*done("a", 400, "1", "2", "3"), *done("b", 8, "4", "5"), *done("c", 7, "6")]
    assert ownership(known(gone), ["."], NOW_S).bus_factor == 1
    assert ownership(known(done("a", 400, "1")), ["."], NOW_S).bus_factor == 0


def test_the_time_of_the_question_bounds_what_is_known() -> None:
    knowledge = known(done("a", 30, "x"), done("b", 10, "x"))
    found = ownership(knowledge, ["x"], NOW_S - 20 * DAY_S)
    assert [one.person.name for one in found.holders] == ["a"]


def test_files_are_hoarded_if_one_person_alone_knows_half_of_them() -> None:
    knowledge = known(
        done("a", 30, "x", "y", times=3), done("b", 20, "z", times=3), done("b", 9, "x", times=2)
    )
    alone = hoard(knowledge, ["y", "z", "new"], NOW_S)
    assert alone is not None
    assert (alone.person.name, alone.files, alone.learner) == ("a", ("y",), None)
    assert hoard(knowledge, ["x", "y", "x2"], NOW_S) is not None
    assert hoard(knowledge, ["x"], NOW_S) is None
    assert hoard(knowledge, ["new"], NOW_S) is None


def test_who_could_learn_a_hoarded_file_is_who_the_risks_name() -> None:
    knowledge = known(done("a", 20, "s/x", times=9), done("b", 19, "s/x"), done("c", 9, "s/y"))
    alone = hoard(knowledge, ["s/x"], NOW_S)
    (area,) = risks(knowledge, NOW_S, {"s/x"})
    assert alone is not None
    assert alone.learner == area.worst[0].learner
    assert alone.learner is not None
    assert alone.learner.name == "b"


def test_risks_are_files_that_change_often_and_that_one_or_nobody_knows() -> None:
    knowledge = known(
        done("a", 20, "s/x", times=5),  # only a
        done("b", 19, "s/x"),  # b has seen it once: next in line
        done("g", 300, "s/old", times=4),  # only g, who has gone
        done("a", 15, "t/both", times=4),
        done("b", 14, "t/both", times=2),
        done("c", 13, "t/once"),  # changed once: not worth reading
        done("d", 12, "deleted", times=5),
        done("b", 11, "s/other"),
    )
    existing = {"s/x", "s/old", "t/both", "t/once", "s/other"}
    (area,) = risks(knowledge, NOW_S, existing)
    assert (area.directory, area.files, area.changes_year) == ("s", 2, 10)
    first, second = area.worst
    assert (first.path, first.changes_lately, first.changes_year) == ("s/x", 6, 6)
    assert first.knower is not None
    assert first.learner is not None
    assert (first.knower.name, first.learner.name, first.gone) == ("a", "b", ())
    assert (second.path, second.changes_lately, second.changes_year) == ("s/old", 0, 4)
    assert second.knower is None
    assert [one.name for one in second.gone] == ["g"]
    assert second.learner is not None
    assert second.learner.name == "a"  # most at work in the directory


@pytest.mark.parametrize(("most_areas", "most_files"), [(1, 1), (2, 2)])
def test_risks_are_bounded_and_the_busiest_come_first(most_areas: int, most_files: int) -> None:
    knowledge = known(
        *(done("a", 30, f"{area}/{n}", times=2 + n) for area in "st" for n in range(3)),
        done("a", 20, "t/0"),
    )
    existing = set(knowledge.paths())
    found = risks(knowledge, NOW_S, existing, most_areas, most_files)
    assert [area.directory for area in found] == ["t", "s"][:most_areas]
    assert [[one.path for one in area.worst] for area in found] == [
        ["t/2", "t/0"][:most_files] if area.directory == "t" else ["s/2", "s/1"][:most_files]
        for area in found
    ]
    assert all(area.files == 3 for area in found)
