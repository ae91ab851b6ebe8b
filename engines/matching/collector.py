"""Python's collector of cycles, held while many objects are made that are there to stay: it would
look through all of them again and again, which takes half of the time.
"""

import gc
from collections.abc import Generator
from contextlib import contextmanager
from threading import Lock

_lock = Lock()
_blocks: list[bool] = []
"""Whether the collector ran when the block began, for each that has not ended."""


@contextmanager
def held_collector() -> Generator[None]:
    """Nothing is collected while the block lasts, or any other that began meanwhile."""
    with _lock:
        _blocks.append(gc.isenabled() or any(_blocks))
        gc.disable()
    try:
        yield
    finally:
        with _lock:
            ran = _blocks.pop()
            if ran and not _blocks:
                gc.enable()
