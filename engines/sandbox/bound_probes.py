"""The canary's attacks on the bounds: each a small program that would never stop by itself."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from engines.sandbox.conversation import Ended, Garbled
from engines.sandbox.ground import LIMITS, Ground
from engines.sandbox.loan import MAX_DEPTH
from engines.sandbox.report import Probe
from engines.sandbox.types import Ending, Limits, Outcome

BoundProbe = Callable[[Ground], Probe]

_MIB = 1 << 20
_SHORT = replace(LIMITS, wall_s=0.3)
_LITTLE_CPU = replace(LIMITS, cpu_s=0.4)
_ON_ITS_OWN = (Ending.EXITED, Ending.SIGNALLED)


@dataclass(frozen=True)
class _Bomb:
    """A program, and how it must end."""

    name: str
    code: str
    endings: tuple[Ending, ...]
    limits: Limits = LIMITS

    def __call__(self, ground: Ground) -> Probe:
        outcome = ground.run(self.code, self.limits)
        expected = " or ".join(self.endings)
        return Probe(self.name, expected, _told(outcome), outcome.ending in self.endings)


def _told(outcome: Outcome) -> str:
    return f"{outcome.ending} after {outcome.wall_s:.1f} s, {outcome.cpu_s:.1f} CPU s"


probe_wall_limit: BoundProbe = _Bomb(
    "sleep past the wall limit", "import time; time.sleep(60)", (Ending.WALL_LIMIT,), _SHORT
)

_IGNORE_ALL = """
import os, signal, time
for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
    try: signal.signal(number, signal.SIG_IGN)
    except OSError: pass
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
while True: time.sleep(1)
"""
_CHILD_AFTER_CHILD = """
import os, time
while True:
    if os.fork() == 0:
        while time.process_time() < 0.1: pass
        os._exit(0)
    os.wait()
"""
_ORPHAN_CHAIN = """
import os
while True:
    try:
        if os.fork(): os._exit(0)
        os.setsid()
    except OSError: pass
"""
_THREADS = """
import threading, time
def more():
    while True:
        try: threading.Thread(target=more).start()
        except RuntimeError: time.sleep(1)
more()
"""
_REMOVE_ALL = """
import os, shutil, sys
shutil.rmtree(".", ignore_errors=True)
shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)
for module in list(sys.modules.values()):
    try: os.unlink(module.__file__)
    except (AttributeError, OSError, TypeError): pass
sys.modules.clear()
"""
_FILES = (
    "import itertools\nfor n in itertools.count(): open(f'{0}{{n}}', 'wb').write(bytes(1 << 20))"
)
_TEMPORARY = "import os; os.chdir(os.environ['TMPDIR'])\n" + _FILES.format("")

BOMBS = (
    _Bomb("spin past the CPU limit", "while True: pass", (Ending.CPU_LIMIT,), _LITTLE_CPU),
    _Bomb(
        "spin in eight processes",
        "import os\nfor _ in range(3): os.fork()\nwhile True: pass",
        (Ending.CPU_LIMIT,),
        _LITTLE_CPU,
    ),
    _Bomb("spin in one child after another", _CHILD_AFTER_CHILD, (Ending.CPU_LIMIT,), _LITTLE_CPU),
    _Bomb(
        "fork bomb",
        "import os\nwhile True:\n try: os.fork()\n except OSError: pass",
        (Ending.WALL_LIMIT, Ending.CPU_LIMIT),
        replace(_SHORT, cpu_s=5.0),
    ),
    _Bomb(
        "orphan chain", _ORPHAN_CHAIN, (*_ON_ITS_OWN, Ending.WALL_LIMIT, Ending.CPU_LIMIT), _SHORT
    ),
    _Bomb("thread bomb", _THREADS, (Ending.WALL_LIMIT, Ending.CPU_LIMIT), _SHORT),
    _Bomb(
        "take memory in four processes",
        "import os, time\nfor _ in range(2): os.fork()\nx = b'x' * (96 << 20)\ntime.sleep(60)",
        (Ending.MEMORY_LIMIT,),
        replace(LIMITS, total_memory_bytes=256 * _MIB, wall_s=10.0),
    ),
    _Bomb("ignore every signal", _IGNORE_ALL, (Ending.WALL_LIMIT,), _SHORT),
    _Bomb("stop itself", "import os; os.kill(os.getpid(), 19)", (Ending.WALL_LIMIT,), _SHORT),
    _Bomb(
        "close every descriptor",
        "import os, time; os.closerange(0, 4096); time.sleep(60)",
        (Ending.WALL_LIMIT,),
        _SHORT,
    ),
    _Bomb("kill all it can", "import os; os.kill(-1, 9)", _ON_ITS_OWN),
    _Bomb("crash", "import ctypes; ctypes.string_at(0)", (Ending.SIGNALLED,)),
    _Bomb("remove all it can, itself too", _REMOVE_ALL, _ON_ITS_OWN),
    _Bomb(
        "fill the disk with files",
        _FILES.format(""),
        (Ending.DISK_LIMIT,),
        replace(LIMITS, disk_bytes=16 * _MIB, wall_s=10.0),
    ),
    _Bomb(
        "fill the temporary folder",
        _TEMPORARY,
        # A mount of bounded size refuses, and the program ends of it.
        (Ending.DISK_LIMIT, Ending.EXITED),
        replace(LIMITS, disk_bytes=16 * _MIB, wall_s=10.0),
    ),
)


def _probe_output(ground: Ground) -> Probe:
    outcome = ground.run("while True: print('x' * 10000)", LIMITS)
    held = outcome.ending is Ending.OUTPUT_LIMIT and len(outcome.stdout) <= LIMITS.output_bytes
    happened = f"{outcome.ending}, {len(outcome.stdout)} bytes kept"
    return Probe("flood the output", Ending.OUTPUT_LIMIT, happened, passed=held)


def _probe_deep_folders(ground: Ground) -> Probe:
    """Nesting too deep for the host to walk or remove by recursion."""
    code = "import os\nname = 'd' * 60\nfor _ in range(200): os.mkdir(name); os.chdir(name)"
    with ground.server.folder() as work:
        ground.run(code, LIMITS, work)
        depth = sum(1 for _ in os.walk(work))
    bound = MAX_DEPTH + 1
    return Probe(
        "nest folders without end", f"at most {bound} levels", f"{depth} levels", depth <= bound
    )


_SPECIAL_FILES = """
import os, stat
os.mkfifo("pipe"); os.mknod("socket", stat.S_IFSOCK | 0o600)
os.symlink("loop", "loop"); os.symlink("/", "root"); os.symlink(".", "here")
open("-rf *", "w"); open(b"\\xff", "w"); open("sparse", "w").truncate(3 << 20)
os.umask(0o777); open("closed-file", "w"); os.mkdir("closed")
"""


def _probe_special_files(ground: Ground) -> Probe:
    """Pipes, sockets, loops, odd names and closed folders must not stop the host from tidying."""
    with ground.server.folder() as work:
        outcome = ground.run(_SPECIAL_FILES, LIMITS, work)
        owned = {path.lstat().st_uid for path in work.rglob("*")} == {os.geteuid()}
        left = len(list(work.iterdir()))
    is_gone = not work.exists()
    held = outcome.exit_code == 0 and owned and is_gone
    happened = f"{left} left, owned: {owned}, then gone: {is_gone}"
    return Probe("leave pipes, sockets, loops", "removable", happened, passed=held)


def _probe_survivors(ground: Ground) -> Probe:
    """A daemon that left its session must die with the run."""
    code = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        while True:
            with open("alive", "a") as file: file.write("x")
            time.sleep(0.01)
    os._exit(0)
os.wait()
while not os.path.exists("alive"): time.sleep(0.01)
"""
    with ground.server.folder() as work:
        outcome = ground.run(code, LIMITS, work)
        before = _signs(work / "alive")
        time.sleep(0.1)
        later = _signs(work / "alive") - before
    happened = f"{outcome.ending} after {before} signs of life, then {later}"
    return Probe("leave a daemon behind", "dead", happened, passed=before > 0 and later == 0)


def _signs(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _probe_planted_code(ground: Ground) -> Probe:
    """What one run leaves in its folder must not be loaded when the next starts in it."""
    plant = """
import os
names = ("sitecustomize.py", "usercustomize.py", "conftest.py", "os.py", "json.py", "launcher.py")
os.makedirs("engines/sandbox")
for name in (*names, "engines/__init__.py", "engines/sandbox/launcher.py"):
    open(name, "w").write("open('planted', 'w')")
open("planted.pth", "w").write("import sitecustomize")
"""
    look = "import sys, json, decimal; print([name for name in sys.path if name in ('', '.')])"
    with ground.server.folder() as work:
        ground.run(plant, LIMITS, work)
        outcome = ground.run(look, LIMITS, work)
        loaded = Path(work, "planted").exists()
    held = not loaded and outcome.stdout == b"[]\n"
    happened = "loaded" if loaded else f"not loaded, {outcome.ending}"
    return Probe("plant code for the next start", "not loaded", happened, passed=held)


@dataclass(frozen=True)
class _Talk:
    """A program that misuses its channel, and what the host must make of it."""

    name: str
    code: str
    expected: str

    def __call__(self, ground: Ground) -> Probe:
        with ground.talk("import os, time\n" + self.code) as conversation:
            try:
                happened = str(conversation.receive(2.0))
            except (Ended, Garbled, TimeoutError) as error:
                happened = str(error)
        return Probe(self.name, self.expected, happened[:60], passed=self.expected in happened)


TALKS = (
    _Talk("flood a conversation", "while True: os.write(4, b'x' * 65536)", "longer than"),
    _Talk("say what is no message", r"os.write(4, b'\xff\x00{\n'); time.sleep(60)", "not a JSON"),
    _Talk("end within a message", "os.write(4, b'[1, 2')", "ended"),
    _Talk(
        "answer for the host",
        "fd = os.open('/proc/self/fd/3', os.O_WRONLY); os.write(fd, b'1\\n')\n"
        "os.write(4, b'\"harmless\"\\n'); time.sleep(60)",
        "",
    ),
    _Talk("flood the output meanwhile", "while True: os.write(1, b'x' * 65536)", "output_limit"),
)

BOUND_PROBES: tuple[BoundProbe, ...] = (
    probe_wall_limit,
    *BOMBS,
    _probe_output,
    _probe_deep_folders,
    _probe_special_files,
    _probe_survivors,
    _probe_planted_code,
    *TALKS,
)
