"""How active people were, against sums over every event."""

import numpy as np
import pytest

from engines.matching.state.log import Log, Spans

SPANS = Spans(days=(10.0,), lines=(2.0,))


def test_counts_decay_by_days_and_by_what_happened_since() -> None:
    log = Log()
    for person, day in ((0, 0.0), (1, 5.0), (0, 10.0)):
        log.add(person, day)
    counts, idle, since = log.activity(np.array([0, 1, -1]), 2, 20.0, SPANS)
    assert counts[0].tolist() == pytest.approx([2**-2 + 2**-1, 2**-1 + 1.0])
    assert counts[1].tolist() == pytest.approx([2**-1.5, 2**-0.5])
    assert idle.tolist() == [10.0, 15.0]
    assert since.tolist() == [0.0, 1.0]


def test_nobody_was_ever_there() -> None:
    counts, idle, since = Log().activity(np.array([0, -1]), 1, 3.0, SPANS)
    assert counts.tolist() == [[0.0, 0.0]]
    assert idle.tolist() == [1.0]
    assert since.tolist() == [0.0]


def test_a_log_grows_beyond_its_first_room_and_people_in_it_are_joined() -> None:
    log = Log()
    for number in range(3_000):
        log.add(number % 2, float(number))
    log.join(0, 1)
    assert len(log) == 3_000
    assert not log.people.any()
    assert log.days[-1] == 2_999.0
