"""All threads share one heap, so that what one frees the next one takes, or the system."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

BUSY = """
import ctypes, sys, threading
from bot.heap import keep_compact

if sys.argv[1] == "compact":
    assert keep_compact()
barrier = threading.Barrier(6)

def work():
    barrier.wait()
    pieces = [bytes(9000) for _ in range(100)]
    barrier.wait()

threads = [threading.Thread(target=work) for _ in range(6)]
for each in threads:
    each.start()
for each in threads:
    each.join()
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
out = ctypes.c_void_p(libc.fopen(sys.argv[2].encode(), b"w"))
libc.malloc_info(0, out)
libc.fclose(out)
"""


def arenas(how: str, told: Path) -> int:
    subprocess.run([sys.executable, "-c", BUSY, how, str(told)], check=True)
    return told.read_text().count("<heap nr=")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has arenas to choose")
def test_threads_share_one_heap(tmp_path: Path) -> None:
    assert arenas("as it is", tmp_path / "before.xml") > 1
    assert arenas("compact", tmp_path / "after.xml") == 1


SCATTERED = """
from bot.heap import keep_compact, trim

def held_mb():
    with open("/proc/self/statm") as told:
        return int(told.read().split()[1]) * 4096 / 1e6

keep_compact()
pieces = [bytes(9000) for _ in range(4000)]
kept = pieces[::10]
del pieces
before = held_mb()
assert trim()
assert before - held_mb() > 15, (before, held_mb())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has a heap to trim")
def test_what_lies_unused_between_pieces_in_use_is_handed_back() -> None:
    subprocess.run([sys.executable, "-c", SCATTERED], check=True)
