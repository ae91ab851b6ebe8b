"""The canary's attacks on the bounds: each a small program that would never stop by itself."""

import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from engines.sandbox.conversation import Conversation, Ended, Garbled
from engines.sandbox.jail import prepared
from engines.sandbox.loan import MAX_DEPTH
from engines.sandbox.report import Probe
from engines.sandbox.supervision import Supervision, never
from engines.sandbox.types import Command, Ending, Limits, Outcome, Rung

_MIB = 1 << 20
LIMITS = Limits(wall_s=30.0, cpu_s=10.0, memory_bytes=512 * _MIB, processes=24, file_bytes=4 * _MIB)
_ACCOUNT_CPU_S = 0.3


def run_once(rung: Rung, command: Command) -> Outcome:
    """Run a command on a rung that is not proven yet."""
    with prepared(rung, command) as jail, Supervision(jail) as supervision:
        return supervision.pump(never)


def _limited(rung: Rung, code: str, limits: Limits) -> Outcome:
    with TemporaryDirectory(prefix="gryph-canary-") as name:
        argv = (sys.executable, "-I", "-S", "-c", code)
        return run_once(rung, Command(argv=argv, work=Path(name), limits=limits))


def _ending_row(name: str, outcome: Outcome, expected: Ending) -> Probe:
    happened = f"{outcome.ending} after {outcome.wall_s:.1f} s, {outcome.cpu_s:.1f} CPU s"
    return Probe(name, expected, happened, passed=outcome.ending is expected)


def probe_wall_limit(rung: Rung) -> Probe:
    """Sleep longer than the run may last."""
    outcome = _limited(rung, "import time; time.sleep(60)", replace(LIMITS, wall_s=0.2))
    return _ending_row("sleep past the wall limit", outcome, Ending.WALL_LIMIT)


def _probe_cpu_limit(rung: Rung) -> Probe:
    outcome = _limited(rung, "while True: pass", replace(LIMITS, cpu_s=0.5))
    return _ending_row("spin past the CPU limit", outcome, Ending.CPU_LIMIT)


def _probe_cpu_of_children(rung: Rung) -> Probe:
    code = "import os\nfor _ in range(3): os.fork()\nwhile True: pass"
    outcome = _limited(rung, code, replace(LIMITS, cpu_s=1.0))
    return _ending_row("spin in eight processes", outcome, Ending.CPU_LIMIT)


def _probe_ended_children(rung: Rung) -> Probe:
    """Processor time of children that have ended must count as well."""
    code = f"""
import os, time
while True:
    if os.fork() == 0:
        while time.process_time() < {_ACCOUNT_CPU_S}: pass
        os._exit(0)
    os.wait()
"""
    outcome = _limited(rung, code, replace(LIMITS, cpu_s=1.0))
    return _ending_row("spin in one child after another", outcome, Ending.CPU_LIMIT)


def _probe_fork_bomb(rung: Rung) -> Probe:
    code = "import os\nwhile True:\n try: os.fork()\n except OSError: pass"
    outcome = _limited(rung, code, replace(LIMITS, cpu_s=5.0, wall_s=1.0))
    held = outcome.ending in (Ending.WALL_LIMIT, Ending.CPU_LIMIT)
    happened = f"{outcome.ending} after {outcome.wall_s:.1f} s, {outcome.cpu_s:.1f} CPU s"
    return Probe("fork bomb", "stopped, none left", happened, passed=held)


def _probe_total_memory(rung: Rung) -> Probe:
    code = "import os, time\nfor _ in range(2): os.fork()\nx = b'x' * (64 << 20)\ntime.sleep(60)"
    limits = replace(LIMITS, total_memory_bytes=128 * _MIB, wall_s=10.0)
    outcome = _limited(rung, code, limits)
    return _ending_row("take memory in four processes", outcome, Ending.MEMORY_LIMIT)


def _probe_output(rung: Rung) -> Probe:
    outcome = _limited(rung, "while True: print('x' * 10000)", LIMITS)
    held = outcome.ending is Ending.OUTPUT_LIMIT and len(outcome.stdout) <= LIMITS.output_bytes
    happened = f"{outcome.ending}, {len(outcome.stdout)} bytes kept"
    return Probe("flood the output", Ending.OUTPUT_LIMIT, happened, passed=held)


def _probe_disk(rung: Rung) -> Probe:
    code = "import itertools\nfor n in itertools.count(): open(str(n), 'wb').write(bytes(1 << 20))"
    limits = replace(LIMITS, disk_bytes=16 * _MIB, wall_s=10.0)
    outcome = _limited(rung, code, limits)
    return _ending_row("fill the disk with files", outcome, Ending.DISK_LIMIT)


def _probe_deep_folders(rung: Rung) -> Probe:
    """Nesting too deep for the host to walk or remove by recursion."""
    code = "import os\nfor _ in range(3000): os.mkdir('d'); os.chdir('d')"
    with TemporaryDirectory(prefix="gryph-canary-") as name:
        argv = (sys.executable, "-I", "-S", "-c", code)
        run_once(rung, Command(argv=argv, work=Path(name), limits=LIMITS))
        depth = sum(1 for _ in os.walk(name))
    happened = f"{depth} levels left"
    return Probe(
        "nest 3000 folders", f"at most {MAX_DEPTH + 1} levels", happened, depth <= MAX_DEPTH + 1
    )


def _probe_survivors(rung: Rung) -> Probe:
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
    with TemporaryDirectory(prefix="gryph-canary-") as name:
        argv = (sys.executable, "-I", "-S", "-c", code)
        outcome = run_once(rung, Command(argv=argv, work=Path(name), limits=LIMITS))
        sizes = [Path(name, "alive").stat().st_size]
        time.sleep(0.1)
        sizes.append(Path(name, "alive").stat().st_size)
    happened = f"{outcome.ending}, then {sizes[1] - sizes[0]} signs of life"
    return Probe("leave a daemon behind", "dead", happened, passed=sizes[0] == sizes[1])


def _probe_channel_flood(rung: Rung) -> Probe:
    """A conversation's line without an end must not fill the host's memory."""
    code = "import os\nwhile True: os.write(4, b'x' * 65536)"
    with TemporaryDirectory(prefix="gryph-canary-") as name:
        argv = (sys.executable, "-I", "-S", "-c", code)
        command = Command(argv=argv, work=Path(name), limits=LIMITS)
        with Conversation(prepared(rung, command)) as conversation:
            happened = _said(conversation)
    return Probe("flood a conversation", "cut", happened, passed="longer than" in happened)


def _said(conversation: Conversation) -> str:
    try:
        return str(conversation.receive(10.0))
    except (Ended, Garbled, TimeoutError) as error:
        return str(error)


LIMIT_PROBES = (
    probe_wall_limit,
    _probe_cpu_limit,
    _probe_cpu_of_children,
    _probe_ended_children,
    _probe_fork_bomb,
    _probe_total_memory,
    _probe_output,
    _probe_disk,
    _probe_deep_folders,
    _probe_survivors,
    _probe_channel_flood,
)
