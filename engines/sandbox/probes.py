"""The hostile half of the canary: runs inside the jail and tries what must not work.

Started as `python -I probes.py NAME…`, standard library only. Prints one JSON line per probe:
its name, whether it went as it must in a jail, and what happened. What there is to attack (a
secret file, a listening port, a process) is told by the JSON in PROBE_TARGETS.
"""

import asyncio
import ctypes
import errno
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

Finding = tuple[bool, str]

_REFUSALS = (errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EROFS, errno.ENOENT, errno.ESRCH)
_libc = ctypes.CDLL(None, use_errno=True)
_TARGETS: dict[str, str] = json.loads(os.environ.get("PROBE_TARGETS", "{}"))  # noqa: TID251 - the jail's own variable
_KEYCTL = {"x86_64": 250, "aarch64": 219}
_BPF = {"x86_64": 321, "aarch64": 280}
_IO_URING_SETUP = 425
_CLONE_NEWUSER = 0x10000000
_PTRACE_TRACEME = 0
_SOL_TIMEOUT_S = 2.0


def _refused(attempt: Callable[[], object]) -> Finding:
    """Hold if the attempt fails as a refusal; any other failure proves nothing."""
    try:
        result = attempt()
    except OSError as error:
        name = errno.errorcode.get(error.errno or 0, str(error))
        return error.errno in _REFUSALS, name
    return False, f"it worked: {str(result)[:60]!r}"


def _called(name: str, *arguments: object) -> int:
    result = getattr(_libc, name)(*arguments)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return int(result)


def _connect_tcp() -> Finding:
    address = ("127.0.0.1", int(_TARGETS["tcp_port"]))
    return _refused(lambda: socket.create_connection(address, _SOL_TIMEOUT_S))


def _send_udp() -> Finding:
    def attempt() -> int:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            return sender.sendto(b"leak", ("127.0.0.1", int(_TARGETS["udp_port"])))

    return _refused(attempt)


def _connect_unix() -> Finding:
    def attempt() -> None:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(_TARGETS["unix_socket"])

    return _refused(attempt)


def _read_secret() -> Finding:
    return _refused(Path(_TARGETS["secret"]).read_text)


def _read_secret_by_link() -> Finding:
    return _refused(Path("link-to-secret").read_text)


def _make_link_to_secret() -> Finding:
    link = Path("own-link")
    link.symlink_to(_TARGETS["secret"])
    return _refused(link.read_text)


def _hard_link_secret() -> Finding:
    def attempt() -> str:
        Path("own-hard-link").hardlink_to(_TARGETS["secret"])
        return "linked"

    held, happened = _refused(attempt)
    return held or happened == "EXDEV", happened


def _read_environment() -> Finding:
    value = os.environ.get(_TARGETS["variable"])  # noqa: TID251 - looks for a leak
    return value is None, "not set" if value is None else "it is set"


def _read_shadow() -> Finding:
    return _refused(Path("/etc/shadow").read_text)


def _read_other_environments() -> Finding:
    """Read every other process's environment that /proc shows."""
    try:
        pids = [path.name for path in Path("/proc").iterdir() if path.name.isdecimal()]
    except PermissionError:
        pids = [_TARGETS["host_pid"], "1"]
    read = [pid for pid in pids if pid != str(os.getpid()) and _has_readable_environment(pid)]
    return not read, f"read {len(read)} of {len(pids) - 1 or 1} others"


def _has_readable_environment(pid: str) -> bool:
    try:
        return bool(Path(f"/proc/{pid}/environ").read_bytes())
    except OSError:
        return False


def _write_outside() -> Finding:
    folders = [Path(_TARGETS["secret"]).parent, Path(sys.prefix), Path("/usr"), Path("/etc")]
    findings = [
        _refused(lambda place=folder: (place / "planted").write_text("x")) for folder in folders
    ]
    return all(held for held, _ in findings), ", ".join(happened for _, happened in findings)


def _truncate_secret() -> Finding:
    return _refused(lambda: os.truncate(_TARGETS["secret"], 0))


def _change_mode_outside() -> Finding:
    return _refused(lambda: Path(_TARGETS["secret"]).chmod(0o777))


def _ptrace() -> Finding:
    return _refused(lambda: _called("ptrace", _PTRACE_TRACEME, 0, 0, 0))


def _new_user_namespace() -> Finding:
    return _refused(lambda: _called("unshare", _CLONE_NEWUSER))


def _clone_into_user_namespace() -> Finding:
    numbers = {"x86_64": 56, "aarch64": 220}
    number = ctypes.c_long(numbers[os.uname().machine])
    flags = ctypes.c_ulong(_CLONE_NEWUSER | 17)

    def attempt() -> int:
        pid = _called("syscall", number, flags, 0, 0, 0, 0)
        if pid == 0:
            os._exit(0)
        return pid

    return _refused(attempt)


def _mount() -> Finding:
    place = os.fsencode(Path.cwd())
    return _refused(lambda: _called("mount", b"none", place, b"tmpfs", 0, None))


def _change_root() -> Finding:
    return _refused(lambda: os.chroot("."))


def _io_uring() -> Finding:
    buffer = ctypes.create_string_buffer(256)
    return _refused(lambda: _called("syscall", ctypes.c_long(_IO_URING_SETUP), 1, buffer))


def _keyring() -> Finding:
    number = ctypes.c_long(_KEYCTL[os.uname().machine])
    return _refused(lambda: _called("syscall", number, 0, -3, 0))


def _bpf() -> Finding:
    number = ctypes.c_long(_BPF[os.uname().machine])
    buffer = ctypes.create_string_buffer(128)
    return _refused(lambda: _called("syscall", number, 0, buffer, 128))


def _open_by_handle() -> Finding:
    handle = (ctypes.c_uint32 * 34)(128, 0)
    mount_id = ctypes.c_int()
    place = os.fsencode(sys.executable)
    return _refused(
        lambda: _called("name_to_handle_at", -100, place, handle, ctypes.byref(mount_id), 0x400)
    )


def _shared_memory() -> Finding:
    return _refused(lambda: _called("shmget", 0, 4096, 0o1600))


def _become_root() -> Finding:
    held, happened = _refused(lambda: os.setresuid(0, 0, 0))
    # EINVAL: the namespace has no uid 0 at all.
    return held or happened == "EINVAL", happened


def _signal_host() -> Finding:
    return _refused(lambda: os.kill(int(_TARGETS["host_pid"]), 0))


def _is_root() -> Finding:
    return os.getuid() != 0, f"uid {os.getuid()}"


def _too_many_processes() -> Finding:
    """Fork until the kernel refuses; the children wait for a pipe that closes afterwards."""
    gate, hold = os.pipe()
    started = 0
    limit = int(_TARGETS["processes"])
    try:
        while started <= limit:
            if os.fork() == 0:
                os.close(hold)
                os.read(gate, 1)
                os._exit(0)
            started += 1
    except BlockingIOError:
        return True, f"refused after {started}"
    finally:
        os.close(hold)
        for _ in range(started):
            os.wait()
    return False, f"{started} processes started"


def _too_much_memory() -> Finding:
    try:
        bytearray(int(_TARGETS["memory_bytes"]))
    except MemoryError:
        return True, "MemoryError"
    return False, "it was given"


def _too_big_a_file() -> Finding:
    size_bytes = int(_TARGETS["file_bytes"]) + 1
    try:
        with tempfile.TemporaryFile(dir=".") as file:
            os.ftruncate(file.fileno(), size_bytes)
    except OSError as error:
        return error.errno == errno.EFBIG, errno.errorcode.get(error.errno or 0, str(error))
    return False, "it was written"


def _run_asyncio() -> Finding:
    async def answer() -> int:
        return await asyncio.to_thread(lambda: 42)

    return asyncio.run(answer()) == 42, "ran"  # noqa: PLR2004 - the answer above


def _run_own_python() -> Finding:
    code = "import decimal; print(decimal.Decimal(2) + 1)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603 - the jailed interpreter itself
    return run.stdout == "3\n", run.stdout.strip() or run.stderr[-100:]


def _run_threads() -> Finding:
    seen: list[int] = []
    threads = [threading.Thread(target=seen.append, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(seen) == [0, 1, 2, 3], f"{len(seen)} ran"


def _write_temporary() -> Finding:
    with tempfile.NamedTemporaryFile("w+") as file:
        file.write("x")
        file.flush()
        return Path(file.name).read_text() == "x", "written and read"


def _write_work() -> Finding:
    folder = Path("result")
    folder.mkdir(mode=0o700)
    (folder / "kept.txt").write_text("kept")
    os.umask(0o777)
    (folder / "closed").mkdir()
    return True, "written"


HOSTILE: dict[str, Callable[[], Finding]] = {
    "connect by TCP": _connect_tcp,
    "send by UDP": _send_udp,
    "connect to a UNIX socket": _connect_unix,
    "read a secret file": _read_secret,
    "read it by a link in work": _read_secret_by_link,
    "read it by its own link": _make_link_to_secret,
    "read it by a hard link": _hard_link_secret,
    "empty the secret file": _truncate_secret,
    "open its mode to all": _change_mode_outside,
    "read the host's environment": _read_environment,
    "read /etc/shadow": _read_shadow,
    "read other processes' environments": _read_other_environments,
    "write outside work": _write_outside,
    "trace a process": _ptrace,
    "unshare a user namespace": _new_user_namespace,
    "clone into a user namespace": _clone_into_user_namespace,
    "mount": _mount,
    "change root": _change_root,
    "use io_uring": _io_uring,
    "use the keyring": _keyring,
    "load BPF": _bpf,
    "get a file handle": _open_by_handle,
    "share System V memory": _shared_memory,
    "become root": _become_root,
    "run as root": _is_root,
    "signal the host's process": _signal_host,
    "start too many processes": _too_many_processes,
    "take too much memory": _too_much_memory,
    "write too big a file": _too_big_a_file,
}
ORDINARY: dict[str, Callable[[], Finding]] = {
    "asyncio works": _run_asyncio,
    "own python works": _run_own_python,
    "threads work": _run_threads,
    "temporary files work": _write_temporary,
    "work is writable": _write_work,
}


def main() -> None:
    """Run the named probes in their order and print what each found."""
    known = {**HOSTILE, **ORDINARY}
    for name in sys.argv[1:]:
        held, happened = known[name]()
        line = json.dumps({"probe": name, "held": held, "happened": happened})
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
