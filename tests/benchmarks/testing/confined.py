"""Runs foreign commands: limited in memory and time, unable to write elsewhere, and counted.

CPU time is that of the whole tree, killed processes included: what is lost when a process dies
unwaited is added back from what was seen of it before.
"""

import ctypes
import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_SET_CHILD_SUBREAPER = 36
_TICKS = os.sysconf("SC_CLK_TCK")
_POLL_S = 0.05
_TAIL_CHARS = 4000


@dataclass(frozen=True)
class Limits:
    """What a command may use; `memory_mb` is address space, 0 for no limit."""

    cpu_s: float
    wall_s: float
    memory_mb: int = 0


@dataclass(frozen=True)
class Ended:
    """How a command ended; `stopped` names the limit that ended it, if one did."""

    code: int
    cpu_s: float
    wall_s: float
    output: str
    stopped: str = ""


def run(
    command: Sequence[str], folder: Path, limits: Limits, env: Mapping[str, str], *, jailed: bool
) -> Ended:
    """Run to its end or limit; `jailed` lets it write only below `folder`, without a network."""
    whole = [*(_jail(folder) if jailed else []), *command]
    kib = str(limits.memory_mb * 1024) if limits.memory_mb else "unlimited"
    ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    log = folder / "output.txt"
    started, spent = time.monotonic(), _Spent()
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["/bin/sh", "-c", 'ulimit -v "$0" && exec "$@"', kib, *whole],
            cwd=folder,
            env=_environment(folder) | dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        stopped = ""
        while process.poll() is None and not stopped:
            time.sleep(_POLL_S)
            spent.look()
            if spent.cpu_s > limits.cpu_s:
                stopped = f"{limits.cpu_s:.0f} s of CPU"
            elif time.monotonic() - started > limits.wall_s:
                stopped = f"{limits.wall_s:.0f} s"
        _end_descendants()
    process.wait()
    spent.look()
    text = log.read_text(encoding="utf-8", errors="replace")[-_TAIL_CHARS:]
    wall_s = time.monotonic() - started
    return Ended(process.returncode, round(spent.cpu_s, 2), round(wall_s, 2), text, stopped)


def jail_of_this_machine() -> str:
    """What keeps foreign code from writing elsewhere, for the head of the figures."""
    return "bubblewrap" if shutil.which("bwrap") else "nothing (no bubblewrap found)"


def _jail(folder: Path) -> list[str]:
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        return []
    return [
        bwrap, "--ro-bind", "/", "/", "--dev", "/dev", "--bind", str(folder), str(folder),
        "--unshare-net", "--die-with-parent", "--",
    ]  # fmt: skip


def _environment(folder: Path) -> dict[str, str]:
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "PYTHONPYCACHEPREFIX": str(folder / "pycache"),
    }


class _Spent:
    """CPU seconds of all descendants since it was made."""

    def __init__(self) -> None:
        self.cpu_s = 0.0
        self._seen = _tree_cpu_s()

    def look(self) -> None:
        """Add what was used since the last look; where time was lost, nothing is taken away."""
        now = _tree_cpu_s()
        self.cpu_s += max(0.0, now - self._seen)
        self._seen = now


def _tree_cpu_s() -> float:
    """Of the living by their own account, of the dead by that of whoever waited for them."""
    ours = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ours.ru_utime + ours.ru_stime + sum(_cpu_s(pid) for pid in _descendants(os.getpid()))


def _cpu_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(int(field) for field in fields[11:15]) / _TICKS


def _descendants(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").glob("*"):
        try:
            children = (task / "children").read_text().split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        for child in children:
            yield int(child)
            yield from _descendants(int(child))


def _end_descendants() -> None:
    """Kill what is left, again and again, since a fork may escape one round, and wait for it."""
    while left := list(_descendants(os.getpid())):
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        _reap()
    _reap()


def _reap() -> None:
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                return
        except ChildProcessError:
            return
