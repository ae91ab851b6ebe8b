"""Attacks on the bounds of one process: each takes until it is refused."""

import ctypes
import errno
import mmap
import os
import tempfile
import threading

from engines.sandbox.attacks.attempt import (
    Attack,
    Finding,
    called,
    called_by_number,
    refused,
    refused_within,
    targets,
)

_MIB = 1 << 20
_TEN_GIB = 10 << 30
_CLOCK_MONOTONIC = 1


def _too_many_processes() -> Finding:
    """Fork until the kernel refuses; the children wait for a pipe that closes afterwards."""
    gate, hold = os.pipe()
    started = 0
    limit = int(targets["processes"])
    try:
        while started <= limit:
            if os.fork() == 0:
                os.close(hold)
                os.read(gate, 1)
                os._exit(0)
            started += 1
    except BlockingIOError:
        return True, f"refused after {started}"
    finally:
        os.close(hold)
        os.close(gate)
        for _ in range(started):
            os.wait()
    return False, f"{started} processes started"


def _too_many_threads() -> Finding:
    gate = threading.Event()

    def start() -> threading.Thread:
        thread = threading.Thread(target=gate.wait, daemon=True)
        thread.start()
        return thread

    try:
        return refused_within(start, int(targets["processes"]), "RuntimeError")
    finally:
        gate.set()


def _too_many_files() -> Finding:
    opened: list[int] = []

    def attempt() -> None:
        opened.append(os.open(os.devnull, os.O_RDONLY))

    found = refused_within(attempt, int(targets["open_files"]), "EMFILE")
    for descriptor in opened:
        os.close(descriptor)
    return found


def _too_many_watches() -> Finding:
    opened: list[int] = []
    found = refused_within(
        lambda: opened.append(called("inotify_init1", 0)), int(targets["open_files"]), "EMFILE"
    )
    for descriptor in opened:
        os.close(descriptor)
    return found


def _too_many_timers() -> Finding:
    timer = ctypes.c_int()

    def attempt() -> int:
        return called_by_number(222, 107, _CLOCK_MONOTONIC, None, ctypes.byref(timer))

    return refused_within(attempt, int(targets["timers"]), "EAGAIN")


def _too_much_memory() -> Finding:
    try:
        bytearray(int(targets["memory_bytes"]))
    except MemoryError:
        return True, "MemoryError"
    return False, "it was given"


def _ten_gib() -> Finding:
    try:
        bytearray(_TEN_GIB)
    except MemoryError:
        return True, "MemoryError"
    return False, "they were given"


def _maps_without_end() -> Finding:
    steps = int(targets["memory_bytes"]) // (16 * _MIB)
    return refused_within(lambda: mmap.mmap(-1, 16 * _MIB), steps, "ENOMEM")


def _memory_files() -> Finding:
    """What is written there is memory that belongs to no process."""
    return refused(lambda: os.memfd_create("hoard"))


def _lasting_memory() -> Finding:
    return refused(lambda: called("shmget", 0, 4096, 0o1600))


def _lock_memory() -> Finding:
    block = mmap.mmap(-1, _MIB)
    address = ctypes.addressof(ctypes.c_char.from_buffer(block))
    return refused(lambda: called("mlock", ctypes.c_void_p(address), _MIB), "ENOMEM")


def _too_big_a_file() -> Finding:
    size_bytes = int(targets["file_bytes"]) + 1
    try:
        with tempfile.TemporaryFile(dir=".") as file:
            os.ftruncate(file.fileno(), size_bytes)
    except OSError as error:
        return error.errno == errno.EFBIG, errno.errorcode.get(error.errno or 0, str(error))
    return False, "it was written"


ATTACKS: dict[str, Attack] = {
    "start too many processes": _too_many_processes,
    "start too many threads": _too_many_threads,
    "open too many files": _too_many_files,
    "watch too many files": _too_many_watches,
    "set too many timers": _too_many_timers,
    "take too much memory": _too_much_memory,
    "take 10 GiB at once": _ten_gib,
    "map memory without end": _maps_without_end,
    "hoard in memory files": _memory_files,
    "share System V memory": _lasting_memory,
    "lock memory": _lock_memory,
    "write too big a file": _too_big_a_file,
}
