"""The line in words, and looked at no more often than it can be afforded."""

import asyncio

import pytest
from sqlalchemy import event

from bot.line import LONGEST_HOLD_S, LineWatch, about, ordinal, place_in_words
from storage.database import Database
from storage.ids import JobId
from tests.jobs.asked import asked, leased


@pytest.mark.parametrize(
    ("ahead", "wait_s", "words"),
    [
        (0, None, ""),
        (0, 12.0, "next in line, about 10 s"),
        (1, None, "2nd in line"),
        (2, 118.0, "3rd in line, about 2 min"),
        (1_010, 9_000.0, "1,011th in line, about 2 h"),
    ],
)
def test_a_place_in_words(ahead: int, wait_s: float | None, words: str) -> None:
    assert place_in_words(ahead, wait_s) == words


def test_ordinals() -> None:
    wanted = "1st 2nd 3rd 4th 10th 11th 12th 13th 21st 22nd 103rd 111th 1,112th"
    numbers = (1, 2, 3, 4, 10, 11, 12, 13, 21, 22, 103, 111, 1_112)
    assert " ".join(map(ordinal, numbers)) == wanted


def test_spans() -> None:
    told = [about(seconds) for seconds in (0, 3, 7.4, 52, 58, 61, 89, 91, 3_600, 5_400, 5_500)]
    assert told == [
        "about 5 s",
        "about 5 s",
        "about 5 s",
        "about 50 s",
        "about 1 min",
        "about 1 min",
        "about 1 min",
        "about 2 min",
        "about 60 min",
        "about 90 min",
        "about 2 h",
    ]


async def test_a_job_just_queued_is_found_in_line(sqlite: Database) -> None:
    watch = LineWatch(sqlite)
    first = await asked(sqlite)
    second = await asked(sqlite)
    standing = await watch.where(second, "cpu")
    assert standing is not None
    assert standing.ahead == 1
    third = await asked(sqlite)
    standing = await watch.where(third, "cpu")
    assert standing is not None
    assert standing.ahead == 2
    await leased(sqlite, first)
    await asyncio.sleep(LONGEST_HOLD_S)
    assert await watch.where(first, "cpu") is None
    assert await watch.where(JobId("J000000"), "cpu") is None


async def test_a_hundred_who_ask_together_cost_a_look_or_two(sqlite: Database) -> None:
    jobs = [await asked(sqlite) for _ in range(3)]
    looks: list[str] = []

    def count(*arguments: object) -> None:
        looks.append("ordered" if "row_number" in str(arguments[2]) else "")

    event.listen(sqlite.engine, "before_cursor_execute", count)
    watch = LineWatch(sqlite)
    await asyncio.gather(*(watch.where(jobs[n % 3], "cpu") for n in range(100)))
    assert 1 <= looks.count("ordered") <= 3
