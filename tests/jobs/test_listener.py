"""What a worker's own door shows of its trouble, also while its loop stands still."""

import asyncio
import re

import httpx

from jobs.listener import listening
from jobs.metrics import WorkerMetrics
from storage.condition import Condition


async def unwell() -> Condition:
    return Condition({"redis": "does not answer"}, {"sandbox": "no isolation"})


async def never() -> Condition:
    await asyncio.Event().wait()
    return Condition()


def trouble(address: str) -> dict[str, str]:
    page = httpx.get(f"http://{address}/metrics", timeout=10, trust_env=False).text
    return dict(re.findall(r'^gryph_trouble{part="(\w+)"} (\S+)$', page, re.MULTILINE))


async def test_what_is_wrong_is_shown_by_part() -> None:
    with listening("127.0.0.1:0", WorkerMetrics(), unwell) as address:
        found = await asyncio.to_thread(trouble, address)
    assert found == {"database": "0.0", "redis": "2.0", "loop": "0.0", "sandbox": "1.0"}


async def test_a_worker_that_cannot_say_how_it_is_has_a_stuck_loop() -> None:
    with listening("127.0.0.1:0", WorkerMetrics(), never) as address:
        found = await asyncio.to_thread(trouble, address)
    assert found["loop"] == "2.0"
