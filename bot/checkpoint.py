"""Ends a loop that was cancelled while a library beneath it swallowed the cancellation.

asyncio cancels a task once. `asyncio.wait_for` on Python 3.11 and network libraries can lose that
one request when an answer arrives in the same moment; the loop then goes on, and the process does
not stop.
"""

import asyncio


def checkpoint() -> None:
    """Raise CancelledError if the running task was asked to end. Once per turn of a loop."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
