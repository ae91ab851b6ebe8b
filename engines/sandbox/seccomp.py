"""The system-call filter of the sandbox, assembled as classic BPF without libseccomp.

Sources: linux/seccomp.h, linux/filter.h, asm/unistd_64.h and asm-generic/unistd.h. The filter
allows by default and refuses what a test run never needs: an allow-list would have to follow
every libc, and the file system, uid and resource bounds do not rest on this filter.
"""

import errno
import platform
import struct
from dataclasses import dataclass

_LOAD_WORD = 0x20
_JUMP_EQUAL = 0x15
_JUMP_AT_LEAST = 0x35
_JUMP_ANY_BIT = 0x45
_RETURN = 0x06
_ALLOW = 0x7FFF0000
_KILL = 0x80000000
_ERRNO = 0x00050000

_OFFSET_NUMBER = 0
_OFFSET_ARCH = 4
_OFFSET_ARGS = 16
_X32_BIT = 0x40000000

# CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
_CLONE_NAMESPACES = 0x00020000 | 0x7E000000
# TIOCSTI and TIOCLINUX type into the terminal of whoever started us.
_TERMINAL_INJECTION = (0x5412, 0x541C)


class UnknownMachine(Exception):
    """The filter has no system-call numbers for this processor."""


@dataclass(frozen=True)
class _Machine:
    audit_arch: int
    column: int
    has_x32: bool


_MACHINES = {
    "x86_64": _Machine(audit_arch=0xC000003E, column=0, has_x32=True),
    "aarch64": _Machine(audit_arch=0xC00000B7, column=1, has_x32=False),
}

_Numbers = dict[str, tuple[int | None, int | None]]

# name: (x86_64, aarch64)
_NETWORK: _Numbers = {
    "socket": (41, 198),
    "connect": (42, 203),
    "bind": (49, 200),
    "listen": (50, 201),
    "accept": (43, 202),
    "accept4": (288, 242),
}
_OTHER_PROCESSES: _Numbers = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "move_pages": (279, 239),
    "migrate_pages": (256, 238),
}
_KERNEL_SURFACE: _Numbers = {
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "fanotify_init": (300, 262),
    "lookup_dcookie": (212, 18),
    "nfsservctl": (180, 42),
    "personality": (135, 92),
    "modify_ldt": (154, None),
    "uselib": (134, None),
    "ustat": (136, None),
    "sysfs": (139, None),
    "memfd_secret": (447, 447),
    "vhangup": (153, 58),
}
# What outlives its process, or is counted for none: System V shared memory, queues, semaphores,
# POSIX queues, and files that are memory.
_LASTING_MEMORY: _Numbers = {
    "memfd_create": (319, 279),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
}
_MOUNTS_AND_NAMESPACES: _Numbers = {
    "mount": (165, 40),
    "umount2": (166, 39),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "open_tree_attr": (467, 467),
    "mount_setattr": (442, 442),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "unshare": (272, 97),
    "setns": (308, 268),
    "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264),
}
_ADMINISTRATION: _Numbers = {
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "iopl": (172, None),
    "ioperm": (173, None),
    "syslog": (103, 116),
}
# Landlock does not mediate these, so a run under the host's own uid could do them to the
# host's files and processes.
_SAME_OWNER: _Numbers = {
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "setxattrat": (463, 463),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "removexattrat": (466, 466),
    "file_setattr": (469, 469),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
    "sched_setaffinity": (203, 122),
    "sched_setattr": (314, 274),
}
_CLONE = (56, 220)
_CLONE3 = (435, 435)
_IOCTL = (16, 29)
_PRLIMIT = (302, 261)


def system_call_filter(*, same_owner: bool, machine: str | None = None) -> bytes:
    """Assemble the filter for this processor (or the named one).

    Args:
        same_owner: The untrusted program keeps the uid of its host, outside a namespace of its
            own; changing modes, owners, times and scheduling is then refused as well.
        machine: `platform.machine()` of the target; this host's when None.

    Raises:
        UnknownMachine: There are no system-call numbers for the processor.
    """
    name = machine or platform.machine()
    if name not in _MACHINES:
        raise UnknownMachine(f"no system-call filter for {name}; there is one for x86_64, aarch64")
    target = _MACHINES[name]
    program = [*_check_arch(target)]
    for number in _refused_numbers(target, same_owner=same_owner):
        program += _refuse(number, errno.EPERM)
    # glibc falls back from clone3, whose flags a filter cannot see, to clone.
    program += _refuse(_CLONE3[target.column], errno.ENOSYS)
    program += _refuse_flags(_CLONE[target.column], _CLONE_NAMESPACES)
    for request in _TERMINAL_INJECTION:
        program += _refuse_argument(_IOCTL[target.column], 1, request)
    if same_owner:
        program += _refuse_other_process(_PRLIMIT[target.column])
    program.append(_instruction(_RETURN, _ALLOW))
    return b"".join(program)


def _refused_numbers(target: _Machine, *, same_owner: bool) -> list[int]:
    groups = [
        _NETWORK,
        _OTHER_PROCESSES,
        _KERNEL_SURFACE,
        _LASTING_MEMORY,
        _MOUNTS_AND_NAMESPACES,
        _ADMINISTRATION,
    ]
    if same_owner:
        groups.append(_SAME_OWNER)
    numbers = (columns[target.column] for group in groups for columns in group.values())
    return sorted(number for number in numbers if number is not None)


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("<HBBI", code, if_true, if_false, value)


def _check_arch(target: _Machine) -> list[bytes]:
    kill = _instruction(_RETURN, _KILL)
    program = [
        _instruction(_LOAD_WORD, _OFFSET_ARCH),
        _instruction(_JUMP_EQUAL, target.audit_arch, if_true=1),
        kill,
        _instruction(_LOAD_WORD, _OFFSET_NUMBER),
    ]
    if target.has_x32:
        program += [_instruction(_JUMP_AT_LEAST, _X32_BIT, if_false=1), kill]
    return program


def _refuse(number: int, error: int) -> list[bytes]:
    return [
        _instruction(_JUMP_EQUAL, number, if_false=1),
        _instruction(_RETURN, _ERRNO | error),
    ]


def _refuse_flags(number: int, flags: int) -> list[bytes]:
    """Refuse when any of `flags` stands in the first argument's low word."""
    return [
        _instruction(_JUMP_EQUAL, number, if_false=4),
        _instruction(_LOAD_WORD, _OFFSET_ARGS),
        _instruction(_JUMP_ANY_BIT, flags, if_false=1),
        _instruction(_RETURN, _ERRNO | errno.EPERM),
        _instruction(_LOAD_WORD, _OFFSET_NUMBER),
    ]


def _refuse_argument(number: int, position: int, value: int) -> list[bytes]:
    return [
        _instruction(_JUMP_EQUAL, number, if_false=4),
        _instruction(_LOAD_WORD, _OFFSET_ARGS + 8 * position),
        _instruction(_JUMP_EQUAL, value, if_false=1),
        _instruction(_RETURN, _ERRNO | errno.EPERM),
        _instruction(_LOAD_WORD, _OFFSET_NUMBER),
    ]


def _refuse_other_process(number: int) -> list[bytes]:
    """Refuse unless the first argument, a pid, is 0: the caller itself."""
    return [
        _instruction(_JUMP_EQUAL, number, if_false=4),
        _instruction(_LOAD_WORD, _OFFSET_ARGS),
        _instruction(_JUMP_EQUAL, 0, if_true=1),
        _instruction(_RETURN, _ERRNO | errno.EPERM),
        _instruction(_LOAD_WORD, _OFFSET_NUMBER),
    ]
