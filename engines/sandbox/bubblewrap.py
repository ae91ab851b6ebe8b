"""The command line of bubblewrap: an empty root, and in it only what the run may see."""

from pathlib import Path

_CAPABILITIES = ("CAP_SETUID", "CAP_SETGID", "CAP_KILL")
"""What the launcher needs to give up root and to end what it started; the program has none."""


def bubblewrap_arguments(
    program: str,
    readable: tuple[Path, ...],
    work: Path,
    *,
    temporary_bytes: int,
    as_root: bool,
    read_search: bool,
) -> list[str]:
    """Build the arguments up to the `--` before the launcher.

    Args:
        program: Path of bwrap.
        readable: Host paths bound read-only at their own places.
        work: The folder bound writable at its own place.
        temporary_bytes: Size of the private /tmp and /dev/shm, each.
        as_root: No user namespace: the launcher drops to an unprivileged uid by itself, because
            the kernel does not bound the processes of its own uid 0.
        read_search: Let the launcher keep CAP_DAC_READ_SEARCH, among the bound paths only.
    """
    arguments = [program, "--die-with-parent", "--new-session", "--clearenv"]
    arguments += ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    arguments += ["--unshare-cgroup-try", "--cap-drop", "ALL"]
    if as_root:
        kept = (*_CAPABILITIES, *(("CAP_DAC_READ_SEARCH",) if read_search else ()))
        arguments += [word for capability in kept for word in ("--cap-add", capability)]
    else:
        arguments += ["--unshare-user", "--disable-userns"]
    arguments += ["--proc", "/proc", "--dev", "/dev"]
    for place in ("/tmp", "/dev/shm"):  # noqa: S108 - mount points inside the jail
        arguments += ["--perms", "1777", "--size", str(temporary_bytes), "--tmpfs", place]
    arguments += _parents((*readable, work))
    for place in readable:
        arguments += _bind_read_only(place)
    arguments += ["--bind", str(work), str(work), "--remount-ro", "/", "--chdir", "/"]
    return [*arguments, "--"]


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
