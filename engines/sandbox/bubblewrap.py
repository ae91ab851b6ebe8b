"""The command line of bubblewrap: an empty root, and in it only what the run may see."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_CAPABILITIES = ("CAP_SETUID", "CAP_SETGID", "CAP_KILL")
"""What the launcher needs to give up root and to end what it started; the program has none."""


@dataclass(frozen=True)
class Walls:
    """What is inside, and who."""

    readable: tuple[Path, ...]
    """Host paths bound read-only at their own places."""
    writable: Path
    """The folder bound writable at its own place."""
    temporary_bytes: int
    """Size of the private /tmp and /dev/shm, each."""
    as_root: bool
    """No user namespace: the launcher drops to an unprivileged uid by itself, because the kernel
    does not bound the processes of its own uid 0."""
    read_search: bool
    """Let the launcher keep CAP_DAC_READ_SEARCH, among the bound paths only."""
    is_server: bool = False
    """Runs share it, and each may make mounts and a process namespace of its own in it. It ends
    when the host closes its requests, not with the thread that started it."""
    env: Mapping[str, str] = field(default_factory=dict[str, str])


def bubblewrap_arguments(program: str, walls: Walls) -> list[str]:
    """Build the arguments of the bwrap at `program` up to the `--` before the launcher."""
    arguments = [program, "--new-session", "--clearenv"]
    arguments += ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    arguments += ["--unshare-cgroup-try", *_capabilities(walls)]
    if not walls.as_root:
        arguments += ["--unshare-user", "--disable-userns"]
    if not walls.is_server:
        arguments += ["--die-with-parent", "--as-pid-1"]
    for name, value in walls.env.items():
        arguments += ["--setenv", name, value]
    arguments += ["--proc", "/proc", "--dev", "/dev"]
    for place in ("/tmp", "/dev/shm"):  # noqa: S108 - mount points inside the jail
        arguments += ["--perms", "1777", "--size", str(walls.temporary_bytes), "--tmpfs", place]
    arguments += _parents((*walls.readable, walls.writable))
    for place in walls.readable:
        arguments += _bind_read_only(place)
    work = str(walls.writable)
    return [*arguments, "--bind", work, work, "--remount-ro", "/", "--chdir", "/", "--"]


def _capabilities(walls: Walls) -> list[str]:
    kept = (
        *(_CAPABILITIES if walls.as_root else ()),
        *(("CAP_DAC_READ_SEARCH",) if walls.read_search else ()),
        *(("CAP_SYS_ADMIN",) if walls.is_server else ()),
    )
    return ["--cap-drop", "ALL", *(word for name in kept for word in ("--cap-add", name))]


def _parents(places: tuple[Path, ...]) -> list[str]:
    """Create the folders above each place; bwrap's own would be closed to other uids."""
    parents = {parent for place in places for parent in place.parents[:-1]}
    ordered = sorted(parents, key=lambda parent: len(parent.parts))
    mount_points = (Path("/tmp"), Path("/dev"))  # noqa: S108 - of the jail
    made = [str(parent) for parent in ordered if parent not in mount_points]
    return [word for path in made for word in ("--perms", "0755", "--dir", path)]


def _bind_read_only(place: Path) -> list[str]:
    if place.is_symlink() and len(place.parts) == len(("/", "lib")):
        return ["--symlink", str(place.readlink()), str(place)]
    return ["--ro-bind", str(place), str(place)]
