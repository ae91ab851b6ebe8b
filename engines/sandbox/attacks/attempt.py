"""How an attack is made and what counts as a refusal."""

import ctypes
import errno
import os
from collections.abc import Callable

Finding = tuple[bool, str]
"""Whether it went as it must in a jail, and what happened."""
Attack = Callable[[], Finding]

_REFUSALS = (errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EROFS, errno.ENOENT, errno.ESRCH)
_libc = ctypes.CDLL(None, use_errno=True)

targets: dict[str, str] = {}
"""What there is to attack: a secret file, a listening port, a process."""


def refused(attempt: Callable[[], object], *also: str) -> Finding:
    """Hold if the attempt fails as a refusal; any other failure but those named proves nothing."""
    try:
        result = attempt()
    except OSError as error:
        name = errno.errorcode.get(error.errno or 0, str(error))
        return error.errno in _REFUSALS or name in also, name
    return False, f"it worked: {str(result)[:60]!r}"


def all_refused(attempts: list[Callable[[], object]], *also: str) -> Finding:
    """Hold if each is refused."""
    findings = [refused(attempt, *also) for attempt in attempts]
    return all(held for held, _ in findings), ", ".join(happened for _, happened in findings)


def refused_within(attempt: Callable[[], object], bound: int, expected: str) -> Finding:
    """Repeat until refused with the named error, keeping what it gave; hold within `bound`."""
    kept: list[object] = []
    try:
        while len(kept) <= bound:
            kept.append(attempt())
    except (OSError, MemoryError, RuntimeError) as error:
        name = type(error).__name__
        if isinstance(error, OSError):
            name = errno.errorcode.get(error.errno or 0, name)
        return name == expected, f"{name} after {len(kept)}"
    return False, f"{len(kept)} were given"


def called(name: str, *arguments: object) -> int:
    """Call the C library.

    Raises:
        OSError: It failed.
    """
    result = getattr(_libc, name)(*arguments)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return int(result)


def called_by_number(x86_64: int, aarch64: int, *arguments: object) -> int:
    """Make a system call that the C library may have no name for.

    Raises:
        OSError: It failed.
    """
    number = {"x86_64": x86_64, "aarch64": aarch64}[os.uname().machine]
    return called("syscall", ctypes.c_long(number), *arguments)
