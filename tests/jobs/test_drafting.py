"""A runner and what its jobs write: at its own pace, in one place, however quickly they write."""

import asyncio

import pytest

from jobs import runner as runner_module
from jobs.desk import Done
from jobs.runner import RunningWatch
from storage import drafts
from storage.database import Database
from storage.tables.drafts import DraftRow
from tests.jobs.asked import events_of, row_of
from tests.jobs.outage import without
from tests.jobs.test_runner import DONE, Bench, bench
from tests.jobs.waiting import PATIENCE_S, until


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_module, "TICK_S", 0.01)
    monkeypatch.setattr(runner_module, "REPORT_S", 0.02)


def writing(b: Bench, watch: RunningWatch, text: str) -> Done:
    """Token by token, then waiting."""
    for end in range(0, len(text) + 1, 5):
        watch.draft(text[:end])
    watch.draft(f"{text}\n\n")
    b.let.wait(PATIENCE_S)
    return DONE


async def kept(b: Bench) -> DraftRow | None:
    return await b.database.read(lambda s: drafts.find(s, b.job))


async def whole(b: Bench) -> bool:
    row = await kept(b)
    return row is not None and row.text.endswith("\n\n")


async def test_the_newest_draft_is_in_the_ledger_while_the_job_runs(sqlite: Database) -> None:
    b = await bench(sqlite, lambda watch: writing(b, watch, "word " * 3_000))
    async with b.at_work():
        await until(lambda: whole(b))
        row = await kept(b)
        assert row is not None
        assert (row.length, row.text[-7:]) == (15_002, "word \n\n")
        assert row.revision < 300
        b.let.set()
    assert await kept(b) is None
    assert (await row_of(sqlite, b.job)).state == "succeeded"
    assert len(await events_of(sqlite, b.job)) == 3, "drafts are no events"


async def test_a_draft_that_stays_the_same_is_written_once(sqlite: Database) -> None:
    same = "same \n\n"

    def script(watch: RunningWatch) -> Done:
        while not b.let.wait(0.005):
            watch.draft(f"the {same}")
        return DONE

    b = await bench(sqlite, script)
    async with b.at_work():
        await until(lambda: whole(b))
        await asyncio.sleep(0.2)
        row = await kept(b)
        assert row is not None
        assert row.revision == 1
        b.let.set()


async def test_a_draft_that_the_ledger_did_not_take_is_written_later(sqlite: Database) -> None:
    b = await bench(sqlite, lambda watch: writing(b, watch, "kept "))
    async with b.at_work():
        async with without(sqlite, "drafts"):
            await asyncio.sleep(0.1)
        await until(lambda: whole(b))
        b.let.set()
