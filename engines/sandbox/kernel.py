"""The Linux calls that Python's standard library has no name for, by ctypes.

Sources: the manual pages prctl(2), capset(2), seccomp(2) and landlock(7); linux/landlock.h.
"""

import ctypes
import os

CAP_DAC_READ_SEARCH = 2

NEW_MOUNTS = 0x00020000
NEW_IPC = 0x08000000
NEW_PROCESSES = 0x20000000
"""Namespaces, for `unshare` and `fork`: linux/sched.h, CLONE_NEW*."""

READ_ONLY = 1
NO_SET_UID = 2
NO_DEVICES = 4
NO_EXECUTION = 8
REMOUNT = 32
BIND = 4096
WHOLE_TREE = 16384
PRIVATE = 1 << 18
"""Flags for `mount`: linux/mount.h, MS_*."""

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_KEEPCAPS = 8
_PR_SET_SECCOMP = 22
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_SECCOMP_MODE_FILTER = 2
_CAPABILITY_VERSION_3 = 0x20080522
_FILTER_INSTRUCTION_BYTES = 8
_SIGPIPE = 13

# The same numbers on x86_64 and aarch64.
_LANDLOCK_CREATE_RULESET = 444
_LANDLOCK_ADD_RULE = 445
_LANDLOCK_RESTRICT_SELF = 446
_LANDLOCK_CREATE_RULESET_VERSION = 1
_LANDLOCK_RULE_PATH_BENEATH = 1

_CLONE = {"x86_64": 56, "aarch64": 220}
_SIGCHLD = 17

_libc = ctypes.CDLL(None, use_errno=True)
_unreleased = ctypes.PyDLL(None, use_errno=True)
"""Calls that keep the interpreter's lock, so that it is held in a fork as well."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


class _RulesetAttributes(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def _checked(result: int, what: str) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def _prctl(what: str, *arguments: int) -> None:
    padded = [ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[1:5]]
    _checked(_libc.prctl(ctypes.c_int(arguments[0]), *padded), what)


def become_subreaper() -> None:
    """Let orphaned descendants become this process's children, so that none can get away."""
    _prctl("become subreaper", _PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent() -> None:
    """Have the kernel kill this process when the thread that started it ends."""
    _prctl("die with parent", _PR_SET_PDEATHSIG, 9)


def forbid_new_privileges() -> None:
    """Make set-uid programs and file capabilities powerless from here on."""
    _prctl("no new privileges", _PR_SET_NO_NEW_PRIVS, 1)


def close_to_tracing(*, closed: bool) -> None:
    """Whether processes of the same uid may look into this one's memory and descriptors."""
    _prctl("dumpable", _PR_SET_DUMPABLE, int(not closed))


def keep_capabilities_over_uid_change() -> None:
    """Keep the permitted capabilities when the last uid of 0 is given up."""
    _prctl("keep capabilities", _PR_SET_KEEPCAPS, 1)


def keep_only_capability(capability: int) -> None:
    """Hold one capability and no other, also over the next exec."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    mask = 1 << capability
    data = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
    _checked(_libc.capset(header, data), "capset")
    _prctl("ambient capability", _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability)


def drop_capabilities() -> None:
    """Hold no capability, also not over the next exec."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    _checked(_libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")


def fork(namespaces: int) -> int:
    """Fork a process with one thread into these new namespaces; its pid, or 0 in the child.

    The hooks that Python runs after its own fork are skipped: they cost more than the fork.
    """
    number = ctypes.c_long(_CLONE[os.uname().machine])
    nothing = [ctypes.c_long(0)] * 4
    pid = _unreleased.syscall(number, ctypes.c_ulong(namespaces | _SIGCHLD), *nothing)
    return _checked(pid, "fork")


def unshare(namespaces: int) -> None:
    """Leave these namespaces for new ones."""
    _checked(_libc.unshare(ctypes.c_int(namespaces)), "unshare")


def mount(source: str, place: str, kind: str, flags: int, options: str = "") -> None:
    """Mount at `place`, or change how it is mounted."""
    texts = [os.fsencode(text) for text in (source, place, kind, options)]
    source_bytes, place_bytes, kind_bytes, option_bytes = texts
    number = ctypes.c_ulong(flags)
    result = _libc.mount(source_bytes, place_bytes, kind_bytes, number, option_bytes)
    _checked(result, f"mount {place}")


def install_filter(program: bytes) -> None:
    """Confine this process and its descendants to a seccomp filter in classic BPF."""
    buffer = ctypes.create_string_buffer(program, len(program))
    length = len(program) // _FILTER_INSTRUCTION_BYTES
    header = _Program(length, ctypes.cast(buffer, ctypes.c_void_p))
    result = _libc.prctl(
        ctypes.c_int(_PR_SET_SECCOMP), ctypes.c_ulong(_SECCOMP_MODE_FILTER), ctypes.byref(header)
    )
    _checked(result, "seccomp")


def restore_pipe_signal() -> None:
    """Undo Python's ignoring of SIGPIPE, which an exec would hand on."""
    _libc.signal(ctypes.c_int(_SIGPIPE), ctypes.c_void_p(0))


def landlock_version() -> int:
    """The kernel's Landlock ABI.

    Raises:
        OSError: The kernel has no Landlock, or it is disabled at boot.
    """
    version = _libc.syscall(
        ctypes.c_long(_LANDLOCK_CREATE_RULESET),
        None,
        ctypes.c_size_t(0),
        ctypes.c_uint32(_LANDLOCK_CREATE_RULESET_VERSION),
    )
    return _checked(version, "Landlock")


def create_ruleset(fs: int, net: int, scoped: int, size_bytes: int) -> int:
    """Open a Landlock ruleset that handles the given accesses; `size_bytes` fits the ABI."""
    attributes = _RulesetAttributes(fs, net, scoped)
    ruleset = _libc.syscall(
        ctypes.c_long(_LANDLOCK_CREATE_RULESET),
        ctypes.byref(attributes),
        ctypes.c_size_t(size_bytes),
        ctypes.c_uint32(0),
    )
    return _checked(ruleset, "Landlock ruleset")


def allow_beneath(ruleset: int, folder: int, allowed: int) -> None:
    """Add a rule: `allowed` accesses beneath the open path `folder`."""
    rule = _PathBeneath(allowed, folder)
    result = _libc.syscall(
        ctypes.c_long(_LANDLOCK_ADD_RULE),
        ctypes.c_int(ruleset),
        ctypes.c_int(_LANDLOCK_RULE_PATH_BENEATH),
        ctypes.byref(rule),
        ctypes.c_uint32(0),
    )
    _checked(result, "Landlock rule")


def restrict_self(ruleset: int) -> None:
    """Enter the ruleset; it can never be left."""
    result = _libc.syscall(
        ctypes.c_long(_LANDLOCK_RESTRICT_SELF), ctypes.c_int(ruleset), ctypes.c_uint32(0)
    )
    _checked(result, "Landlock restriction")
