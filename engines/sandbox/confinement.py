"""What the launcher's child does to itself before it becomes the untrusted program."""

import os
import resource
import stat

from engines.sandbox import kernel
from engines.sandbox.plan import LANDLOCK_PATHS, LANDLOCK_SIGNALS, Plan

CHANNEL_IN = 3
CHANNEL_OUT = 4
NICENESS = 5
"""More than who started the run: what people wait for goes first on a busy machine."""

# linux/landlock.h, LANDLOCK_ACCESS_FS_*
_EXECUTE = 1 << 0
_WRITE_FILE = 1 << 1
_READ_FILE = 1 << 2
_READ_DIR = 1 << 3
_MAKE_CHAR = 1 << 6
_MAKE_BLOCK = 1 << 11
_TRUNCATE = 1 << 14
_IOCTL_DEV = 1 << 15
_FILE_ONLY = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_READ = _EXECUTE | _READ_FILE | _READ_DIR
# Accesses known to each ABI: 13 at first, then REFER, TRUNCATE, (network), IOCTL_DEV.
_KNOWN_BITS = {1: 13, 2: 14, 3: 15, 4: 15}
_LATEST_KNOWN_BITS = 16
_NETWORK_ABI = 4
_SCOPE_ABI = 6
_TCP_BIND_AND_CONNECT = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11


def confine(plan: Plan) -> None:
    """Give up, step by step, everything the plan does not allow.

    Raises:
        OSError: The kernel refused a step; nothing untrusted may be started then.
    """
    os.setsid()
    _wish("oom_score_adj", 1000)  # when the host runs out of memory, this run shall die first
    _make_way()
    for limit in plan.limits:
        set_limit(limit)
    kernel.forbid_new_privileges()
    if plan.landlock == LANDLOCK_PATHS:
        _restrict_paths(plan.read, plan.write)
    elif plan.landlock == LANDLOCK_SIGNALS:
        _restrict_signals()
    if plan.uid:
        _become(int(plan.uid), read_search=bool(plan.read_search))
    else:
        kernel.drop_capabilities()
    kernel.close_to_tracing(closed=False)
    os.chdir(plan.work)
    kernel.die_with_parent()
    kernel.install_filter(bytes.fromhex(plan.filter))


def set_limit(limit: str) -> None:
    """Set one limit of the plan.

    Raises:
        OSError: It is above what this process may have.
    """
    name, _, value = limit.partition("=")
    soft, _, hard = value.partition(":")
    resource.setrlimit(getattr(resource, name), (int(soft), int(hard or soft)))


def become_owner(uid: int) -> None:
    """Give up root for good: all three uids and gids, and every group."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def _become(uid: int, *, read_search: bool) -> None:
    if read_search:
        kernel.keep_capabilities_over_uid_change()
    become_owner(uid)
    if read_search:
        kernel.keep_only_capability(kernel.CAP_DAC_READ_SEARCH)


def _make_way() -> None:
    """Leave processors to others. A session of its own may be a scheduling group of its own, which
    then has a niceness apart from the process' (sched(7), autogroup); without privileges the
    kernel changes ten of them a second.
    """
    _wish("autogroup", os.nice(NICENESS))


def _wish(name: str, value: int) -> None:
    """Write to a file of this process under /proc, where there is one: a wish, not a bound."""
    try:
        descriptor = os.open(f"/proc/self/{name}", os.O_WRONLY)
    except OSError:
        return
    try:
        os.write(descriptor, str(value).encode())
    except OSError:
        pass
    finally:
        os.close(descriptor)


def _restrict_paths(read: list[str], write: list[str]) -> None:
    version = kernel.landlock_version()
    handled = (1 << _KNOWN_BITS.get(version, _LATEST_KNOWN_BITS)) - 1
    net = _TCP_BIND_AND_CONNECT if version >= _NETWORK_ABI else 0
    scoped = _ABSTRACT_SOCKETS_AND_SIGNALS if version >= _SCOPE_ABI else 0
    size_bytes = 8 + 8 * (version >= _NETWORK_ABI) + 8 * (version >= _SCOPE_ABI)
    ruleset = kernel.create_ruleset(handled, net, scoped, size_bytes)
    for path in read:
        _allow(ruleset, path, handled & _READ)
    for path in write:
        _allow(ruleset, path, handled & ~(_MAKE_CHAR | _MAKE_BLOCK | _IOCTL_DEV))
    kernel.restrict_self(ruleset)
    os.close(ruleset)


def _restrict_signals() -> None:
    """Keep a program with the launcher's own uid from killing it, where the kernel can."""
    try:
        version = kernel.landlock_version()
    except OSError:
        return
    if version >= _SCOPE_ABI:
        ruleset = kernel.create_ruleset(0, 0, _ABSTRACT_SOCKETS_AND_SIGNALS, 24)
        kernel.restrict_self(ruleset)
        os.close(ruleset)


def _allow(ruleset: int, path: str, accesses: int) -> None:
    folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(folder).st_mode):
            accesses &= _FILE_ONLY
        kernel.allow_beneath(ruleset, folder, accesses)
    finally:
        os.close(folder)
