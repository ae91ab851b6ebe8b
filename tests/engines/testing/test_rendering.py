import collections
import datetime
import decimal
import enum
import math
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest

from engines.testing.jail.rendering import Renderer, quoted


class Color(enum.Enum):
    RED = "red"


class Pair(NamedTuple):
    left: int
    right: str


@dataclass
class Point:
    x: int
    y: float


NAMES: dict[str, object] = {
    "Color": Color, "Pair": Pair, "Point": Point, "datetime": datetime,
    "Decimal": decimal.Decimal, "Path": Path, "deque": collections.deque,
}  # fmt: skip
RENDER = Renderer(NAMES)


@pytest.mark.parametrize(
    "value",
    [
        None, True, -3, 2.5, 1j, "it's", 'say "hi"', b"\x00a", [], [1, [2, "a"]], (1,), (), set[int](),
        {3, 1, 2}, frozenset({"a"}), {"a": {"b": None}}, range(3), Color.RED, [Color.RED],
        Pair(1, "a"), Point(1, 2.0), datetime.date(2020, 1, 31), datetime.timedelta(days=1),
        decimal.Decimal("1.50"), Path("a/b"), collections.deque([1, 2]), int, Color, float("inf"),
        collections.OrderedDict[str, int](a=1), collections.Counter("aab"),
    ],
)  # fmt: skip
def test_the_text_of_a_value_evaluates_to_it(value: object) -> None:
    text = RENDER.text(value)
    assert text is not None
    assert eval(text, dict(NAMES)) == value  # noqa: S307 - the round trip is the point


class Unknown:
    pass


@pytest.mark.parametrize(
    "value", [math.nan, object(), Unknown(), Unknown, [Unknown()], "x" * 1000, 10**60, len]
)
def test_what_is_unstable_or_endless_has_no_text(value: object) -> None:
    assert RENDER.text(value) is None


def test_a_container_that_holds_itself_has_no_text() -> None:
    loop: list[object] = []
    loop.append(loop)
    assert RENDER.text(loop) is None


def test_sets_are_written_in_the_same_order_whatever_theirs() -> None:
    assert RENDER.text({"b", "a", "c"}) == '{"a", "b", "c"}'


def test_strings_are_written_in_double_quotes() -> None:
    assert quoted("a") == '"a"'
    assert quoted("it's") == '"it\'s"'
    assert quoted('"') == "'\"'"
    assert quoted(b"a") == 'b"a"'
