"""Attacks on what lies outside: the network, the host's files, other processes."""

import ctypes
import os
import resource
import socket
import stat
import sys
from pathlib import Path

from engines.sandbox.attacks.attempt import (
    Attack,
    Finding,
    all_refused,
    called_by_number,
    refused,
    targets,
)

_TIMEOUT_S = 2.0
_AF_NETLINK = 16
_AF_ALG = 38
_AF_VSOCK = 40


def _connect_tcp() -> Finding:
    address = ("127.0.0.1", int(targets["tcp_port"]))
    return refused(lambda: socket.create_connection(address, _TIMEOUT_S))


def _send_udp() -> Finding:
    def attempt() -> int:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            return sender.sendto(b"leak", ("127.0.0.1", int(targets["udp_port"])))

    return refused(attempt)


def _connect_unix() -> Finding:
    def attempt() -> None:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(targets["unix_socket"])

    return refused(attempt)


def _other_sockets() -> Finding:
    families = (_AF_NETLINK, _AF_ALG, _AF_VSOCK)
    kinds = (socket.SOCK_RAW, socket.SOCK_SEQPACKET, socket.SOCK_STREAM)
    pairs = zip(families, kinds, strict=True)
    return all_refused([lambda f=f, k=k: socket.socket(f, k).close() for f, k in pairs])


def _read_secret() -> Finding:
    return refused(Path(targets["secret"]).read_text)


def _read_secret_by_link() -> Finding:
    return refused(Path("link-to-secret").read_text)


def _make_link_to_secret() -> Finding:
    link = Path("own-link")
    link.symlink_to(targets["secret"])
    return refused(link.read_text)


def _hard_link_secret() -> Finding:
    def attempt() -> str:
        Path("own-hard-link").hardlink_to(targets["secret"])
        return "linked"

    return refused(attempt, "EXDEV")


def _truncate_secret() -> Finding:
    return refused(lambda: os.truncate(targets["secret"], 0))


def _change_mode_outside() -> Finding:
    return refused(lambda: Path(targets["secret"]).chmod(0o777))


def _read_environment() -> Finding:
    value = os.environ.get(targets["variable"])  # noqa: TID251 - looks for a leak
    return value is None, "not set" if value is None else "it is set"


def _read_shadow() -> Finding:
    return refused(Path("/etc/shadow").read_text)


def _read_other_environments() -> Finding:
    """Read every other process's environment that /proc shows."""
    try:
        pids = [path.name for path in Path("/proc").iterdir() if path.name.isdecimal()]
    except PermissionError:
        pids = [targets["host_pid"], "1"]
    read = [pid for pid in pids if pid != str(os.getpid()) and _has_readable_environment(pid)]
    return not read, f"read {len(read)} of {len(pids) - 1 or 1} others"


def _has_readable_environment(pid: str) -> bool:
    try:
        return bool(Path(f"/proc/{pid}/environ").read_bytes())
    except OSError:
        return False


def _write_outside() -> Finding:
    folders = [Path(targets["secret"]).parent, Path(sys.prefix), Path("/usr"), Path("/etc")]
    return all_refused([lambda place=one: (place / "planted").write_text("x") for one in folders])


def _write_kernel_settings() -> Finding:
    places = ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/sys/power/state")
    return all_refused([lambda place=one: os.open(place, os.O_WRONLY) for one in places])


def _open_devices() -> Finding:
    places = ("/dev/mem", "/dev/kmsg", "/dev/fuse", "/dev/kvm", "/dev/vda", "/dev/sda")
    return all_refused([lambda place=one: os.open(place, os.O_RDONLY) for one in places])


def _make_device() -> Finding:
    return refused(lambda: os.mknod("null", stat.S_IFCHR | 0o600, os.makedev(1, 3)))


def _move_own_folder() -> Finding:
    here = Path.cwd()
    return refused(lambda: here.rename(f"{here}-away"), "EBUSY")


def _signal_host() -> Finding:
    return refused(lambda: os.kill(int(targets["host_pid"]), 0))


def _limit_host() -> Finding:
    host = int(targets["host_pid"])
    return refused(lambda: resource.prlimit(host, resource.RLIMIT_NOFILE, (16, 16)))


def _signal_launcher() -> Finding:
    return refused(lambda: os.kill(os.getppid(), 0))


def _read_launcher() -> Finding:
    """Its memory, its descriptors, its environment."""
    launcher = f"/proc/{os.getppid()}"
    return all_refused(
        [
            lambda: os.open(f"{launcher}/mem", os.O_RDWR),
            lambda: os.listdir(f"{launcher}/fd"),  # noqa: PTH208 - names are enough
            lambda: os.open(f"{launcher}/environ", os.O_RDONLY),
        ]
    )


def _take_descriptor() -> Finding:
    def attempt() -> int:
        launcher = os.pidfd_open(os.getppid())
        return called_by_number(438, 438, ctypes.c_int(launcher), ctypes.c_int(0), ctypes.c_int(0))

    return refused(attempt)


def _read_memory_of_host() -> Finding:
    host = ctypes.c_int(int(targets["host_pid"]))
    nothing = [ctypes.c_ulong(0)] * 5
    return refused(lambda: called_by_number(310, 270, host, *nothing))


ATTACKS: dict[str, Attack] = {
    "connect by TCP": _connect_tcp,
    "send by UDP": _send_udp,
    "connect to a UNIX socket": _connect_unix,
    "open other kinds of socket": _other_sockets,
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
    "write kernel settings": _write_kernel_settings,
    "open devices": _open_devices,
    "make a device": _make_device,
    "move its own folder": _move_own_folder,
    "signal the host's process": _signal_host,
    "limit the host's process": _limit_host,
    "read the host's memory": _read_memory_of_host,
    "signal its launcher": _signal_launcher,
    "read its launcher": _read_launcher,
    "take its launcher's descriptors": _take_descriptor,
}
