"""How long the sandbox takes to start: from the request to the program's first message.

    python -m tests.benchmarks.sandbox_start [--runs 40]

Cold starts contain that of a plain interpreter, which is told beside them. Their CPU time is that of
the host and of all processes of a run, its end included; of warm starts under bubblewrap the kernel
tells the host only a part, so that none is told.
"""

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from engines.sandbox.canary import quick_canary
from engines.sandbox.conversation import Conversation
from engines.sandbox.sandbox import Sandbox
from engines.sandbox.server import Server
from engines.sandbox.types import Command, Entry, Preparation, Rung
from tests.benchmarks.machine import machine, percentile

_ROOT = Path(__file__).parents[2]
_ENTRIES = "tests.engines.sandbox.entries"
_CODE = f"import sys; sys.path.insert(0, {str(_ROOT)!r}); from {_ENTRIES} import echo; echo()"
_PLAIN = f"import sys; sys.path.insert(0, {str(_ROOT)!r}); import {_ENTRIES}; print(flush=True)"
_TOOLS = ("pytest", "coverage")

Start = Callable[[], AbstractContextManager[None]]


def main(arguments: list[str] | None = None) -> int:
    """Print the figures of each rung that holds; 1 if none does."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.sandbox_start")
    parser.add_argument("--runs", type=int, default=40)
    runs = parser.parse_args(arguments).runs
    print(f"{machine(*_TOOLS)}\n{runs} starts each; wall is fastest / median")
    spent_s = _cpu_s()
    _print("plain interpreter", _walls(_plain, runs), _cpu_s() - spent_s)
    proven = [rung for rung in Rung if quick_canary(rung).passed]
    for rung in proven:
        sandbox = Sandbox(rung)
        spent_s = _cpu_s()
        _print(f"{rung}, cold", _walls(partial(_cold, sandbox), runs), _cpu_s() - spent_s)
        for modules in ((), _TOOLS):
            with sandbox.warm(Preparation((_ENTRIES, *modules), (_ROOT,))) as server:
                walls = _walls(partial(_warm, server), runs)
            _print(", ".join([f"{rung}, warm", *modules]), walls)
    return int(not proven)


def _print(name: str, walls: list[float], cpu_s: float | None = None) -> None:
    fastest, middle = 1000 * min(walls), 1000 * percentile(walls, 0.5)
    cpu = "" if cpu_s is None else f", CPU {1000 * cpu_s / len(walls):6.1f} ms"
    print(f"{name:34} wall {fastest:6.1f} / {middle:6.1f} ms{cpu}", flush=True)


def _walls(start: Start, runs: int) -> list[float]:
    walls: list[float] = []
    for _ in range(runs):
        began_s = time.perf_counter()
        with start():
            walls.append(time.perf_counter() - began_s)
    return walls


def _cpu_s() -> float:
    """Of this process and of those that have ended below it."""
    used = [resource.getrusage(one) for one in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


@contextmanager
def _plain() -> Generator[None]:
    argv = [sys.executable, "-P", "-s", "-c", _PLAIN]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield


@contextmanager
def _cold(sandbox: Sandbox) -> Generator[None]:
    with TemporaryDirectory() as name:
        argv = (sys.executable, "-P", "-s", "-c", _CODE)
        with sandbox.open(Command(argv, Path(name), (_ROOT,))) as conversation:
            _answered(conversation)
            yield


@contextmanager
def _warm(server: Server) -> Generator[None]:
    with server.folder() as work, server.open(Entry(f"{_ENTRIES}:echo", work)) as conversation:
        _answered(conversation)
        yield


def _answered(conversation: Conversation) -> None:
    conversation.send("ready")
    assert conversation.receive(30) == "ready"


if __name__ == "__main__":
    sys.exit(main())
