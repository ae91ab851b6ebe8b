"""Proves a rung on this host by attacking it: nothing is believed because a program is installed."""

import json
import os
import socket
import sys
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from engines.sandbox import probes
from engines.sandbox.conversation import Conversation, Ended, Garbled
from engines.sandbox.jail import prepared
from engines.sandbox.supervision import Supervision, never
from engines.sandbox.types import Command, Ending, Limits, NoIsolation, Outcome, Rung

_MIB = 1 << 20
_LIMITS = Limits(
    wall_s=30.0, cpu_s=10.0, memory_bytes=512 * _MIB, processes=24, file_bytes=4 * _MIB
)
_VARIABLE = "GRYPH_CANARY_SECRET"
_SECRET = "canary-secret"  # noqa: S105 - planted to be looked for
_WORKS = "works"
_REFUSED = "refused"
_ACCOUNT_CPU_S = 0.3


@dataclass(frozen=True)
class Probe:
    """One row: what was tried, what must happen, what did."""

    name: str
    expected: str
    happened: str
    passed: bool


@dataclass(frozen=True)
class CanaryReport:
    """All probes of one rung; `missing` says why none could be made."""

    rung: Rung
    probes: tuple[Probe, ...]
    missing: str = ""

    @property
    def passed(self) -> bool:
        """Whether the rung may be trusted."""
        return not self.missing and all(probe.passed for probe in self.probes)

    def failures(self) -> str:
        """What went wrong, for a person."""
        failed = [f"{probe.name}: {probe.happened}" for probe in self.probes if not probe.passed]
        return self.missing or "; ".join(failed)


def canary(rung: Rung) -> CanaryReport:
    """Attack a rung with every probe there is; takes some seconds."""
    return _attacked(rung, (_probe_from_inside, *_LIMIT_PROBES))


def quick_canary(rung: Rung) -> CanaryReport:
    """Attack a rung from inside and see one run killed: what a worker can afford at its start."""
    return _attacked(rung, (_probe_from_inside, _probe_wall_limit))


def _attacked(rung: Rung, makers: tuple[Callable[[Rung], tuple[Probe, ...]], ...]) -> CanaryReport:
    if sys.platform != "linux":
        return CanaryReport(rung, (), missing="the sandbox needs Linux")
    try:
        found = [probe for make in makers for probe in make(rung)]
    except NoIsolation as error:
        return CanaryReport(rung, (), missing=str(error))
    return CanaryReport(rung, tuple(found))


def _run(rung: Rung, command: Command) -> Outcome:
    with prepared(rung, command) as jail, Supervision(jail) as supervision:
        return supervision.pump(never)


@contextmanager
def _targets(folder: Path) -> Generator[dict[str, str]]:
    """Plant what the probes attack: a secret, an open port of each kind, this process."""
    secret = folder / "outside" / "secret.txt"
    secret.parent.mkdir(mode=0o755)
    secret.write_text(_SECRET)
    secret.chmod(0o644)
    with ExitStack() as stack:
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        unix = stack.enter_context(socket.socket(socket.AF_UNIX))
        unix.bind(str(folder / "socket"))
        unix.listen()
        yield {
            "secret": str(secret),
            "tcp_port": str(tcp.getsockname()[1]),
            "udp_port": str(udp.getsockname()[1]),
            "unix_socket": str(folder / "socket"),
            "variable": _VARIABLE,
            "host_pid": str(os.getpid()),
            "processes": str(_LIMITS.processes),
            "memory_bytes": str(_LIMITS.memory_bytes),
            "file_bytes": str(_LIMITS.file_bytes),
        }


def _probe_from_inside(rung: Rung) -> tuple[Probe, ...]:
    with TemporaryDirectory(prefix="gryph-canary-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        work = folder / "work"
        work.mkdir()
        with _targets(folder) as targets, _planted_environment():
            (work / "link-to-secret").symlink_to(targets["secret"])
            outcome = _run(rung, _probe_command(work, targets))
            secret = Path(targets["secret"])
            untouched = secret.read_text() == _SECRET and secret.stat().st_mode & 0o777 == 0o644  # noqa: PLR2004 - as planted
        rows = [*_rows(outcome), _result_row(work)]
        rows.append(_row("the secret is as it was", "untouched", "compared", held=untouched))
    return tuple(rows)


@contextmanager
def _planted_environment() -> Generator[None]:
    """Have a secret in this process's own environment while the jail starts."""
    os.putenv(_VARIABLE, _SECRET)
    try:
        yield
    finally:
        os.unsetenv(_VARIABLE)


def _probe_command(work: Path, targets: dict[str, str]) -> Command:
    return Command(
        argv=(sys.executable, "-B", probes.__file__, *probes.PROBES),
        work=work,
        env={"PROBE_TARGETS": json.dumps(targets)},
        limits=_LIMITS,
    )


def _rows(outcome: Outcome) -> list[Probe]:
    answers = {
        answer["probe"]: answer for answer in map(json.loads, outcome.stdout.decode().splitlines())
    }
    rows: list[Probe] = []
    for name in probes.PROBES:
        expected = _WORKS if name.endswith(("works", "work", "writable")) else _REFUSED
        if name in answers:
            answer = answers[name]
            rows.append(_row(name, expected, str(answer["happened"]), held=bool(answer["held"])))
        else:
            said = outcome.stderr.decode(errors="replace").strip().splitlines()
            happened = said[-1] if said else f"the probes ended: {outcome.ending}"
            rows.append(_row(name, expected, happened, held=False))
    return rows


def _row(name: str, expected: str, happened: str, *, held: bool) -> Probe:
    return Probe(name, expected, happened, held)


def _result_row(work: Path) -> Probe:
    """The host must own, read and be able to remove what the run left."""
    kept = work / "result" / "kept.txt"
    name, expected = "the result is the host's", "owned, readable, removable"
    try:
        owned = kept.read_text() == "kept" and kept.stat().st_uid == os.geteuid()
        (work / "result" / "closed").rmdir()
        kept.unlink()
    except OSError as error:
        return _row(name, expected, str(error), held=False)
    return _row(name, expected, "owned" if owned else "foreign", held=owned)


def _probe_limit(rung: Rung, code: str, limits: Limits) -> Outcome:
    with TemporaryDirectory(prefix="gryph-canary-") as name:
        argv = (sys.executable, "-I", "-S", "-c", code)
        return _run(rung, Command(argv=argv, work=Path(name), limits=limits))


def _ending_row(name: str, outcome: Outcome, expected: Ending) -> Probe:
    happened = f"{outcome.ending} after {outcome.wall_s:.1f} s, {outcome.cpu_s:.1f} CPU s"
    return _row(name, expected, happened, held=outcome.ending is expected)


def _probe_wall_limit(rung: Rung) -> tuple[Probe, ...]:
    outcome = _probe_limit(rung, "import time; time.sleep(60)", replace(_LIMITS, wall_s=0.2))
    return (_ending_row("sleep past the wall limit", outcome, Ending.WALL_LIMIT),)


def _probe_cpu_limit(rung: Rung) -> tuple[Probe, ...]:
    outcome = _probe_limit(rung, "while True: pass", replace(_LIMITS, cpu_s=0.5))
    return (_ending_row("spin past the CPU limit", outcome, Ending.CPU_LIMIT),)


def _probe_cpu_of_children(rung: Rung) -> tuple[Probe, ...]:
    code = "import os\nfor _ in range(3): os.fork()\nwhile True: pass"
    outcome = _probe_limit(rung, code, replace(_LIMITS, cpu_s=1.0))
    return (_ending_row("spin in eight processes", outcome, Ending.CPU_LIMIT),)


def _probe_ended_children(rung: Rung) -> tuple[Probe, ...]:
    """Processor time of children that have ended must count as well."""
    code = f"""
import os, time
while True:
    if os.fork() == 0:
        while time.process_time() < {_ACCOUNT_CPU_S}: pass
        os._exit(0)
    os.wait()
"""
    outcome = _probe_limit(rung, code, replace(_LIMITS, cpu_s=1.0))
    return (_ending_row("spin in one child after another", outcome, Ending.CPU_LIMIT),)


def _probe_fork_bomb(rung: Rung) -> tuple[Probe, ...]:
    code = "import os\nwhile True:\n try: os.fork()\n except OSError: pass"
    outcome = _probe_limit(rung, code, replace(_LIMITS, cpu_s=5.0, wall_s=1.0))
    held = outcome.ending in (Ending.WALL_LIMIT, Ending.CPU_LIMIT)
    happened = f"{outcome.ending} after {outcome.wall_s:.1f} s, {outcome.cpu_s:.1f} CPU s"
    return (_row("fork bomb", "stopped, none left", happened, held=held),)


def _probe_total_memory(rung: Rung) -> tuple[Probe, ...]:
    code = "import os, time\nfor _ in range(2): os.fork()\nx = b'x' * (64 << 20)\ntime.sleep(60)"
    limits = replace(_LIMITS, total_memory_bytes=128 * _MIB, wall_s=10.0)
    outcome = _probe_limit(rung, code, limits)
    return (_ending_row("take memory in four processes", outcome, Ending.MEMORY_LIMIT),)


def _probe_output(rung: Rung) -> tuple[Probe, ...]:
    outcome = _probe_limit(rung, "while True: print('x' * 10000)", _LIMITS)
    held = outcome.ending is Ending.OUTPUT_LIMIT and len(outcome.stdout) <= _LIMITS.output_bytes
    happened = f"{outcome.ending}, {len(outcome.stdout)} bytes kept"
    return (_row("flood the output", Ending.OUTPUT_LIMIT, happened, held=held),)


def _probe_disk(rung: Rung) -> tuple[Probe, ...]:
    code = "import itertools\nfor n in itertools.count(): open(str(n), 'wb').write(bytes(1 << 20))"
    limits = replace(_LIMITS, disk_bytes=16 * _MIB, wall_s=10.0)
    outcome = _probe_limit(rung, code, limits)
    return (_ending_row("fill the disk with files", outcome, Ending.DISK_LIMIT),)


def _probe_deep_folders(rung: Rung) -> tuple[Probe, ...]:
    """Nesting too deep for the host to walk or remove by recursion."""
    code = "import os\nfor _ in range(3000): os.mkdir('d'); os.chdir('d')"
    outcome = _probe_limit(rung, code, _LIMITS)
    happened = f"{outcome.ending}, removed"
    return (_row("nest folders deeply", "removed by the host", happened, held=True),)


def _probe_survivors(rung: Rung) -> tuple[Probe, ...]:
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
        outcome = _run(rung, Command(argv=argv, work=Path(name), limits=_LIMITS))
        sizes = [Path(name, "alive").stat().st_size]
        time.sleep(0.1)
        sizes.append(Path(name, "alive").stat().st_size)
    happened = f"{outcome.ending}, then {sizes[1] - sizes[0]} signs of life"
    return (_row("leave a daemon behind", "dead", happened, held=sizes[0] == sizes[1]),)


def _probe_channel_flood(rung: Rung) -> tuple[Probe, ...]:
    """A conversation's line without an end must not fill the host's memory."""
    code = "import os\nwhile True: os.write(4, b'x' * 65536)"
    with TemporaryDirectory(prefix="gryph-canary-") as name:
        argv = (sys.executable, "-I", "-S", "-c", code)
        command = Command(argv=argv, work=Path(name), limits=_LIMITS)
        with Conversation(rung, command) as conversation:
            happened = _said(conversation)
    return (_row("flood a conversation", "cut", happened, held="longer than" in happened),)


def _said(conversation: Conversation) -> str:
    try:
        return str(conversation.receive(10.0))
    except (Ended, Garbled, TimeoutError) as error:
        return str(error)


_LIMIT_PROBES = (
    _probe_wall_limit,
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
