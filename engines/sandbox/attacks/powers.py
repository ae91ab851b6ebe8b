"""Attacks on the confinement itself: privileges, namespaces, the kernel's wider surface."""

import ctypes
import os
import resource
import subprocess
import sys
from pathlib import Path

from engines.sandbox.attacks.attempt import (
    Attack,
    Finding,
    all_refused,
    called,
    called_by_number,
    refused,
)

_IO_URING_SETUP = 425
_CLONE_NEWUSER = 0x10000000
_SIGCHLD = 17
_PTRACE_TRACEME = 0
_PR_GET_SECCOMP = 21
_PR_GET_NO_NEW_PRIVS = 39
_FILTERED = 2
_CAPABILITY_VERSION_3 = 0x20080522
_ALL = 0xFFFFFFFF


def _ptrace() -> Finding:
    return refused(lambda: called("ptrace", _PTRACE_TRACEME, 0, 0, 0))


def _new_user_namespace() -> Finding:
    return refused(lambda: called("unshare", _CLONE_NEWUSER))


def _clone_into_user_namespace() -> Finding:
    flags = ctypes.c_ulong(_CLONE_NEWUSER | _SIGCHLD)

    def attempt() -> int:
        pid = called_by_number(56, 220, flags, 0, 0, 0, 0)
        if pid == 0:
            os._exit(0)
        return pid

    return refused(attempt)


def _mount() -> Finding:
    place = os.fsencode(Path.cwd())
    return refused(lambda: called("mount", b"none", place, b"tmpfs", 0, None))


def _unmount() -> Finding:
    places = (b"/proc", b"/tmp", os.fsencode(Path.cwd()))
    return all_refused([lambda place=one: called("umount2", place, 2) for one in places])


def _change_root() -> Finding:
    return refused(lambda: os.chroot("."))


def _io_uring() -> Finding:
    buffer = ctypes.create_string_buffer(256)
    return refused(lambda: called_by_number(_IO_URING_SETUP, _IO_URING_SETUP, 1, buffer))


def _keyring() -> Finding:
    return refused(lambda: called_by_number(250, 219, 0, -3, 0))


def _bpf() -> Finding:
    buffer = ctypes.create_string_buffer(128)
    return refused(lambda: called_by_number(321, 280, 0, buffer, 128))


def _open_by_handle() -> Finding:
    handle = (ctypes.c_uint32 * 34)(128, 0)
    mount_id = ctypes.c_int()
    place = os.fsencode(sys.executable)
    return refused(
        lambda: called("name_to_handle_at", -100, place, handle, ctypes.byref(mount_id), 0x400)
    )


def _become_root() -> Finding:
    # EINVAL: the namespace has no uid 0 at all.
    return refused(lambda: os.setresuid(0, 0, 0), "EINVAL")


def _is_root() -> Finding:
    return os.getuid() != 0, f"uid {os.getuid()}"


def _take_capabilities() -> Finding:
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)(*[_ALL] * 6)
    return refused(lambda: called("capset", header, data))


def _use_set_uid_programs() -> Finding:
    """Their bit must do nothing, and one of them must fail at what only root may do."""
    forbidden = called("prctl", _PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1
    run = subprocess.run(
        ["/bin/mount", "-t", "tmpfs", "none", "."], capture_output=True, check=False
    )
    return forbidden and run.returncode != 0, f"no new privileges: {forbidden}"


def _lift_filter() -> Finding:
    mode = called("prctl", _PR_GET_SECCOMP, 0, 0, 0, 0)
    return mode == _FILTERED, f"mode {mode}"


def _raise_limits() -> Finding:
    """Each limit that bounds a run; the library says by ValueError that raising is refused."""
    names = ("RLIMIT_AS", "RLIMIT_NPROC", "RLIMIT_NOFILE", "RLIMIT_FSIZE", "RLIMIT_CPU")
    raised: list[str] = []
    for name in names:
        which = getattr(resource, name)
        soft, hard = resource.getrlimit(which)
        if hard == resource.RLIM_INFINITY:
            raised.append(f"{name} has no bound")
            continue
        try:
            resource.setrlimit(which, (soft, hard + 1))
            raised.append(f"{name} was raised")
        except ValueError:
            continue
    return not raised, ", ".join(raised) or f"{len(names)} refused"


def _raise_priority() -> Finding:
    return refused(lambda: os.nice(-5))


def _escape_oom_killer() -> Finding:
    return refused(lambda: Path("/proc/self/oom_score_adj").write_text("-1000"))


def _dump_core() -> Finding:
    child = os.fork()
    if child == 0:
        os.abort()
    _, status = os.waitpid(child, 0)
    left = [path.name for path in Path.cwd().glob("*core*")]
    return not left, f"left {left}" if left else f"signal {os.WTERMSIG(status)}, no file"


ATTACKS: dict[str, Attack] = {
    "trace a process": _ptrace,
    "unshare a user namespace": _new_user_namespace,
    "clone into a user namespace": _clone_into_user_namespace,
    "mount": _mount,
    "unmount": _unmount,
    "change root": _change_root,
    "use io_uring": _io_uring,
    "use the keyring": _keyring,
    "load BPF": _bpf,
    "get a file handle": _open_by_handle,
    "become root": _become_root,
    "run as root": _is_root,
    "take capabilities": _take_capabilities,
    "use set-uid programs": _use_set_uid_programs,
    "run without the filter": _lift_filter,
    "raise its limits": _raise_limits,
    "raise its priority": _raise_priority,
    "be spared by the memory killer": _escape_oom_killer,
    "dump core": _dump_core,
}
