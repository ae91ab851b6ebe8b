"""Prepares one run: the uid, the lent folders, the plan, and the command line that starts it."""

import functools
import math
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from engines.sandbox.bubblewrap import Walls, bubblewrap_arguments
from engines.sandbox.loan import lent
from engines.sandbox.places import (
    DEVICES,
    SANDBOX_FOLDER,
    closed_to_others,
    interpreter,
    search_path,
    system_places,
)
from engines.sandbox.plan import (
    KILL_NAMESPACE,
    KILL_OWNER,
    KILL_TREE,
    LANDLOCK_PATHS,
    LANDLOCK_SIGNALS,
    Plan,
    encode,
)
from engines.sandbox.seccomp import UnknownMachine, system_call_filter
from engines.sandbox.slots import unprivileged_uid
from engines.sandbox.types import Command, Limits, NoIsolation, Rung

OWN_PATH = f"import sys; sys.path.insert(0, {str(SANDBOX_FOLDER.parents[1])!r}); "
"""Code that lets a fresh interpreter import this package."""
_BOOT = OWN_PATH + "from engines.sandbox.launcher import run; run()"
_CAP_DAC_READ_SEARCH = 1 << 2
_LAUNCHER_PROCESSES = 1
_SERVER_PROCESSES = 5
"""Bubblewrap's own, the zygote, the run's launcher, and the two processes that wait."""
TIMERS = 256
"""How many timers a run may set, and signals it may queue, each a piece of the kernel's memory."""
_REMEMBERED = 64
_KILL_ROUNDS = 100
_KILL_ROUND_S = 0.05

_claimed: set[Path] = set()
_claims = threading.Lock()


@dataclass(frozen=True)
class Jail:
    """A prepared run; `start` plus the launcher's descriptors is the command that starts it."""

    rung: Rung
    command: Command
    start: tuple[str, ...]
    plan: Plan
    watched: tuple[Path, ...]
    """Folders on the host's disk that the program may fill."""

    def plan_bytes(self, *, has_channel: bool) -> bytes:
        """The plan for the launcher; the program is told of its channel, if it has one."""
        if has_channel:
            self.plan.env.append("GRYPH_CHANNEL=3,4")
        return encode(vars(self.plan))


@dataclass(frozen=True)
class House:
    """What the runs of one server share."""

    arena: Path
    """The folder that their work folders are in."""
    readable: tuple[Path, ...]
    """What any of them may be given to read."""
    closed: tuple[Path, ...]
    """What of all this is closed to others than its owner, as seen at the server's start."""


@contextmanager
def prepared(rung: Rung, command: Command, house: House | None = None) -> Generator[Jail]:
    """Lend what the run needs and take it back afterwards.

    With a house, the jail is one for a fork of its server.

    Raises:
        NoIsolation: This host cannot confine the run; the message says what is missing.
        ValueError: The command is not one: no program, a folder missing or already in use.
    """
    work = _checked_work(command)
    if house is not None:
        _check_fits(house, command)
    with ExitStack() as stack:
        stack.enter_context(_claim(work))
        uid = stack.enter_context(unprivileged_uid())
        stack.enter_context(lent(work, uid))
        if rung is Rung.BUBBLEWRAP and house is not None:
            yield _partition_jail(command, work, uid, house)
        elif rung is Rung.BUBBLEWRAP:
            yield _bubblewrap_jail(command, work, uid)
        else:
            place = None if house is None else house.arena
            temporary = stack.enter_context(TemporaryDirectory(prefix="gryph-jail-", dir=place))
            stack.enter_context(lent(Path(temporary), uid))
            yield _landlock_jail(command, work, uid, Path(temporary), house)


def _checked_work(command: Command) -> Path:
    if not command.argv:
        raise ValueError("the command names no program")
    work = command.work.resolve()
    if not work.is_dir():
        raise ValueError(f"the work folder {work} does not exist")
    for place in command.readable:
        if not place.exists():
            raise ValueError(f"the readable path {place} does not exist")
    return work


def _check_fits(house: House, command: Command) -> None:
    if command.work.parent != house.arena:
        raise ValueError(f"the work folder {command.work} is not one of the server's folders")
    for place in command.readable:
        if not any(place.is_relative_to(one) for one in house.readable):
            raise ValueError(f"the readable path {place} is not beneath one of the server's")


@contextmanager
def _claim(work: Path) -> Generator[None]:
    with _claims:
        if work in _claimed:
            raise ValueError(f"another run is using {work}")
        _claimed.add(work)
    try:
        yield
    finally:
        with _claims:
            _claimed.discard(work)


def _bubblewrap_jail(command: Command, work: Path, uid: int | None) -> Jail:
    readable = (*system_places(), *_absolute(command.readable))
    walls = Walls(
        readable,
        work,
        temporary_bytes=command.limits.file_bytes,
        as_root=uid is not None,
        read_search=uid is not None and bool(closed_to_others(readable)),
    )
    plan = _namespace_plan(command, work, uid, read_search=walls.read_search)
    spare = 0 if uid is not None else _LAUNCHER_PROCESSES
    plan.limits.append(f"RLIMIT_NPROC={command.limits.processes + spare}")
    start = (*bubblewrap_arguments(bubblewrap(), walls), *_launcher())
    return Jail(Rung.BUBBLEWRAP, command, start, plan, (work,))


def bubblewrap() -> str:
    """The path of bwrap.

    Raises:
        NoIsolation: It is not installed.
    """
    program = shutil.which("bwrap")
    if program is None:
        raise NoIsolation("bwrap is not installed; install the package bubblewrap (0.8 or later)")
    return program


def _partition_jail(command: Command, work: Path, uid: int | None, house: House) -> Jail:
    """In the namespaces of a server: what is covered there hides what is its other runs'."""
    readable = (*system_places(), *_absolute(command.readable))
    closed = uid is not None and bool(house.closed)
    plan = _namespace_plan(command, work, uid, read_search=closed)
    spare = 0 if uid is not None else _house_processes(house, command.limits)
    plan.limits.append(f"RLIMIT_NPROC={command.limits.processes + spare}")
    plan.temporary_bytes = str(command.limits.file_bytes)
    hidden = [house.arena, *(one for one in house.readable if one not in command.readable)]
    shown = _beneath(readable, (Path("/tmp"), *hidden))  # noqa: S108 - the jail's own
    plan.hidden = [str(place) for place in hidden]
    plan.shown = [str(place) for place in (work, *shown)]
    return Jail(Rung.BUBBLEWRAP, command, (), plan, (work,))


@functools.lru_cache(_REMEMBERED)
def _beneath(places: tuple[Path, ...], covers: tuple[Path, ...]) -> tuple[Path, ...]:
    return tuple(one for one in places if any(one.is_relative_to(cover) for cover in covers))


def _house_processes(house: House, limits: Limits) -> int:
    """What its uid runs in a server's user namespace beside one run's program."""
    with _claims:
        beside = sum(1 for work in _claimed if work.parent == house.arena) - 1
    return _SERVER_PROCESSES + beside * (limits.processes + 1)


def _namespace_plan(command: Command, work: Path, uid: int | None, *, read_search: bool) -> Plan:
    plan = _plan(command, work, uid, temporary="/tmp")  # noqa: S108 - the jail's own
    plan.kill = KILL_NAMESPACE
    plan.host_namespace = str(Path("/proc/self/ns/pid").readlink())
    plan.landlock = LANDLOCK_SIGNALS
    plan.read_search = "1" if read_search else ""
    plan.filter = _filter(same_owner=False)
    return plan


def _landlock_jail(
    command: Command, work: Path, uid: int | None, temporary: Path, house: House | None
) -> Jail:
    readable = (*system_places(), *_absolute(command.readable))
    plan = _plan(command, work, uid, temporary=str(temporary))
    if house is not None:
        closed = house.closed
    else:
        closed = tuple(closed_to_others(readable, (*readable, work, temporary)))
    if uid is not None and closed:
        _require_read_search(uid, closed)
        plan.read_search = "1"
    plan.kill = KILL_OWNER if uid is not None else KILL_TREE
    plan.landlock = LANDLOCK_PATHS
    plan.read = [str(place) for place in (*readable, *DEVICES)]
    plan.write = [str(work), str(temporary), "/dev/null"]
    others = 0 if uid is not None else _tasks_of(os.getuid(), dead_too=True)
    plan.limits.append(f"RLIMIT_NPROC={command.limits.processes + others}")
    plan.filter = _filter(same_owner=uid is None)
    return Jail(Rung.LANDLOCK, command, tuple(_launcher()), plan, (work, temporary))


def _launcher() -> list[str]:
    return [interpreter(), "-I", "-S", "-c", _BOOT]


def _absolute(places: tuple[Path, ...]) -> tuple[Path, ...]:
    return tuple(place.absolute() for place in places)


def _plan(command: Command, work: Path, uid: int | None, *, temporary: str) -> Plan:
    plan = Plan()
    plan.argv = list(command.argv)
    env = {
        "PATH": search_path(),
        "HOME": temporary,
        "TMPDIR": temporary,
        "LANG": "C.UTF-8",
        "USER": "sandbox",
        "LOGNAME": "sandbox",
    }
    plan.env = [f"{name}={value}" for name, value in {**env, **command.env}.items()]
    plan.work = str(work)
    plan.uid = "" if uid is None else str(uid)
    plan.limits = _resource_limits(command.limits)
    plan.cpu_s = str(command.limits.cpu_s)
    plan.total_memory_bytes = str(command.limits.total_memory_bytes)
    return plan


def _resource_limits(limits: Limits) -> list[str]:
    cpu_s = max(1, math.ceil(limits.cpu_s))
    return [
        f"RLIMIT_AS={limits.memory_bytes}",
        f"RLIMIT_CPU={cpu_s}:{cpu_s + 1}",
        f"RLIMIT_FSIZE={limits.file_bytes}",
        f"RLIMIT_NOFILE={limits.open_files}",
        # With 0 the kernel would still start a core handler, as root, on the host.
        "RLIMIT_CORE=1",
        "RLIMIT_MEMLOCK=65536",
        "RLIMIT_MSGQUEUE=0",
        f"RLIMIT_SIGPENDING={TIMERS}",
        "RLIMIT_NICE=0",
        "RLIMIT_RTPRIO=0",
    ]


@functools.cache
def _filter(*, same_owner: bool) -> str:
    try:
        return system_call_filter(same_owner=same_owner).hex()
    except UnknownMachine as error:
        raise NoIsolation(str(error)) from error


def _require_read_search(uid: int, closed: Sequence[Path]) -> None:
    """Landlock's allow-list still holds with the capability; without it nothing would start."""
    status = Path("/proc/self/status").read_text().splitlines()
    effective = next(line.split()[1] for line in status if line.startswith("CapEff:"))
    if not int(effective, 16) & _CAP_DAC_READ_SEARCH:
        places = ", ".join(str(place) for place in closed)
        raise NoIsolation(
            f"uid {uid} cannot enter {places}, and CAP_DAC_READ_SEARCH is missing; "
            "open these folders to others, or grant the capability"
        )


def _tasks_of(uid: int, *, dead_too: bool) -> int:
    """Processes and threads of a uid now; the kernel's process limit counts the dead, too."""
    count = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = status.read_text().splitlines()
        except OSError:
            continue  # it ended between the two looks
        fields = dict(line.split(":", 1) for line in lines if ":" in line)
        is_dead = fields["State"].split()[0] in "ZX"
        if int(fields["Uid"].split()[0]) == uid and (dead_too or not is_dead):
            count += int(fields.get("Threads", "1"))
    return count


def kill_everything_of(jail: Jail) -> None:
    """End a run whose launcher failed to: every process of its uid, where it had its own.

    Raises:
        NoIsolation: Some of them could not be killed.
    """
    if not jail.plan.uid:
        return  # a namespace ends with bwrap, and the main process with its launcher
    code = _BOOT.replace("run; run()", f"end_owner; end_owner({jail.plan.uid})")
    for _ in range(_KILL_ROUNDS):
        if not _tasks_of(int(jail.plan.uid), dead_too=False):
            return
        subprocess.run(  # noqa: S603 - our own interpreter and code
            [interpreter(), "-I", "-S", "-c", code], check=True, env={}, cwd="/"
        )
        time.sleep(_KILL_ROUND_S)
    raise NoIsolation(f"processes of uid {jail.plan.uid} could not be killed")
