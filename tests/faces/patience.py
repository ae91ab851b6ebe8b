"""Waiting for real work."""

import asyncio

from storage.states import JobState
from tests.fakes.everywhere import Everywhere

_PATIENCE_S = 100.0
"""Real work on a busy machine."""


async def until_over(world: Everywhere, count: int) -> None:
    """Wait until so many jobs have ended, all of them well, and all is said."""
    well = [JobState.SUCCEEDED] * count
    async with asyncio.timeout(_PATIENCE_S):
        while (states := [job.state for job in await world.spine.jobs()]) != well:
            assert JobState.FAILED not in states
            await world.spine.tick()
    await world.until_handled()
