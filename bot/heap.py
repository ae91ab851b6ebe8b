"""Keeps the heap of a process that lives for months compact.

glibc gives each busy thread an arena of its own and hands memory back only from the end of one.
With a dozen threads that run short transactions, the pieces in between grew by megabytes a minute
for as long as anybody watched; with one arena there is little unused in it, and whole pages of that
are handed back now and then. The figures are in docs/benchmarks.md.
https://man7.org/linux/man-pages/man3/mallopt.3.html
https://man7.org/linux/man-pages/man3/malloc_trim.3.html
"""

import asyncio
import ctypes

_ARENA_MAX = -8
_TRIM_THRESHOLD = -1
SPARE_BYTES = 1 << 20
"""What may lie unused at the end of the heap."""
TRIM_EVERY_S = 60.0


def keep_compact() -> bool:
    """Call it before any thread is started; False where the C library has no such choice."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return bool(mallopt(_ARENA_MAX, 1)) and bool(mallopt(_TRIM_THRESHOLD, SPARE_BYTES))


async def keep_trimmed() -> None:
    """Hand unused pages back to the system every minute (half a millisecond), until cancelled."""
    while True:
        await asyncio.sleep(TRIM_EVERY_S)
        trim()


def trim() -> bool:
    """Hand unused pages back; False where there were none, or the C library keeps them."""
    try:
        return bool(ctypes.CDLL(None).malloc_trim(0))
    except (AttributeError, OSError):
        return False
