"""A forked child that does some work, writes what came of it, and is gone with all it started."""

import contextlib
import os
import select
import signal
from collections.abc import Callable

_READ_BYTES = 1 << 16
_RESULT_FD = 3
_FD_LIMIT = 256


def output_of(
    work: Callable[[int], None], silence_limit_s: float, *, is_bare: bool = True
) -> bytes:
    """What the child writes to the descriptor that `work` is given, until it ends or falls silent.

    The work may run the code under test: a bare child holds no descriptor but that one, and a
    process which that code forks ends where the child would have ended.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setpgid(0, 0)
            if is_bare:
                os.dup2(writing, _RESULT_FD)
                os.closerange(_RESULT_FD + 1, _FD_LIMIT)
            work(_RESULT_FD if is_bare else writing)
        finally:
            os._exit(0)
    os.close(writing)
    try:
        return _collected(reading, child, silence_limit_s)
    finally:
        os.close(reading)
        for kill in (os.killpg, os.kill):
            with contextlib.suppress(ProcessLookupError):
                kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def write(descriptor: int, data: bytes) -> None:
    """All of it."""
    while data:
        data = data[os.write(descriptor, data) :]


def _collected(reading: int, child: int, silence_limit_s: float) -> bytes:
    """A descendant that stays may hold the pipe open, so its end alone says nothing."""
    buffer = b""
    gone = os.pidfd_open(child)
    try:
        while True:
            ready, _, _ = select.select([reading, gone], [], [], silence_limit_s)
            chunk = os.read(reading, _READ_BYTES) if reading in ready else b""
            buffer += chunk
            if not chunk:
                return buffer
    finally:
        os.close(gone)
