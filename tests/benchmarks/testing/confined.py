"""Runs foreign commands: limited in memory and time, unable to write elsewhere, and counted.

CPU time is that of the whole tree, killed processes included: what is lost when a process dies
unwaited is added back from what was seen of it before.
"""

import contextlib
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
    log = folder / "output.txt"
    started, tree = time.monotonic(), _Tree()
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
            tree.look()
            if tree.cpu_s > limits.cpu_s:
                stopped = f"{limits.cpu_s:.0f} s of CPU"
            elif time.monotonic() - started > limits.wall_s:
                stopped = f"{limits.wall_s:.0f} s"
        if stopped:
            process.kill()
            process.wait()
        tree.end()
    text = log.read_text(encoding="utf-8", errors="replace")[-_TAIL_CHARS:]
    wall_s = time.monotonic() - started
    return Ended(process.returncode, round(tree.cpu_s, 2), round(wall_s, 2), text, stopped)


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


class _Tree:
    """The processes below this one that were not there when it was made, orphans included."""

    def __init__(self) -> None:
        self.cpu_s = 0.0
        _adopt_orphans(wanted=True)
        self._others = frozenset(_children(os.getpid()))
        self._seen = self._cpu_s()

    def look(self) -> None:
        """Add what was used since the last look; where time was lost, nothing is taken away."""
        now = self._cpu_s()
        self.cpu_s += max(0.0, now - self._seen)
        self._seen = now

    def end(self) -> None:
        """Kill what is left, again and again, since a fork may escape one round."""
        while left := list(self._pids()):
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            for pid in frozenset(_children(os.getpid())) - self._others:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, 0)
        _adopt_orphans(wanted=False)
        self.look()

    def _cpu_s(self) -> float:
        """Of the living by their own account, of the dead by that of whoever waited for them."""
        ours = resource.getrusage(resource.RUSAGE_CHILDREN)
        return ours.ru_utime + ours.ru_stime + sum(_cpu_s(pid) for pid in self._pids())

    def _pids(self) -> Iterator[int]:
        for pid in _children(os.getpid()):
            if pid not in self._others:
                yield from _family(pid)


def _adopt_orphans(*, wanted: bool) -> None:
    ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, int(wanted), 0, 0, 0)


def _cpu_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(int(field) for field in fields[11:15]) / _TICKS


def _family(pid: int) -> Iterator[int]:
    yield pid
    for child in _children(pid):
        yield from _family(child)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found.extend(int(child) for child in (task / "children").read_text().split())
    return found
