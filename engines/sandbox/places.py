"""Which host paths a jailed program needs beside its own, and who may reach them."""

import functools
import os
import stat
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

SANDBOX_FOLDER = Path(__file__).resolve().parent
_SYSTEM = (
    "/usr/lib",
    "/usr/lib64",
    "/usr/lib32",
    "/usr/libexec",
    "/usr/bin",
    "/usr/share/zoneinfo",
    "/lib",
    "/lib64",
    "/lib32",
    "/bin",
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/localtime",
)
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")


@functools.cache
def system_places() -> tuple[Path, ...]:
    """The system's libraries and programs that exist here, and this interpreter's folders."""
    folders = [Path(place) for place in _SYSTEM]
    folders += [Path(prefix) for prefix in (sys.base_prefix, sys.base_exec_prefix, sys.prefix)]
    folders += [Path(interpreter()).parents[1], SANDBOX_FOLDER]
    return tuple(dict.fromkeys(place for place in folders if place.exists()))


def interpreter() -> str:
    """The real interpreter behind a virtual environment's link, for the launcher."""
    return os.path.realpath(sys.executable)


@functools.cache
def search_path() -> str:
    """PATH inside the jail: this environment's programs, the interpreter's, the system's."""
    folders = (sysconfig.get_path("scripts"), str(Path(interpreter()).parent), "/usr/bin", "/bin")
    return ":".join(dict.fromkeys(folders))


def closed_to_others(readable: Iterable[Path], passed: Iterable[Path] = ()) -> list[Path]:
    """What keeps a foreign uid from its places.

    Args:
        readable: Places it must be able to read, by their own mode.
        passed: Places whose parents it must be able to pass.
    """
    real = dict.fromkeys(place.resolve() for place in readable)
    closed = [place for place in real if not _is_readable(place)]
    parents = dict.fromkeys(parent for place in passed for parent in place.resolve().parents)
    closed += [parent for parent in parents if not parent.stat().st_mode & stat.S_IXOTH]
    return closed


def _is_readable(place: Path) -> bool:
    mode = place.stat().st_mode
    needed = stat.S_IROTH | stat.S_IXOTH if stat.S_ISDIR(mode) else stat.S_IROTH
    return mode & needed == needed
