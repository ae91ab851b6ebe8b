"""A part of its own for one run inside the namespaces that it shares with a server's other runs.

Bubblewrap walls the server off from the host once. Each run's launcher then enters new mount and
process namespaces and covers all that another run could have touched, or could be reached by.
"""

import os

from engines.sandbox import kernel
from engines.sandbox.plan import Plan

_PLAIN = kernel.NO_SET_UID | kernel.NO_DEVICES
_KEPT_FLAGS = _PLAIN | kernel.NO_EXECUTION
"""Of statvfs(3) and mount(2) alike."""
_HIDING_BYTES = 1 << 20
_FIRST_PROCESS = 1


def leave() -> None:
    """Leave what is shared; called by the first process of a new process namespace.

    Raises:
        OSError: The kernel refused a step, or this process is not the first.
    """
    if os.getpid() != _FIRST_PROCESS:
        raise OSError("the run has no process namespace of its own")
    os.umask(0o022)
    kernel.unshare(kernel.NEW_MOUNTS | kernel.NEW_IPC)
    kernel.mount("none", "/", "", kernel.WHOLE_TREE | kernel.PRIVATE)
    kernel.mount("proc", "/proc", "proc", _PLAIN | kernel.NO_EXECUTION)
    kernel.mount("devpts", "/dev/pts", "devpts", kernel.NO_SET_UID, "newinstance,ptmxmode=0666")
    kernel.mount("none", "/dev", "", _locked("/dev") | kernel.READ_ONLY)


def cover(plan: Plan) -> None:
    """Cover every place that another run could have written to, and show the run its own.

    Raises:
        OSError: The kernel refused a step.
    """
    shown = {place: os.open(place, os.O_PATH | os.O_CLOEXEC) for place in plan.shown}
    for place in ("/tmp", "/dev/shm"):  # noqa: S108 - mount points inside the jail
        kernel.mount("tmpfs", place, "tmpfs", _PLAIN, f"mode=1777,size={plan.temporary_bytes}")
    for place in plan.hidden:
        os.makedirs(place, exist_ok=True)  # noqa: PTH103 - pathlib costs the start 8 ms
        kernel.mount("tmpfs", place, "tmpfs", _PLAIN, f"mode=0755,size={_HIDING_BYTES}")
    for place, source in shown.items():
        _show(source, place)
        os.close(source)
    for place in plan.hidden:
        kernel.mount("none", place, "", kernel.REMOUNT | kernel.READ_ONLY | _PLAIN)


def _locked(place: str) -> int:
    """Flags to mount it anew as it is; in a user namespace none that it has may be left out."""
    return os.statvfs(place).f_flag & _KEPT_FLAGS | kernel.REMOUNT | kernel.BIND


def _show(source: int, place: str) -> None:
    """Bind what was open before it was covered at its own place again."""
    path = f"/proc/self/fd/{source}"
    if os.path.isdir(path):  # noqa: PTH112 - as above
        os.makedirs(place, exist_ok=True)  # noqa: PTH103 - as above
    else:
        os.makedirs(os.path.dirname(place), exist_ok=True)  # noqa: PTH103, PTH120 - as above
        os.close(os.open(place, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))
    kernel.mount(path, place, "", kernel.BIND | kernel.WHOLE_TREE)
