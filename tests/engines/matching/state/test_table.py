"""Counters of people per key, against counting by hand."""

import numpy as np
import pytest

from engines.matching.state.table import (
    COUNT,
    FRESH,
    FRESH_DAYS,
    LAST,
    LONG,
    LONG_DAYS,
    PERIOD_DAYS,
    SHORT,
    SHORT_DAYS,
    Table,
    growth,
    weights_on,
)

ANN, BOB, CYD = 0, 1, 2
EVERYBODY = np.array([0, 1, 2, -1])


def test_an_event_weighs_half_after_a_half_life() -> None:
    table = Table()
    table.add("a.py", ANN, weights_on(100.0))
    found = table.gather(["a.py"], EVERYBODY)
    for column, days in ((FRESH, FRESH_DAYS), (SHORT, SHORT_DAYS), (LONG, LONG_DAYS)):
        now = found.values[0, column] / growth(100.0 + days, days)
        assert now == pytest.approx(0.5)
    assert found.values[0, COUNT] == 1
    assert found.values[0, LAST] == 100.0


def test_shares_are_those_of_counting_every_event() -> None:
    rng = np.random.default_rng(3)
    table = Table()
    events: list[tuple[float, int, str]] = []
    for day in np.sort(rng.uniform(0, 900, 200)):
        person, key = int(rng.integers(3)), f"f{rng.integers(4)}"
        table.add(key, person, weights_on(float(day)))
        events.append((float(day), person, key))
    found = table.gather(["f0", "nobody's", "f2"], EVERYBODY)
    for row, key, values, totals in zip(
        found.rows, found.keys, found.values, found.totals, strict=True
    ):
        name = ("f0", "nobody's", "f2")[int(key)]
        at = [(day, who) for day, who, what in events if what == name]
        own = sum(2 ** ((day - 900) / SHORT_DAYS) for day, who in at if who == row)
        everybody = sum(2 ** ((day - 900) / SHORT_DAYS) for day, _ in at)
        assert values[SHORT] / totals[SHORT] == pytest.approx(own / everybody)
        assert values[COUNT] == sum(who == row for _, who in at)
        assert totals[LAST] == max(day for day, _ in at)


def test_only_those_asked_about_are_gathered_in_the_order_of_asking() -> None:
    table = Table()
    for person in (ANN, BOB, CYD):
        table.add("a.py", person, weights_on(1.0))
    found = table.gather(["a.py"], np.array([1, -1, 0, -1]))
    assert sorted(found.rows) == [0, 1]
    assert found.totals[0, COUNT] == 3


def test_what_people_had_at_a_file_moves_with_it() -> None:
    table = Table()
    table.add("old.py", ANN, weights_on(1.0))
    table.add("new.py", ANN, weights_on(5.0))
    table.add("new.py", BOB, weights_on(2.0))
    table.move("old.py", "new.py")
    assert "old.py" not in table
    found = table.gather(["new.py"], EVERYBODY)
    by_row = dict(zip(found.rows.tolist(), found.values.tolist(), strict=True))
    assert by_row[ANN][COUNT] == 2
    assert by_row[ANN][LAST] == 5.0
    assert found.totals[0, COUNT] == 3


def test_two_people_who_are_one_are_counted_together() -> None:
    table = Table()
    table.add("a.py", ANN, weights_on(1.0))
    table.add("a.py", BOB, weights_on(2.0))
    table.add("b.py", BOB, weights_on(3.0))
    table.join(ANN, BOB)
    found = table.gather(["a.py", "b.py"], EVERYBODY)
    assert found.rows.tolist() == [ANN, ANN]
    assert found.values[:, COUNT].tolist() == [2, 1]


def test_the_origin_of_weights_moves_and_no_share_with_it() -> None:
    moved, still = Table(), Table()
    for table in (moved, still):
        table.add("a.py", ANN, weights_on(PERIOD_DAYS - 90.0))
    moved.age(1)
    for table, origin in ((moved, PERIOD_DAYS), (still, 0.0)):
        table.add("a.py", BOB, weights_on(PERIOD_DAYS + 3.0, origin=origin))
    first, second = (table.gather(["a.py"], EVERYBODY) for table in (moved, still))
    np.testing.assert_allclose(first.values / first.totals, second.values / second.totals)
    moved.age(9)
    aged = moved.gather(["a.py"], EVERYBODY)
    assert aged.values[:, COUNT].tolist() == [1.0, 1.0]
    assert aged.values[:, FRESH].tolist() == [0.0, 0.0]
