"""Waiting for what other tasks and threads do."""

import asyncio
import inspect
from collections.abc import Callable

LOOK_S = 0.01
PATIENCE_S = 20.0


async def until(happened: Callable[[], object]) -> None:
    """Look again and again, `happened` being a plain or an async function. Raises TimeoutError."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            outcome = happened()
            if inspect.isawaitable(outcome):
                outcome = await outcome
            if outcome:
                return
            await asyncio.sleep(LOOK_S)
