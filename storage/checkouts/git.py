"""git, as a program whose time, memory, processor and disk are counted."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from storage.checkouts.distrust import Access, environment_of
from storage.checkouts.types import CheckoutFailed, CheckoutPolicy, CheckoutStopped

POLL_S = 0.05
_OUTPUT_BYTES = 32 * 2**20
_ERROR_BYTES = 2**20
"""A server may have as much to say as it likes; git repeats it."""
_QUOTED_BYTES = 16 * 2**10
_OWN_FILES = 1000
"""Of git itself; what is fetched is a pack, and a file for each branch that is asked for."""
_HARD_CPU_S = 5
"""What is left after the first signal."""
_LIMITED = (
    'ulimit -c 0; ulimit -v "$1"; ulimit -f "$2"; ulimit -S -t "$3"; ulimit -H -t "$4"; '
    'shift 4; exec "$@"'
)
"""Limits in KiB, blocks of 512 bytes, and seconds; inherited by all that git starts. Where one
cannot be set, a lower one is in force already."""
_STARVED = (
    "out of memory",
    "cannot allocate memory",
    "malloc failed",
    "mmap failed",
    "unable to create thread",
    "too large to fit",
    "size_t overflow",
)
_DIED_SILENTLY = "fatal: fetch-pack: invalid index-pack output"
"""All there is to read when git's reader of packs was ended by a signal."""
_SIGNALS_OF_LIMITS = (signal.SIGXCPU, signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT)


class GitFailed(Exception):
    """git ended with an error; the message is what it said."""


class GitMissing(CheckoutFailed):
    """git is not installed."""


class GitGrew(Exception):
    """git wrote more than it may."""


class GitStarved(Exception):
    """git needed more memory or processor time than it may have, or crashed on what it read."""


class Git:
    """Runs git commands that end on time, on request, or when they take too much."""

    def __init__(
        self,
        scratch: Path,
        stop: Callable[[], bool],
        policy: CheckoutPolicy,
        access: Access | None,
    ) -> None:
        """`scratch` is an empty folder for all that the commands write.

        Raises:
            GitMissing: There is no such program.
        """
        program = shutil.which("git")
        if program is None:
            raise GitMissing("git is not installed where the worker runs")
        self._program = program
        self._scratch = scratch
        self._stop = stop
        self._policy = policy
        self._deadline = time.monotonic() + policy.timeout_s
        self._environment = environment_of(scratch / "settings", access)

    def run(self, *arguments: str | Path, folder: Path | None = None) -> bytes:
        """Run a command in `folder` and return its output.

        Raises:
            GitFailed: It ended with an error.
            GitGrew: It wrote too much and was killed.
            GitStarved: It met the end of its memory or processor time.
            CheckoutFailed: It took too long.
            CheckoutStopped: The caller asked for an end.
        """
        output, errors = self._scratch / "output", self._scratch / "errors"
        with output.open("wb") as stdout, errors.open("wb") as stderr:
            process = subprocess.Popen(  # noqa: S603 - no shell reads it, and callers check it
                [*self._limits(), self._program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                cwd=folder or self._scratch,
                env=self._environment,
                start_new_session=True,
            )
            try:
                self._attend(process)
            finally:
                _end(process)
        if process.returncode != 0:
            if any(size >= self._policy.max_bytes for size in _sizes(self._scratch)):
                raise GitGrew
            raise _failure(process.returncode, _end_of(errors))
        return output.read_bytes()

    def _limits(self) -> list[str]:
        policy = self._policy
        cpu_s = round(policy.max_cpu_s)
        numbers = (
            policy.max_memory_bytes // 1024,
            policy.max_bytes // 512 + 1,
            cpu_s,
            cpu_s + _HARD_CPU_S,
        )
        return ["/bin/sh", "-c", _LIMITED, "git", *map(str, numbers)]

    def _attend(self, process: "subprocess.Popen[bytes]") -> None:
        ended = False
        while not ended:
            try:
                process.wait(POLL_S)
                ended = True
            except subprocess.TimeoutExpired:
                if self._stop():
                    raise CheckoutStopped from None
                if time.monotonic() > self._deadline:
                    raise CheckoutFailed(
                        "checking out the code took longer than "
                        f"{self._policy.timeout_s:.0f} seconds"
                    ) from None
            self._measure()

    def _measure(self) -> None:
        most_bytes = self._policy.max_bytes + _OUTPUT_BYTES
        most_files = self._policy.max_files + _OWN_FILES
        total_bytes = 0
        for number, size_bytes in enumerate(_sizes(self._scratch)):
            total_bytes += size_bytes
            if total_bytes > most_bytes or number > most_files:
                raise GitGrew
        if (self._scratch / "output").stat().st_size > _OUTPUT_BYTES:
            raise GitGrew
        if (self._scratch / "errors").stat().st_size > _ERROR_BYTES:
            raise GitFailed("the host says more than anybody could read")


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End git and what it started, which may outlive it."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _sizes(folder: Path) -> Iterator[int]:
    for parent, _, files in os.walk(folder):
        for name in files:
            with suppress(FileNotFoundError):  # a temporary file that has got its name meanwhile
                yield Path(parent, name).lstat().st_size


def _failure(returncode: int, said: str) -> GitFailed | GitStarved:
    """Whether it was a limit, by the signal that it or one of its own processes died of."""
    own = [line.lower() for line in said.splitlines() if line.startswith(("fatal:", "error:"))]
    if own == [_DIED_SILENTLY] or any(words in line for line in own for words in _STARVED):
        return GitStarved()
    if any(_died_of(each, returncode, own) for each in _SIGNALS_OF_LIMITS):
        return GitStarved()
    return GitFailed(said)


def _died_of(one: signal.Signals, returncode: int, own: list[str]) -> bool:
    named = f"died of signal {one:d}"
    return returncode in (-one, 128 + one) or any(line.endswith(named) for line in own)


def _end_of(errors: Path) -> str:
    with errors.open("rb") as file:
        file.seek(max(0, errors.stat().st_size - _QUOTED_BYTES))
        return file.read().decode(errors="replace").strip()
