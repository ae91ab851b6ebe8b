"""What goes into the sandbox and what comes out of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Rung(StrEnum):
    """How untrusted code is isolated, strongest first; every result names its rung."""

    BUBBLEWRAP = "bubblewrap"
    """Namespaces, seccomp, an unprivileged uid and rlimits."""
    LANDLOCK = "landlock"
    """Landlock, seccomp, an unprivileged uid and rlimits, where namespaces are refused."""


class NoIsolation(Exception):
    """No rung passed its canary on this host; the message says what is missing, for a person."""


@dataclass(frozen=True)
class Limits:
    """Bounds of one run; going over any of them ends the run, never the host."""

    wall_s: float = 60.0
    cpu_s: float = 30.0
    """Of all processes together, ended ones included."""
    memory_bytes: int = 2 << 30
    """Address space of each process."""
    total_memory_bytes: int = 4 << 30
    """Resident memory of all processes together; a page shared by two counts in both."""
    processes: int = 64
    """Threads count as well."""
    file_bytes: int = 64 << 20
    open_files: int = 256
    output_bytes: int = 1 << 20
    """Standard output and standard error together; the run is killed beyond it."""
    disk_bytes: int = 256 << 20
    """What `work` (and the private /tmp) may grow by; sampled, so a fast writer overshoots."""


@dataclass(frozen=True)
class Command:
    """One program to run.

    `work` is the only folder it may write (besides a private /tmp); it is also its working
    directory. `readable` are host paths it may read beside the interpreter's own.
    """

    argv: tuple[str, ...]
    work: Path
    readable: tuple[Path, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    stdin: bytes = b""
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True)
class Preparation:
    """What a server has ready before anything untrusted runs."""

    modules: tuple[str, ...]
    """Imported once, with their imports; of this installation, never of a checkout."""
    readable: tuple[Path, ...] = ()
    """Host paths that its runs may be given to read; each run may be given fewer."""
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    """What an interpreter reads at its start, such as PYTHONHASHSEED: the same for all runs."""


@dataclass(frozen=True)
class Entry:
    """One run on a server: a function of ours, called in a process of its own.

    `function` is "module:name". `work` comes from the server's `folder`. `readable` are the paths
    this run may read, beneath the server's; all of them when None.
    """

    function: str
    work: Path
    readable: tuple[Path, ...] | None = None
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    stdin: bytes = b""
    limits: Limits = field(default_factory=Limits)


class Ending(StrEnum):
    """Why a run ended."""

    EXITED = "exited"
    SIGNALLED = "signalled"
    WALL_LIMIT = "wall_limit"
    CPU_LIMIT = "cpu_limit"
    MEMORY_LIMIT = "memory_limit"
    """All processes together; one process alone over `memory_bytes` is refused memory instead."""
    OUTPUT_LIMIT = "output_limit"
    DISK_LIMIT = "disk_limit"
    STOPPED = "stopped"
    """The caller asked for it (a person cancelled)."""


@dataclass(frozen=True)
class Outcome:
    """What one run did; `exit_code` is None unless it exited by itself.

    `cpu_s` is that of the whole process tree, without the sandbox's own start.
    """

    rung: Rung
    ending: Ending
    exit_code: int | None
    signal: int | None
    stdout: bytes
    stderr: bytes
    wall_s: float
    cpu_s: float
