"""Lessons that no answer waits for: what a history teaches is learned by a process of its own."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import structlog

log = structlog.get_logger()

LIMIT_S = 7_200.0
"""For one lesson; one of 50,000 commits takes two minutes of a core that nobody else wants."""
AGAIN_S = 3_600.0
"""A lesson that failed is not tried again for as long."""
_LOW_PRIORITY = 10
_TOLD_CHARS = 500


class _Lesson(NamedTuple):
    folder: Path
    mode: str


class Lessons:
    """Has them learned, one after the other, below all else that runs here. What was begun when
    the worker ends is begun again by whoever asks next.
    """

    def __init__(self) -> None:
        """Nothing is learned yet, and no process started."""
        self._lock = Lock()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="lessons")
        self._wanted: set[_Lesson] = set()
        self._failed_s: dict[_Lesson, float] = {}
        self._process: subprocess.Popen[str] | None = None
        self._is_closed = False

    @property
    def process(self) -> int | None:
        """The id of the process that is at it, if one is."""
        with self._lock:
            return self._process.pid if self._process else None

    def begin(self, folder: Path, mode: str) -> bool:
        """Have learned what the history kept in a folder teaches; whether that is begun now."""
        lesson = _Lesson(folder, mode)
        with self._lock:
            failed_s = self._failed_s.get(lesson, -AGAIN_S)
            is_early = time.monotonic() < failed_s + AGAIN_S
            if self._is_closed or is_early or lesson in self._wanted:
                return False
            self._wanted.add(lesson)
            self._pool.submit(self._learn, lesson)
            return True

    def close(self) -> None:
        """End the process that is at it, and forget the other lessons."""
        with self._lock:
            self._is_closed = True
            if self._process is not None:
                self._process.kill()
        self._pool.shutdown(cancel_futures=True)

    def _learn(self, lesson: _Lesson) -> None:
        begun_s = time.monotonic()
        said = self._ran(lesson)
        with self._lock:
            self._process = None
            self._wanted.discard(lesson)
            if self._is_closed:
                return
            if said is not None:
                self._failed_s[lesson] = time.monotonic()
        about = {"history": lesson.folder.parent.name, "mode": lesson.mode}
        if said is None:
            log.info("lesson learned", **about, seconds=round(time.monotonic() - begun_s, 1))
        else:
            log.warning("lesson not learned", **about, error=said)

    def _ran(self, lesson: _Lesson) -> str | None:
        """What went wrong, or None."""
        with self._lock:
            if self._is_closed:
                return "the worker ends"
            self._process = process = _started(lesson)
        try:
            _, said = process.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return f"it took longer than {LIMIT_S:.0f} s"
        if process.returncode == 0:
            return None
        return said.strip()[-_TOLD_CHARS:] or f"it ended with {process.returncode}"


def _started(lesson: _Lesson) -> "subprocess.Popen[str]":
    command = ("-P", "-s", "-m", "engines.matching", "learn", str(lesson.folder))
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and code
        [sys.executable, *command, "--mode", lesson.mode],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
        env={"OMP_NUM_THREADS": "1", "LANG": "C.UTF-8"},
        process_group=0,  # not a session of its own, whose priority Linux would weigh apart
    )
    with suppress(ProcessLookupError):
        os.setpriority(os.PRIO_PROCESS, process.pid, _LOW_PRIORITY)
    return process
