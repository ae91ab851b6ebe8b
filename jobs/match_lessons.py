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
AGAIN_S = 900.0
"""A lesson that failed is not tried again for as long."""
NICE = 10
"""At least, and never before the worker itself."""
_NOTHING_NEW = 3
"""How `learn` ends where all of it is known, or another worker is at it."""
_TOLD_CHARS = 500


class _Lesson(NamedTuple):
    folder: Path
    mode: str


class _NotLearned(Exception):
    """Says why."""


class Lessons:
    """Has them learned, one after the other, below all else that runs here. What was begun when
    the worker is stopped is begun again by whoever asks next.
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
        about = {"history": lesson.folder.parent.name, "mode": lesson.mode}
        try:
            is_new = self._ran(lesson)
        except _NotLearned as why:
            with self._lock:
                self._failed_s[lesson] = time.monotonic()
                is_told = not self._is_closed
            if is_told:
                log.warning("lesson not learned", **about, error=str(why))
        else:
            if is_new:
                log.info("lesson learned", **about, seconds=round(time.monotonic() - begun_s, 1))
        finally:
            with self._lock:
                self._process = None
                self._wanted.discard(lesson)

    def _ran(self, lesson: _Lesson) -> bool:
        """Whether anything was learned. Raises _NotLearned."""
        with self._lock:
            if self._is_closed:
                raise _NotLearned("the worker ends")
            self._process = process = _started(lesson)
        try:
            _, said = process.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired as error:
            process.kill()
            process.communicate()
            raise _NotLearned(f"it took longer than {LIMIT_S:.0f} s") from error
        if process.returncode not in (0, _NOTHING_NEW):
            raise _NotLearned(said.strip()[-_TOLD_CHARS:] or f"it ended with {process.returncode}")
        return process.returncode == 0


def _started(lesson: _Lesson) -> "subprocess.Popen[str]":
    command = ("-P", "-s", "-m", "engines.matching", "learn", str(lesson.folder))
    try:
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
    except OSError as error:
        raise _NotLearned(f"no process could be started: {error}") from error
    with suppress(OSError):  # it ended already, or has a lower priority than we may give
        own = os.getpriority(os.PRIO_PROCESS, 0)
        os.setpriority(os.PRIO_PROCESS, process.pid, max(NICE, own))
    return process
